"""Steps whose worker is gone go back to PENDING, without using up a try; or not, if it was their own doing."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, and_, exists, not_, select, update

from jobcontrol_core.domain.outcomes import Crashed, Interrupted, Lost
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.exchange import Exchanged, finish_endings
from jobcontrol_core.store.outcomes import Ending
from jobcontrol_core.store.receipts import IS_RUNNING, MAY_RUN
from jobcontrol_core.store.roster import LEASE_RAN_OUT
from jobcontrol_core.store.tables import steps, workers

BATCH = 500


def reap(tx: Connection) -> Exchanged:
    """End the sessions whose lease ran out, then take back up to BATCH steps that no live session runs.

    The steps of every expired, ended or absent session are taken, so it does not matter who ended it.
    """
    now = read_now(tx)
    # A session that is locked is being renewed or ended by somebody else just now.
    expired = select(workers.c.session_id).where(workers.c.ended_at.is_(None), workers.c.lease_until < now)
    session_ids = tx.execute(expired.with_for_update(skip_locked=True)).scalars().all()
    if session_ids:
        ended = update(workers).where(workers.c.session_id.in_(session_ids))
        tx.execute(ended.values(ended_at=now, ended_because=LEASE_RAN_OUT))
    is_live = exists().where(
        workers.c.session_id == steps.c.session_id, workers.c.ended_at.is_(None), workers.c.lease_until >= now
    )
    return _take_back(tx, and_(IS_RUNNING, not_(is_live)), Lost())


def release_session(tx: Connection, session_id: str, because: str, end: Crashed | Interrupted) -> Exchanged:
    """End a session whose process is known to be gone, and take back what it ran, which ended by that like `end`.

    Of the steps that were given up in it, it is known now that they run no more. Repeating it does no harm.
    """
    tx.execute(
        update(workers)
        .where(workers.c.session_id == session_id, workers.c.ended_at.is_(None))
        .values(ended_at=read_now(tx), ended_because=because[:64])
    )
    return _take_back(tx, and_(steps.c.session_id == session_id, MAY_RUN), end)


def _take_back(tx: Connection, whose: ColumnElement[bool], end: Crashed | Interrupted | Lost) -> Exchanged:
    locked = tx.execute(
        select(steps).where(whose).order_by(steps.c.job_id, steps.c.id).limit(BATCH).with_for_update(skip_locked=True)
    )
    rows = locked.mappings().all()
    given_up = [row for row in rows if row["stop_receipt"] is not None]
    endings = [Ending(row, end) for row in rows if row["stop_receipt"] is None]
    return finish_endings(tx, endings, given_up)
