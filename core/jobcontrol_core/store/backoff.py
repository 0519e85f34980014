"""Steps whose backoff has passed become claimable."""

from __future__ import annotations

from sqlalchemy import Connection, select, update

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.exchange import Waiting
from jobcontrol_core.store.tables import IS_BACKING_OFF, job_stages, steps

BATCH = 1_000


def make_due(tx: Connection) -> tuple[Waiting, ...]:
    """Flip `is_due` where `next_attempt_at` has passed; returns the stages that now hold claimable steps.

    No state of a step or job moves: PENDING is PENDING, so there is no event.
    """
    found = tx.execute(
        select(steps.c.id, steps.c.job_id, steps.c.stage_no)
        .where(IS_BACKING_OFF, steps.c.next_attempt_at <= read_now(tx))
        .order_by(steps.c.next_attempt_at)
        .limit(BATCH)
        .with_for_update(skip_locked=True)
    ).all()
    if not found:
        return ()
    tx.execute(
        update(steps)
        .where(steps.c.id.in_([row.id for row in found]), steps.c.status == StepStatus.PENDING)
        .values(is_due=True)
    )
    wanted = {(row.job_id, row.stage_no) for row in found}
    queues = tx.execute(
        select(job_stages.c.job_id, job_stages.c.stage_no, job_stages.c.queue).where(
            job_stages.c.job_id.in_({job_id for job_id, _ in wanted})
        )
    )
    return tuple(Waiting(*row) for row in queues if (row.job_id, row.stage_no) in wanted)
