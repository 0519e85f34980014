"""The exchange: what a worker process finished and what it takes next, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from jobcontrol_core.domain.lifecycle import CLAIMABLE_JOB, StopReceipt
from jobcontrol_core.domain.outcomes import StepOutcome
from jobcontrol_core.domain.reports import StepReport
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.claims import ClaimWish, allows_claims, claimable_newborn, lock_claimable, write_claims
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.fanin import conclude
from jobcontrol_core.store.ledger import Committed, Ledger
from jobcontrol_core.store.limits import Closed, grant
from jobcontrol_core.store.outcomes import Ending, lock_running, write_endings
from jobcontrol_core.store.receipts import just_stopped, write_receipts
from jobcontrol_core.store.reports import write_reports
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import PENDING_STEPS, job_stages, jobs


@dataclass(frozen=True, slots=True)
class Waiting:
    """A stage of a job that holds PENDING steps: at least one ticket should be on its queue.

    If the job `is_urgent`, of a priority above the usual one, the ticket goes before those that are there.
    """

    job_id: str
    stage_no: int
    queue: str
    is_urgent: bool = False


@dataclass(frozen=True, slots=True)
class Exchanged:
    """`accepted` are the step ids whose outcome was recorded; the others had been taken away before.

    `stopping` are the jobs that these outcomes made fail while others of their steps run: these are to be told.
    `closed` are the queues whose limits, or a pause, left wishes open.
    """

    accepted: frozenset[str]
    claimed: tuple[ClaimedStep, ...]
    committed: tuple[Committed, ...]
    waiting: tuple[Waiting, ...]
    stopping: tuple[str, ...] = ()
    closed: tuple[Closed, ...] = ()


def exchange(
    tx: Connection,
    session_id: str,
    outcomes: Sequence[StepOutcome],
    wishes: Sequence[ClaimWish],
    reports: Sequence[StepReport] = (),
) -> Exchanged:
    """Record reports and outcomes, and claim by the wishes.

    The lock order of the whole transaction is Ledger's: the steps of reports and outcomes by (job_id, id); the
    claim's steps, which never wait; the jobs by id. Children, and a finalize step, that these outcomes bring forth
    are claimed with the rest. A wish is for what the job allows at that moment; it may well come back empty.
    """
    now = read_now(tx)
    told = lock_running(tx, outcomes, reports)
    candidates = lock_claimable(tx, wishes)
    ledger = Ledger.open(tx, now, {row["job_id"] for row in (*told.rows(), *candidates)})
    write_reports(ledger, told.reported)
    write_endings(ledger, told.endings)
    write_receipts(ledger, told.over, StopReceipt.STOPPED)
    conclude(ledger)
    candidates += claimable_newborn(ledger, wishes, candidates)
    allowed = [row for row in candidates if allows_claims(ledger.entries[row["job_id"]])]
    granted, closed = grant(ledger, allowed)
    claimed = write_claims(ledger, granted, session_id=session_id)
    return _settled(ledger, told.endings, claimed, closed)


def finish_endings(tx: Connection, endings: Sequence[Ending], given_up: Sequence[Row] = ()) -> Exchanged:
    """Record endings of steps that are locked already; for those who take steps away from a session.

    `given_up` are steps of it that had ended without their handlers, which are gone by now.
    """
    rows = [*(ending.row for ending in endings), *given_up]
    ledger = Ledger.open(tx, read_now(tx), {row["job_id"] for row in rows})
    write_endings(ledger, endings)
    write_receipts(ledger, given_up, StopReceipt.KILLED)
    conclude(ledger)
    return _settled(ledger, endings)


def waiting_stages(ledger: Ledger) -> tuple[Waiting, ...]:
    """Stages of this transaction's jobs with PENDING steps, some of which may be backing off."""
    return tuple(
        Waiting(entry.job_id, stage.number, stage.queue, entry.row["priority"] > 0)
        for entry in ledger.entries.values()
        if allows_claims(entry)
        for stage, counts in zip(entry.stages, entry.counts, strict=True)
        if counts.pending > 0
    )


def read_waiting(tx: Connection, job_ids: Sequence[str]) -> tuple[Waiting, ...]:
    """Stages of these jobs with PENDING steps, as far as the jobs hand out steps."""
    stage = job_stages.c
    found = tx.execute(
        select(stage.job_id, stage.stage_no, stage.queue)
        .select_from(job_stages.join(jobs, jobs.c.id == stage.job_id))
        .where(
            stage.job_id.in_(job_ids),
            PENDING_STEPS > 0,
            jobs.c.status.in_(CLAIMABLE_JOB),
            jobs.c.stopping_because.is_(None),
            jobs.c.waits_for.is_(None),
        )
        .order_by(stage.job_id, stage.stage_no)
    )
    return tuple(Waiting(*row) for row in found)


def _settled(
    ledger: Ledger,
    endings: Sequence[Ending],
    claimed: tuple[ClaimedStep, ...] = (),
    closed: tuple[Closed, ...] = (),
) -> Exchanged:
    committed = ledger.settle()
    accepted = frozenset(ending.row["id"] for ending in endings)
    stopping = tuple(entry.job_id for entry in just_stopped(ledger))
    return Exchanged(accepted, claimed, committed, waiting_stages(ledger), stopping, closed)
