"""CANCEL_EXISTING: one build makes way for the next of its path, which waits until it has ended."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from sqlalchemy import Connection, select

from jobcontrol_core.domain.errors import JobTerminal
from jobcontrol_core.domain.lifecycle import ACTIVE_JOB, JobStatus
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.stopping import cancel_job
from jobcontrol_core.store.tables import jobs

REASON = "replaced by a newer build"


@dataclass(frozen=True, slots=True)
class Way:
    """`waits_for` is the job that must end first; None = the path is free, or who holds it is to be looked up anew."""

    waits_for: str | None
    committed: Sequence[Committed]


def make_way(tx: Connection, active_id: str, *, actor: str) -> Way:
    """Cancel the active job of a path, and whoever waits for it.

    Until the end of the transaction the active job's row is locked: it cannot end, and nobody else can come
    to wait for it. The waiting one is locked after it, as by the transaction that releases it.
    """
    told: list[Committed] = []
    with suppress(JobTerminal):
        told += cancel_job(tx, active_id, actor=actor, reason=REASON)
    if JobStatus(tx.execute(select(jobs.c.status).where(jobs.c.id == active_id)).scalar_one()).has_ended:
        # It has ended, and released whoever waited for it.
        return Way(None, told)
    waits = select(jobs.c.id).where(jobs.c.waits_for == active_id, jobs.c.status.in_(ACTIVE_JOB))
    for waiter_id in tx.execute(waits.order_by(jobs.c.id)).scalars().all():
        with suppress(JobTerminal):
            told += cancel_job(tx, waiter_id, actor=actor, reason=REASON, takes_turns=True)
    return Way(active_id, told)
