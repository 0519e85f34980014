"""Worker processes as operators see them: who is there, what each runs, and who was lost lately."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, or_, select

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.sessions import ServedStage
from jobcontrol_core.store.tables import jobs, steps, workers

#: Why the sessions end whose process was not heard of any more.
LEASE_RAN_OUT = "lease ran out"
#: How long a lost process stays on the list.
LOST_FOR = timedelta(minutes=15)
#: The most steps told of one process.
MOST_STEPS = 20


@dataclass(frozen=True, slots=True)
class RunningStep:
    """A step that a process runs."""

    job_id: str
    step_id: str
    stage: str
    name: str
    attempt: int
    started_at: datetime | None


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A process of a worker. `silence` is the time since its last heartbeat, by the database's clock.

    `active` counts all steps that it runs; `running` tells those of one tenant, the oldest first.
    """

    session_id: str
    host: str
    pid: int
    release: str
    slots: int
    stages: tuple[ServedStage, ...]
    started_at: datetime
    renewed_at: datetime
    silence: timedelta
    is_lost: bool
    is_draining: bool
    active: int
    running: tuple[RunningStep, ...]


def list_processes(tx: Connection, tenant: str, *, queue: str = "", after: str = "", limit: int) -> list[WorkerProcess]:
    """Up to `limit` processes by session id, after one; of `queue` alone if it is given.

    A process that ended in good order is not listed, one that was lost for LOST_FOR.
    """
    now = read_now(tx)
    rows = [row for row in _listed(tx, now, after) if not queue or queue in {stage["queue"] for stage in row["stages"]}]
    page = rows[:limit]
    session_ids = [row["session_id"] for row in page]
    active = _count_running(tx, session_ids)
    return [
        _to_process(row, now, active.get(row["session_id"], 0), tuple(_running(tx, tenant, row["session_id"])))
        for row in page
    ]


def get_process(tx: Connection, tenant: str, session_id: str) -> WorkerProcess:
    """The process with this id, which is there."""
    now = read_now(tx)
    row = tx.execute(select(workers).where(workers.c.session_id == session_id)).mappings().one()
    active = _count_running(tx, [session_id]).get(session_id, 0)
    return _to_process(row, now, active, tuple(_running(tx, tenant, session_id)))


def _listed(tx: Connection, now: datetime, after: str) -> Sequence[Row]:
    was_lost_lately = and_(workers.c.ended_because == LEASE_RAN_OUT, workers.c.ended_at > now - LOST_FOR)
    return (
        tx.execute(
            select(workers)
            .where(workers.c.session_id > after, or_(workers.c.ended_at.is_(None), was_lost_lately))
            .order_by(workers.c.session_id)
        )
        .mappings()
        .all()
    )


def _count_running(tx: Connection, session_ids: Sequence[str]) -> dict[str, int]:
    found = tx.execute(
        select(steps.c.session_id, func.count().label("active"))
        .where(steps.c.status == StepStatus.PROCESSING, steps.c.session_id.in_(session_ids))
        .group_by(steps.c.session_id)
    )
    return {row.session_id: row.active for row in found}


def _running(tx: Connection, tenant: str, session_id: str) -> Iterator[RunningStep]:
    found = tx.execute(
        select(
            steps.c.job_id,
            steps.c.id,
            steps.c.stage,
            steps.c.label,
            steps.c.key,
            steps.c.attempt,
            steps.c.started_at,
        )
        .select_from(steps.join(jobs, steps.c.job_id == jobs.c.id))
        .where(jobs.c.tenant == tenant, steps.c.status == StepStatus.PROCESSING, steps.c.session_id == session_id)
        .order_by(steps.c.started_at, steps.c.id)
        .limit(MOST_STEPS)
    )
    for row in found:
        name = row.label or row.key or row.stage
        yield RunningStep(row.job_id, row.id, row.stage, name, row.attempt, row.started_at)


def _to_process(row: Row, now: datetime, active: int, running: tuple[RunningStep, ...]) -> WorkerProcess:
    return WorkerProcess(
        session_id=row["session_id"],
        host=row["host"],
        pid=row["pid"],
        release=row["release"],
        slots=row["slots"],
        stages=tuple(from_stored(ServedStage, stage) for stage in row["stages"]),
        started_at=row["started_at"],
        renewed_at=row["renewed_at"],
        silence=max(now - row["renewed_at"], timedelta(0)),
        is_lost=row["ended_at"] is not None or row["lease_until"] < now,
        is_draining=row["is_draining"],
        active=active,
        running=running,
    )
