"""Where suspects wait: PENDING steps under which a process ended, which run in a process of their own."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, and_, or_, select

from jobcontrol_core.store.pending import HANDS_OUT, IS_OPEN
from jobcontrol_core.store.tables import IS_SUSPECT, job_stages, jobs, queues, steps

#: A stage that a process can run: pipeline, name and version.
Kind = tuple[str, str, int]


def find_suspect(tx: Connection, kinds: Iterable[Kind]) -> tuple[str, int] | None:
    """The job and the stage of the suspect to run next, of these kinds; None if no such suspect may be claimed.

    Those with the fewest crashes come first: a step that keeps ending its process makes no innocent one wait.
    """
    is_of_kind = or_(
        *(
            and_(jobs.c.pipeline == pipeline, job_stages.c.name == stage, job_stages.c.version == version)
            for pipeline, stage, version in sorted(set(kinds))
        )
    )
    stage_of_step = and_(job_stages.c.job_id == steps.c.job_id, job_stages.c.stage_no == steps.c.stage_no)
    found = tx.execute(
        select(steps.c.job_id, steps.c.stage_no)
        .select_from(
            steps.join(jobs, jobs.c.id == steps.c.job_id)
            .join(job_stages, stage_of_step)
            .outerjoin(queues, queues.c.name == job_stages.c.queue)
        )
        .where(IS_SUSPECT, HANDS_OUT, IS_OPEN, is_of_kind)
        .order_by(steps.c.crashes, jobs.c.priority.desc(), jobs.c.served_at, steps.c.job_id, steps.c.position)
        .limit(1)
    ).one_or_none()
    return None if found is None else (found.job_id, found.stage_no)
