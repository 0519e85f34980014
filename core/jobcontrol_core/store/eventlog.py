"""A job's events, read after a position."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.events import JobEvent, decode_event
from jobcontrol_core.store.tables import job_events, jobs

PAGE = 200


@dataclass(frozen=True, slots=True)
class Bounds:
    """The sequences that a job's log holds now: `first`..`last`; first > last when all was trimmed."""

    first: int
    last: int
    has_ended: bool


def read_events(tx: Connection, job_id: str, after: int, limit: int = PAGE) -> list[JobEvent]:
    """Up to `limit` events with a sequence above `after`, in order."""
    found = tx.execute(
        select(job_events)
        .where(job_events.c.job_id == job_id, job_events.c.sequence > after)
        .order_by(job_events.c.sequence)
        .limit(limit)
    )
    return [decode_event(row.job_id, row.sequence, row.created_at, row.payload) for row in found]


def read_heads(tx: Connection, job_ids: Iterable[str]) -> dict[str, int]:
    """The last sequence of each of these jobs that exist."""
    found = tx.execute(select(jobs.c.id, jobs.c.last_sequence).where(jobs.c.id.in_(list(job_ids))))
    return {row.id: row.last_sequence for row in found}


def read_bounds(tx: Connection, job_id: str) -> Bounds | None:
    """What the log of a job holds, or None if there is no such job."""
    first = select(func.min(job_events.c.sequence)).where(job_events.c.job_id == job_id).scalar_subquery()
    row = tx.execute(
        select(jobs.c.last_sequence, jobs.c.completed_at, first.label("first")).where(jobs.c.id == job_id)
    ).one_or_none()
    if row is None:
        return None
    return Bounds(row.first or row.last_sequence + 1, row.last_sequence, row.completed_at is not None)
