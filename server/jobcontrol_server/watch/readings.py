"""What the hub and the subscriptions read, each in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from jobcontrol_core.domain.errors import FieldInvalid, JobNotFound, Violation
from jobcontrol_core.domain.values import Job
from jobcontrol_core.store.eventlog import PAGE, Bounds, read_bounds, read_events
from jobcontrol_core.store.lookup import get_job, resolve_job_id
from jobcontrol_server.watch.frames import News
from jobcontrol_server.watch.openings import SnapshotReason, is_at_the_end, snapshot_reason


@dataclass(frozen=True, slots=True)
class Opening:
    """How a watch begins. `job` is read if its first message shows it: a snapshot for `reason`, or the end."""

    job_id: str
    bounds: Bounds
    reason: SnapshotReason | None
    job: Job | None


def read_opening(tx: Connection, tenant: str, given: str, after: int | None) -> Opening:
    """Find the job that `given` names and where the watch begins. Raises JobNotFound."""
    job_id = resolve_job_id(tx, tenant, given)
    bounds = read_bounds(tx, job_id)
    if bounds is None:
        raise JobNotFound(given)
    reason = snapshot_reason(after, bounds)
    shows_job = reason is not None or is_at_the_end(after, bounds)
    return Opening(job_id, bounds, reason, get_job(tx, job_id) if shows_job else None)


def read_openings(tx: Connection, tenant: str, positions: Sequence[tuple[str, int | None]]) -> list[Opening]:
    """Where the watch of each of many jobs begins. Raises JobNotFound, or FieldInvalid if one is named twice."""
    openings = [read_opening(tx, tenant, given, after) for given, after in positions]
    seen: set[str] = set()
    for number, opening in enumerate(openings):
        if opening.job_id in seen:
            raise FieldInvalid([Violation(f"positions[{number}].job_id", "names a job that another one names")])
        seen.add(opening.job_id)
    return openings


def read_news(tx: Connection, job_id: str, after: int, limit: int = PAGE) -> News:
    """Up to `limit` events after `after`."""
    events = read_events(tx, job_id, after, limit)
    has_ended = bool(events) and events[-1].status.has_ended
    return News(events, get_job(tx, job_id) if has_ended else None)
