"""Which jobs and queues let their PENDING steps run."""

from __future__ import annotations

from sqlalchemy import and_, or_

from jobcontrol_core.domain.lifecycle import CLAIMABLE_JOB
from jobcontrol_core.store.clock import db_now
from jobcontrol_core.store.tables import IS_ACTIVE, jobs, queues

#: Jobs whose steps may be claimed.
HANDS_OUT = and_(
    IS_ACTIVE, jobs.c.status.in_(CLAIMABLE_JOB), jobs.c.stopping_because.is_(None), jobs.c.waits_for.is_(None)
)
#: Queues, outer-joined by name, that are neither paused nor held back.
IS_OPEN = and_(queues.c.is_paused.is_not(True), or_(queues.c.held_until.is_(None), queues.c.held_until <= db_now()))
