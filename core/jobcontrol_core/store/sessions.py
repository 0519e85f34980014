"""Worker sessions: one per process, alive while its lease is renewed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, and_, func, insert, literal, not_, select, update

from jobcontrol_core.domain.errors import WorkerNotFound
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.receipts import IS_GIVEN_UP, IS_RUNNING
from jobcontrol_core.store.suspects import Kind, find_suspect
from jobcontrol_core.store.tables import jobs, steps, workers


@dataclass(frozen=True, slots=True)
class ServedStage:
    """A stage that a worker process can run, and how many of its steps at once."""

    pipeline: str
    pipeline_version: int
    stage: str
    version: int
    queue: str
    concurrency: int

    @property
    def kind(self) -> Kind:
        return self.pipeline, self.stage, self.version


@dataclass(frozen=True, slots=True)
class Session:
    """A worker process as it presents itself. A lone one runs suspects, one at a time, and takes no tickets."""

    id: str
    supervisor: str
    host: str
    pid: int
    release: str
    slots: int
    stages: tuple[ServedStage, ...]
    is_lone: bool = False


@dataclass(frozen=True, slots=True)
class Renewal:
    """`live` are the sessions whose lease was renewed; the others have ended for good.

    `stopping` are the jobs that are to stop, by the session that runs steps of them. `has_suspects` says that a suspect
    waits which a process like these could run. `draining` are those that somebody asked to end.
    """

    live: frozenset[str]
    stopping: Mapping[str, frozenset[str]]
    has_suspects: bool
    draining: frozenset[str] = frozenset()


def open_session(tx: Connection, session: Session, lease: timedelta) -> None:
    """Register a process; from now on it may claim."""
    now = read_now(tx)
    row = {
        "session_id": session.id,
        "supervisor": session.supervisor,
        "host": session.host,
        "pid": session.pid,
        "release": session.release,
        "slots": session.slots,
        "is_lone": session.is_lone,
        "is_draining": False,
        "stages": [asdict(stage) for stage in session.stages],
        "started_at": now,
        "renewed_at": now,
        "lease_until": now + lease,
    }
    tx.execute(insert(workers), [row])


def renew_sessions(
    tx: Connection, session_ids: Sequence[str], lease: timedelta, *, is_draining: bool = False
) -> Renewal:
    """Extend the leases of these sessions by `lease` from now. An ended session is never renewed.

    `is_draining` = they take nothing new and are about to end, which those who look at them are told.
    """
    alive = select(workers.c.session_id, workers.c.drain_asked_at).where(
        workers.c.session_id.in_(session_ids), workers.c.ended_at.is_(None)
    )
    # Locked in id order, as by everyone, so that no two wait in a circle; the clock is read after the wait.
    rows = tx.execute(alive.order_by(workers.c.session_id).with_for_update()).all()
    live = [row.session_id for row in rows]
    draining = frozenset(row.session_id for row in rows if row.drain_asked_at is not None)
    now = read_now(tx)
    renewed = {"renewed_at": now, "lease_until": now + lease, **({"is_draining": True} if is_draining else {})}
    tx.execute(update(workers).where(workers.c.session_id.in_(live)).values(**renewed))
    return Renewal(frozenset(live), stopping_jobs_of(tx, session_ids), _have_suspects(tx, live), draining)


def ask_to_drain(tx: Connection, given: str) -> str:
    """Ask a live process, by its id or a unique ending of it, to end; returns its id.

    From the commit on it is handed no tickets; it hears of it with its next heartbeat, then claims nothing. Once
    asked, it stays asked. Raises WorkerNotFound.
    """
    is_meant = and_(workers.c.session_id.endswith(given.lower(), autoescape=True), workers.c.ended_at.is_(None))
    meant = select(workers.c.session_id).where(is_meant).order_by(workers.c.session_id).limit(2)
    found = tx.execute(meant.with_for_update()).scalars().all()
    if len(found) != 1:
        raise WorkerNotFound(given, ": it is the ending of several" if found else "")
    asked_at = workers.c.drain_asked_at
    first = func.coalesce(asked_at, literal(read_now(tx), asked_at.type))
    tx.execute(update(workers).where(workers.c.session_id == found[0]).values(is_draining=True, drain_asked_at=first))
    return str(found[0])


def stopping_jobs_of(tx: Connection, session_ids: Sequence[str]) -> Mapping[str, frozenset[str]]:
    """The jobs that are to stop, by the one of these sessions that runs steps of them, or may do so in truth."""
    runs = and_(
        steps.c.job_id == jobs.c.id,
        IS_RUNNING,
        steps.c.session_id.in_(session_ids),
    )
    stopping = (
        select(steps.c.session_id, jobs.c.id)
        .select_from(steps.join(jobs, runs))
        .where(jobs.c.stopping_because.is_not(None))
    )
    given_up = select(steps.c.session_id, steps.c.job_id).where(IS_GIVEN_UP, steps.c.session_id.in_(session_ids))
    found = tx.execute(stopping.union(given_up))
    by_session: dict[str, set[str]] = {}
    for session_id, job_id in found:
        by_session.setdefault(session_id, set()).add(job_id)
    return {session_id: frozenset(job_ids) for session_id, job_ids in by_session.items()}


def running_steps_of(tx: Connection, session_id: str) -> dict[str, tuple[str, int]]:
    """What this session owns by the database: step id -> (job id, attempt)."""
    found = tx.execute(
        select(steps.c.id, steps.c.job_id, steps.c.attempt).where(
            steps.c.session_id == session_id, steps.c.status == StepStatus.PROCESSING
        )
    )
    return {row.id: (row.job_id, row.attempt) for row in found}


def live_stages(tx: Connection) -> list[ServedStage]:
    """The stages of every live process that takes tickets, one entry per process and stage.

    One that drains takes none any more.
    """
    is_live = and_(workers.c.ended_at.is_(None), workers.c.lease_until >= read_now(tx))
    found = tx.execute(select(workers.c.stages).where(is_live, not_(workers.c.is_lone), not_(workers.c.is_draining)))
    return [from_stored(ServedStage, stage) for stages in found.scalars() for stage in stages]


def _have_suspects(tx: Connection, session_ids: Sequence[str]) -> bool:
    served = tx.execute(select(workers.c.stages).where(workers.c.session_id.in_(session_ids))).scalars()
    kinds = {from_stored(ServedStage, stage).kind for stages in served for stage in stages}
    return bool(kinds) and find_suspect(tx, kinds) is not None


def prune_sessions(tx: Connection, before: datetime) -> int:
    """Delete sessions that ended before `before` and that no running step names."""
    named = select(steps.c.session_id).where(steps.c.status == StepStatus.PROCESSING, steps.c.session_id.is_not(None))
    gone = tx.execute(workers.delete().where(workers.c.ended_at < before, workers.c.session_id.not_in(named)))
    return gone.rowcount
