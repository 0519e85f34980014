"""Claims: PENDING steps that a session takes to run, in document order."""

from __future__ import annotations

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
from jobcontrol_core.store.tables import steps


@dataclass(frozen=True, slots=True)
class ClaimWish:
    """What a session has room for in one job: at most `room[stage_no]` steps of each stage, served in that order."""

    job_id: str
    room: Mapping[int, int]


def lock_claimable(tx: Connection, wishes: Sequence[ClaimWish]) -> list[Row]:
    """Lock steps that these wishes may take, skipping those that another session is taking just now.

    A transaction does not skip its own locks: two wishes for one stage find the same steps, told once.
    """
    found = [row for wish in wishes for stage_no, room in wish.room.items() for row in _lock(tx, wish, stage_no, room)]
    return list({row["id"]: row for row in found}.values())


def write_claims(ledger: Ledger, candidates: Sequence[Row], *, session_id: str) -> tuple[ClaimedStep, ...]:
    """Take these steps, which their jobs and queues allow: PROCESSING, with a new attempt number."""
    if not candidates:
        return ()
    ledger.tx.execute(
        update(steps)
        .where(steps.c.id == bindparam("b_id"), steps.c.status == StepStatus.PENDING)
        .values(session_id=session_id, **_begun(ledger.now)),
        [{"b_id": row["id"], "attempt": row["attempt"] + 1} for row in candidates],
    )
    checkpoints = read_checkpoints(ledger.tx, candidates)
    return tuple(_claimed(ledger, row, checkpoints.get(row["id"])) for row in candidates)


def allows_claims(entry: Entry) -> bool:
    """True while the job hands out steps."""
    return entry.status in CLAIMABLE_JOB and entry.stopping is None and entry.waits_for is None


def _lock(tx: Connection, wish: ClaimWish, stage_no: int, room: int) -> Sequence[Row]:
    if room <= 0:
        return []
    claimable = (
        select(steps)
        .where(
            steps.c.job_id == wish.job_id,
            steps.c.stage_no == stage_no,
            steps.c.status == StepStatus.PENDING,
            steps.c.is_due,
        )
        .order_by(steps.c.position)
        .limit(room)
        .with_for_update(skip_locked=True)
    )
    return tx.execute(claimable).mappings().all()


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
