"""What each queue has to do, from the counters of jobs that hand out steps and from partial indexes of their steps."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, Select, func, select

from jobcontrol_core.domain.lifecycle import CLAIMABLE_JOB
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.limits import count_running
from jobcontrol_core.store.tables import (
    IS_ACTIVE,
    IS_BACKING_OFF,
    IS_CLAIMABLE,
    PENDING_STEPS,
    dead_letters,
    job_stages,
    jobs,
    steps,
    workers,
)


@dataclass(frozen=True, slots=True)
class Load:
    """`waiting` steps may start as soon as a worker has room and the queue lets them, `delayed` ones are backing off.

    `oldest_waiting` is the age of the longest-waiting among the steps that are next in their job. `workers` are
    live processes.
    """

    waiting: int
    running: int
    delayed: int
    dead: int
    oldest_waiting: timedelta | None
    workers: int


_stage = job_stages.c


def read_loads(tx: Connection, names: Sequence[str]) -> dict[str, Load]:
    """The loads of these queues."""
    running, delayed, pending = count_running(tx, names), _delayed(tx, names), _waiting(tx, names)
    oldest, dead, processes = _oldest(tx, names), _dead(tx, names), _processes(tx)
    return {
        name: Load(
            waiting=max(0, pending.get(name, 0) - delayed.get(name, 0)),
            running=running.get(name, 0),
            delayed=delayed.get(name, 0),
            dead=dead.get(name, 0),
            oldest_waiting=oldest.get(name),
            workers=processes[name],
        )
        for name in names
    }


def _waiting(tx: Connection, names: Sequence[str]) -> dict[str, int]:
    return _by_queue(tx, _handed_out(func.sum(PENDING_STEPS)).where(_stage.queue.in_(names)).group_by(_stage.queue))


def _delayed(tx: Connection, names: Sequence[str]) -> dict[str, int]:
    counted = (
        _handed_out(func.count())
        .join(steps, (steps.c.job_id == _stage.job_id) & (steps.c.stage_no == _stage.stage_no))
        .where(IS_BACKING_OFF, _stage.queue.in_(names))
    )
    return _by_queue(tx, counted.group_by(_stage.queue))


def _oldest(tx: Connection, names: Sequence[str]) -> dict[str, timedelta]:
    next_step = (
        select(steps.c.created_at)
        .where(
            steps.c.job_id == _stage.job_id,
            steps.c.stage_no == _stage.stage_no,
            IS_CLAIMABLE,
        )
        .order_by(steps.c.position)
        .limit(1)
        .scalar_subquery()
    )
    found = _handed_out(func.min(next_step)).where(PENDING_STEPS > 0, _stage.queue.in_(names)).group_by(_stage.queue)
    now = read_now(tx)
    return {name: max(now - since, timedelta(0)) for name, since in tx.execute(found) if since is not None}


def _dead(tx: Connection, names: Sequence[str]) -> dict[str, int]:
    counted = select(dead_letters.c.queue, func.count()).where(dead_letters.c.queue.in_(names))
    return _by_queue(tx, counted.group_by(dead_letters.c.queue))


def _processes(tx: Connection) -> Counter[str]:
    found = tx.execute(
        select(workers.c.stages).where(workers.c.ended_at.is_(None), workers.c.lease_until >= read_now(tx))
    )
    return Counter(name for stages in found.scalars() for name in {stage["queue"] for stage in stages})


def _handed_out(counted: Any) -> Select[Any]:
    """Something counted, by queue, over the stages of jobs whose steps may be claimed."""
    return (
        select(_stage.queue, counted)
        .select_from(jobs.join(job_stages, _stage.job_id == jobs.c.id))
        .where(IS_ACTIVE, jobs.c.status.in_(CLAIMABLE_JOB))
        .where(jobs.c.stopping_because.is_(None), jobs.c.waits_for.is_(None))
    )


def _by_queue(tx: Connection, counted: Select[Any]) -> dict[str, int]:
    return {name: int(count) for name, count in tx.execute(counted)}
