"""How many jobs a tenant has, now and lately."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.jobfilters import is_seen_by
from jobcontrol_core.store.tables import IS_ACTIVE, dead_letters, jobs


@dataclass(frozen=True, slots=True)
class Stats:
    """`waiting` jobs are PENDING, `active` ones neither that nor ended; the next two ended within the window."""

    active: int
    waiting: int
    completed: int
    failed: int
    dead_letters: int


def read_stats(tx: Connection, tenant: str, window: timedelta) -> Stats:
    """The counts of this tenant's jobs; each is exact."""
    counted = select(jobs.c.status, func.count().label("number")).where(is_seen_by(tenant))
    now = {row.status: row.number for row in tx.execute(counted.where(IS_ACTIVE).group_by(jobs.c.status))}
    since = read_now(tx) - window
    ended = counted.where(
        jobs.c.status.in_((JobStatus.COMPLETED, JobStatus.FAILED)), jobs.c.completed_at >= since
    ).group_by(jobs.c.status)
    lately = {row.status: row.number for row in tx.execute(ended)}
    dead = select(func.count()).select_from(dead_letters.join(jobs, dead_letters.c.job_id == jobs.c.id))
    waiting = now.pop(JobStatus.PENDING, 0)
    return Stats(
        active=sum(now.values()),
        waiting=waiting,
        completed=lately.get(JobStatus.COMPLETED, 0),
        failed=lately.get(JobStatus.FAILED, 0),
        dead_letters=tx.execute(dead.where(is_seen_by(tenant))).scalar_one(),
    )
