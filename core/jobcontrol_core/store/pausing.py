"""Pause and Resume: whether a job hands out steps."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from jobcontrol_core.domain.errors import JobNotPausable, JobTerminal
from jobcontrol_core.domain.lifecycle import CLAIMABLE_JOB, JobStatus
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.exchange import Waiting, waiting_stages
from jobcontrol_core.store.ledger import Committed, Entry, Ledger
from jobcontrol_core.store.rows import require_etag


@dataclass(frozen=True, slots=True)
class Resumed:
    """What to ring for, and the stages that want tickets again. Both are empty where nothing changed."""

    committed: tuple[Committed, ...] = ()
    waiting: tuple[Waiting, ...] = ()


def pause_job(tx: Connection, job_id: str, *, actor: str, reason: str, etag: str = "") -> tuple[Committed, ...]:
    """Hand out no more steps of a job. Those that run may finish, and may end the job.

    On a PAUSED job nothing happens. Raises JobNotPausable on one that is stopping or has ended, EtagMismatch.
    """
    ledger, entry = _open(tx, job_id)
    if entry.status is JobStatus.PAUSED and entry.stopping is None:
        return ()
    if entry.status not in CLAIMABLE_JOB or entry.stopping is not None:
        raise JobNotPausable(job_id, entry.status)
    require_etag(entry.row, etag)
    entry.move(JobStatus.PAUSED, actor=actor, reason=reason)
    return ledger.settle()


def resume_job(tx: Connection, job_id: str, *, actor: str, reason: str, etag: str = "") -> Resumed:
    """Hand out steps of a PAUSED job again: it is PROCESSING if one ever started, else PENDING.

    On a job that is not paused nothing happens. Raises JobTerminal on one that is stopping or has ended,
    EtagMismatch.
    """
    ledger, entry = _open(tx, job_id)
    if entry.status is not JobStatus.PAUSED or entry.stopping is not None:
        if entry.status in CLAIMABLE_JOB and entry.stopping is None:
            return Resumed()
        raise JobTerminal(job_id, entry.status)
    require_etag(entry.row, etag)
    has_started = entry.row["started_at"] is not None
    entry.move(JobStatus.PROCESSING if has_started else JobStatus.PENDING, actor=actor, reason=reason)
    return Resumed(ledger.settle(), waiting_stages(ledger))


def _open(tx: Connection, job_id: str) -> tuple[Ledger, Entry]:
    ledger = Ledger.open(tx, read_now(tx), [job_id])
    return ledger, ledger.entry(job_id)
