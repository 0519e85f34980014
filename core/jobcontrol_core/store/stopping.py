"""Cancel and failing as a whole, and the sweep that ends what a stopping job left PENDING."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, exists, select, update

from jobcontrol_core.domain.errors import JobTerminal
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, Stopping, StopReceipt
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.domain.values import JobError
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.exchange import Exchanged, finish_endings
from jobcontrol_core.store.fanin import conclude
from jobcontrol_core.store.ledger import Committed, Entry, Ledger
from jobcontrol_core.store.outcomes import Ending
from jobcontrol_core.store.receipts import IS_RUNNING
from jobcontrol_core.store.rows import Row, require_etag, to_step
from jobcontrol_core.store.tables import (
    IS_ACTIVE,
    IS_BACKING_OFF,
    IS_CLAIMABLE,
    IS_SUSPECT,
    PENDING_STEPS,
    job_stages,
    jobs,
    steps,
)

#: PENDING steps that one transaction ends.
SWEEP = 1_000

_HAS_PENDING = PENDING_STEPS > 0


def cancel_job(
    tx: Connection, job_id: str, *, actor: str, reason: str, etag: str = "", takes_turns: bool = False
) -> tuple[Committed, ...]:
    """Stop a job. From the commit on none of its steps starts.

    With nothing running and at most SWEEP open steps it is CANCELLED at once, else CANCELLING until its
    running steps have let go and the sweep is through. On a CANCELLING job nothing happens. Raises
    JobNotFound, JobTerminal on one that has ended, EtagMismatch. `takes_turns` = wait for steps that somebody else has
    locked, instead of leaving them to the sweep.
    """
    now = read_now(tx)
    pending = _lock_pending(tx, job_id, skips_locked=not takes_turns)
    ledger = Ledger.open(tx, now, [job_id])
    entry = ledger.entry(job_id)
    if entry.status.has_ended:
        raise JobTerminal(job_id, entry.status)
    if entry.stopping is not None:
        return ()
    require_etag(entry.row, etag)
    entry.stopping = Stopping.CANCELLED
    entry.move(JobStatus.CANCELLING, actor=actor, reason=reason)
    _end_pending(ledger, entry, pending)
    conclude(ledger)
    return ledger.settle()


def fail_job(tx: Connection, job_id: str, error: JobError) -> tuple[Committed, ...]:
    """Stop a job that cannot be completed any more: it ends FAILED with this error.

    From the commit on none of its steps starts; those that run are told to stop, the others are SKIPPED. On a
    job that has ended or is stopping nothing happens.
    """
    now = read_now(tx)
    pending = _lock_pending(tx, job_id)
    ledger = Ledger.open(tx, now, [job_id])
    entry = ledger.entry(job_id)
    if entry.status.has_ended or entry.stopping is not None:
        return ()
    entry.fail(error)
    _end_pending(ledger, entry, pending)
    conclude(ledger)
    return ledger.settle()


def abandon_running(tx: Connection, job_id: str) -> Exchanged:
    """End up to SWEEP running steps of a stopping job without their handlers, which are told to stop all the same.

    Once it comes back with nothing accepted, none runs by the books: nothing starts under a stopping job.
    """
    is_stopping = exists().where(jobs.c.id == steps.c.job_id, jobs.c.stopping_because.is_not(None))
    running = tx.execute(
        select(steps)
        .where(steps.c.job_id == job_id, IS_RUNNING, is_stopping)
        .order_by(steps.c.id)
        .limit(SWEEP)
        .with_for_update()
    )
    return finish_endings(tx, [Ending(row, Interrupted(StopReceipt.ABANDONED)) for row in running.mappings()])


def sweep_job(tx: Connection, job_id: str) -> tuple[Committed, ...]:
    """End up to SWEEP steps that a stopping job still has PENDING."""
    now = read_now(tx)
    pending = _lock_pending(tx, job_id)
    ledger = Ledger.open(tx, now, [job_id])
    entry = ledger.entry(job_id)
    if entry.stopping is None or not pending:
        return ()
    _end_pending(ledger, entry, pending)
    conclude(ledger)
    return ledger.settle()


def read_stopping_jobs(tx: Connection) -> list[str]:
    """The jobs that are stopping and still have PENDING steps."""
    has_pending = exists().where(job_stages.c.job_id == jobs.c.id, _HAS_PENDING)
    stopping = select(jobs.c.id).where(IS_ACTIVE, jobs.c.stopping_because.is_not(None), has_pending)
    found = tx.execute(stopping.order_by(jobs.c.id))
    return list(found.scalars())


def _lock_pending(tx: Connection, job_id: str, *, skips_locked: bool = True) -> Sequence[Row]:
    """Up to SWEEP of them, claimable ones first: each kind has an index of what is left of it, and of nothing else."""
    stages = select(job_stages.c.stage_no).where(job_stages.c.job_id == job_id, _HAS_PENDING)
    found: list[Row] = []
    for stage_no in tx.execute(stages.order_by(job_stages.c.stage_no)).scalars():
        for kind in (IS_CLAIMABLE, IS_SUSPECT, IS_BACKING_OFF):
            if room := SWEEP - len(found):
                pending = select(steps).where(steps.c.job_id == job_id, steps.c.stage_no == stage_no, kind)
                limited = pending.order_by(steps.c.position).limit(room).with_for_update(skip_locked=skips_locked)
                found += tx.execute(limited).mappings().all()
    return found


def _end_pending(ledger: Ledger, entry: Entry, pending: Sequence[Row]) -> None:
    assert entry.stopping is not None
    status = entry.stopping.pending_step_status
    ledger.tx.execute(
        update(steps)
        .where(steps.c.id.in_([row["id"] for row in pending]), steps.c.status == StepStatus.PENDING)
        .values(status=status, completed_at=ledger.now, next_attempt_at=None, is_due=True)
    )
    ended = {"status": status, "completed_at": ledger.now, "next_attempt_at": None}
    for row in pending:
        entry.tell_step(StepStatus.PENDING, to_step({**row, **ended}))
