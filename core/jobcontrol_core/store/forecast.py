"""How long a running job may still take, judged by earlier ones of its pipeline that were as long under way."""

from __future__ import annotations

from sqlalchemy import Connection, select

from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.domain.progress import TimeLeft, time_left_of
from jobcontrol_core.store.clock import db_now
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import jobs

#: The newest completed jobs that are looked at.
SAMPLES = 50


def read_time_left(tx: Connection, row: Row) -> TimeLeft | None:
    """Of a row of `jobs` that is PROCESSING; None where too few earlier jobs say anything.

    Retries that took steps over are no measure for a whole job.
    """
    now = db_now().label("now")
    earlier = tx.execute(
        select(jobs.c.started_at, jobs.c.completed_at, now)
        .where(
            jobs.c.tenant == row["tenant"],
            jobs.c.pipeline == row["pipeline"],
            jobs.c.pipeline_version == row["pipeline_version"],
            jobs.c.status == JobStatus.COMPLETED,
            jobs.c.reused_steps == 0,
        )
        .order_by(jobs.c.completed_at.desc())
        .limit(SAMPLES)
    ).all()
    if not earlier:
        return None
    return time_left_of([one.completed_at - one.started_at for one in earlier], earlier[0].now - row["started_at"])
