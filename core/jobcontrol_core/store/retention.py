"""Records that have served their purpose are deleted."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, Table, delete, select, tuple_, update

from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.gradual import prune_requeues
from jobcontrol_core.store.requests import prune_requests
from jobcontrol_core.store.sessions import prune_sessions
from jobcontrol_core.store.tables import (
    HAS_HISTORY,
    job_events,
    jobs,
    step_attempts,
    step_checkpoints,
    step_logs,
)

SESSIONS_KEPT = timedelta(days=1)
#: What a job's history is, beside the job, its steps and its results, which stay; and the rows that one transaction
#: deletes: few where a row may have 256 KiB, for on SQLite it is their pages that take time.
HISTORY = {job_events: 25, step_logs: 500, step_attempts: 50, step_checkpoints: 25}


def prune(tx: Connection) -> None:
    """Forget request ids after 24 hours, worker sessions a day after their end, and what was requeued a day ago."""
    now = read_now(tx)
    prune_requests(tx, now)
    prune_requeues(tx, now)
    prune_sessions(tx, now - SESSIONS_KEPT)


def prune_history(tx: Connection, kept: timedelta) -> bool:
    """Delete a few rows of the history of the job that ended first, if that is longer ago than `kept`.

    True = there may be more. A job that goes on loses nothing. Events go from the first on, so that what is left
    of a log has no hole: a watcher from before gets a picture that says TRIMMED.
    """
    now = read_now(tx)
    # Locked so that two leaders, for a moment, do not wait for each other's rows.
    old = select(jobs.c.id).where(HAS_HISTORY, jobs.c.completed_at <= now - kept).order_by(jobs.c.completed_at)
    job_id = tx.execute(old.limit(1).with_for_update(skip_locked=True)).scalar_one_or_none()
    if job_id is None:
        return False
    if not any(_delete_some(tx, table, job_id, limit) for table, limit in HISTORY.items()):
        tx.execute(update(jobs).where(jobs.c.id == job_id).values(history_pruned_at=now))
    return True


def _delete_some(tx: Connection, table: Table, job_id: str, limit: int) -> bool:
    key = list(table.primary_key)
    some = select(*key).where(table.c.job_id == job_id).order_by(*key).limit(limit)
    return tx.execute(delete(table).where(tuple_(*key).in_(some))).rowcount > 0
