"""Job timeouts: a job that takes longer than it was given is FAILED."""

from __future__ import annotations

from sqlalchemy import Connection, select

from jobcontrol_core.domain.values import JobError
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.stopping import fail_job
from jobcontrol_core.store.tables import IS_ACTIVE, jobs

ERROR_TYPE = "JobTimeout"
#: Jobs told of in one turn; the rest comes with the next.
MOST = 1_000


def read_overdue_jobs(tx: Connection) -> list[str]:
    """The jobs that go on past their deadline, and that nothing stops yet."""
    overdue = (
        select(jobs.c.id)
        .where(IS_ACTIVE, jobs.c.stopping_because.is_(None), jobs.c.deadline_at <= read_now(tx))
        .order_by(jobs.c.id)
        .limit(MOST)
    )
    return list(tx.execute(overdue).scalars())


def expire_job(tx: Connection, job_id: str) -> tuple[Committed, ...]:
    """Stop a job that `read_overdue_jobs` named: FAILED once its running steps have let go, the others SKIPPED.

    On one that ended or is stopping by now nothing happens.
    """
    limit = select(jobs.c.deadline_at, jobs.c.created_at).where(jobs.c.id == job_id)
    deadline_at, created_at = tx.execute(limit).one()
    seconds = (deadline_at - created_at).total_seconds()
    return fail_job(tx, job_id, JobError(ERROR_TYPE, f"the job has not ended within {seconds:g} s"))
