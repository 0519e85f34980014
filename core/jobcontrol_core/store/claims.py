"""Claims: PENDING steps that a session takes to run, in document order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.sql import bindparam

from jobcontrol_core.domain.lifecycle import CLAIMABLE_JOB, JobStatus, StepStatus
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.blobs import unspill
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.reports import read_checkpoints
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import IS_CLAIMABLE, IS_SUSPECT, steps

# Statements of every exchange are built once: building one costs more than running it.
_IN_STAGE = (
    select(steps)
    .where(steps.c.job_id == bindparam("job_id"), steps.c.stage_no == bindparam("stage_no"))
    .limit(bindparam("room"))
    .with_for_update(skip_locked=True)
)
_CLAIMABLE = _IN_STAGE.where(IS_CLAIMABLE).order_by(steps.c.position)
_SUSPECTS = _IN_STAGE.where(IS_SUSPECT).order_by(steps.c.crashes, steps.c.position)
_BEGIN = update(steps).where(steps.c.id == bindparam("b_id"), steps.c.status == StepStatus.PENDING)


@dataclass(frozen=True, slots=True)
class ClaimWish:
    """What a session has room for in one job: at most `room[stage_no]` steps of each stage, served in that order.

    It is for what waits there, then for what the same transaction brings forth. A suspect is claimed by a wish for
    suspects alone, the least suspicious first, and no other step by that.
    """

    job_id: str
    room: Mapping[int, int]
    is_for_suspects: bool = False


def lock_claimable(tx: Connection, wishes: Sequence[ClaimWish]) -> list[Row]:
    """Lock steps that these wishes may take, skipping those that another session is taking just now.

    A transaction does not skip its own locks: two wishes for one stage find the same steps, told once.
    """
    found = [row for wish in wishes for stage_no, room in wish.room.items() for row in _lock(tx, wish, stage_no, room)]
    return list({row["id"]: row for row in found}.values())


def claimable_newborn(ledger: Ledger, wishes: Sequence[ClaimWish], candidates: Sequence[Row]) -> list[Row]:
    """Steps born in this transaction for which these wishes have room besides the candidates.

    A long input is not in the database yet: such a step is left to the next claim.
    """
    ordinary = [wish for wish in wishes if not wish.is_for_suspects]
    room = Counter({(wish.job_id, stage_no): room for wish in ordinary for stage_no, room in wish.room.items()})
    room.subtract((row["job_id"], row["stage_no"]) for row in candidates)
    found = []
    for row in ledger.newborn:
        place = (row["job_id"], row["stage_no"])
        if room[place] > 0 and row["input_sha256"] is None:
            room[place] -= 1
            found.append(row)
    return found


def write_claims(ledger: Ledger, candidates: Sequence[Row], *, session_id: str) -> tuple[ClaimedStep, ...]:
    """Take these steps, which their jobs and queues allow: PROCESSING, with a new attempt number."""
    if not candidates:
        return ()
    begun = {"session_id": session_id, **_begun(ledger.now)}
    ledger.tx.execute(_BEGIN, [{"b_id": row["id"], "attempt": row["attempt"] + 1, **begun} for row in candidates])
    checkpoints = read_checkpoints(ledger.tx, candidates)
    return tuple(_claimed(ledger, row, checkpoints.get(row["id"])) for row in candidates)


def allows_claims(entry: Entry) -> bool:
    """True while the job hands out steps."""
    return entry.status in CLAIMABLE_JOB and entry.stopping is None and entry.waits_for is None


def _lock(tx: Connection, wish: ClaimWish, stage_no: int, room: int) -> Sequence[Row]:
    if room <= 0:
        return []
    place = {"job_id": wish.job_id, "stage_no": stage_no, "room": room}
    return tx.execute(_SUSPECTS if wish.is_for_suspects else _CLAIMABLE, place).mappings().all()


def _begun(now: datetime) -> dict[str, Any]:
    """What a claim makes of a step, whatever an earlier attempt left on it."""
    return {
        "status": StepStatus.PROCESSING,
        "started_at": now,
        "next_attempt_at": None,
        "progress_fraction": None,
        "progress_note": "",
    }


def _claimed(ledger: Ledger, row: Row, checkpoint: str | None) -> ClaimedStep:
    entry = ledger.entries[row["job_id"]]
    if entry.status is JobStatus.PENDING:
        entry.move(JobStatus.PROCESSING)
    entry.values["served_at"] = ledger.now
    step = to_step({**row, "attempt": row["attempt"] + 1, **_begun(ledger.now)})
    entry.tell_step(StepStatus.PENDING, step)
    text = unspill(ledger.tx, row["input"], row["input_sha256"])
    return ClaimedStep(step, text or "null", row["key_path"], checkpoint)
