"""What follows when no step of a job is open."""

from __future__ import annotations

from sqlalchemy import select

from jobcontrol_core.domain.lifecycle import ACTIVE_JOB, JobStatus, Stopping
from jobcontrol_core.store.births import bear_finalize
from jobcontrol_core.store.failing import first_error
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.receipts import tell_told
from jobcontrol_core.store.tables import jobs


def conclude(ledger: Ledger) -> None:
    """End, or finalize, every job of this transaction whose last open step ended in it.

    A stopping job ends as what it was stopped for. One whose finalize step is over ends by its outcome.
    One with a stage in which every step failed is FAILED. Every other gets its finalize step. A job that waited
    for one that ended starts.
    """
    for entry in ledger.entries.values():
        if entry.has_news and not entry.status.has_ended and entry.open_steps == 0:
            _conclude(ledger, entry)
    tell_told(ledger)
    _release_waiting(ledger)


def _release_waiting(ledger: Ledger) -> None:
    """Let the jobs start that waited for one which ended in this transaction.

    A waiting job is locked after the one it waits for, by everybody, and has no running steps: no circle.
    """
    ended = [entry for entry in ledger.entries.values() if entry.has_news and entry.status.has_ended]
    if not ended:
        return
    waits = select(jobs.c.id).where(
        # The path finds the row by an index, the job that it waits for does not.
        jobs.c.tenant.in_([entry.row["tenant"] for entry in ended]),
        jobs.c.path_id.in_([entry.row["path_id"] for entry in ended]),
        jobs.c.waits_for.in_([entry.job_id for entry in ended]),
        jobs.c.status.in_(ACTIVE_JOB),
    )
    for entry in ledger.admit(ledger.tx.execute(waits).scalars().all()):
        if not entry.status.has_ended and entry.waits_for is not None:
            entry.release()


def _conclude(ledger: Ledger, entry: Entry) -> None:
    if entry.stopping is Stopping.FAILED:
        _end_failed(entry)
    elif entry.stopping is not None:
        reason = entry.row["status_reason"] if entry.change is None else entry.change.reason
        actor = entry.row["status_actor"] if entry.change is None else entry.change.actor
        entry.move(entry.stopping.job_status, actor=actor, reason=reason)
    elif entry.has_finalize_step:
        _end_by_finalize(ledger, entry)
    elif (failed_stage := _stage_that_failed_whole(entry)) is not None:
        _fail(ledger, entry, failed_stage)
    else:
        bear_finalize(ledger, entry)


def _end_by_finalize(ledger: Ledger, entry: Entry) -> None:
    if entry.counts[entry.finalize_no].completed:
        entry.move(JobStatus.COMPLETED)
    else:
        _fail(ledger, entry, entry.finalize_no)


def _stage_that_failed_whole(entry: Entry) -> int | None:
    for stage_no, counts in enumerate(entry.counts):
        if counts.total and counts.failed == counts.total:
            return stage_no
    return None


def _fail(ledger: Ledger, entry: Entry, stage_no: int) -> None:
    entry.set_error(first_error(ledger, entry, stage_no))
    _end_failed(entry)


def _end_failed(entry: Entry) -> None:
    error = entry.error
    assert error is not None
    entry.move(JobStatus.FAILED, reason=f"{error.type}: {error.message}"[:512])
