"""The rows that a ledger is opened with: jobs, locked, and what else decisions about them need."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, or_, select

from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import job_stages, jobs, queues

#: Only what decisions need: parameters and the like may be large.
_LOCKED = [
    jobs.c.id,
    jobs.c.tenant,
    jobs.c.path_id,
    jobs.c.title,
    jobs.c.status,
    jobs.c.status_reason,
    jobs.c.status_actor,
    jobs.c.stopping_because,
    jobs.c.waits_for,
    jobs.c.percent,
    jobs.c.error,
    jobs.c.revision,
    jobs.c.last_sequence,
    jobs.c.started_at,
    jobs.c.priority,
]
_LOCK = (
    select(*_LOCKED).where(jobs.c.id.in_(bindparam("job_ids", expanding=True))).order_by(jobs.c.id).with_for_update()
)
#: A stage with whether its queue is more than a name; a queue that nobody has published yet is not.
_STAGES = (
    select(job_stages, or_(queues.c.is_paused, queues.c.is_limited).label("is_gated"))
    .select_from(job_stages.outerjoin(queues, queues.c.name == job_stages.c.queue))
    .where(job_stages.c.job_id.in_(bindparam("job_ids", expanding=True)))
    .order_by(job_stages.c.stage_no)
)


def lock_jobs(tx: Connection, job_ids: Sequence[str]) -> dict[str, Row]:
    """Lock the rows of these jobs, in id order. Unknown ids are left out."""
    locked = tx.execute(_LOCK, {"job_ids": job_ids})
    return {row["id"]: row for row in locked.mappings()}


def read_stages(tx: Connection, job_ids: Sequence[str]) -> dict[str, list[Row]]:
    """The stages of these jobs, in order; `is_gated` = the queue is paused or limited.

    They have no lock of their own: stage rows are written by holders of the job's lock alone.
    """
    stages: dict[str, list[Row]] = {job_id: [] for job_id in job_ids}
    found = tx.execute(_STAGES, {"job_ids": job_ids})
    for stage in found.mappings():
        stages[stage["job_id"]].append(stage)
    return stages
