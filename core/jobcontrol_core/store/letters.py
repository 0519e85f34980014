"""Dead letters: steps that used up their tries, listed one by one or grouped by what their errors share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from jobcontrol_core.domain.lifecycle import RUNNING_REQUEUE, RequeueState
from jobcontrol_core.domain.values import Step
from jobcontrol_core.store.jobfilters import is_seen_by
from jobcontrol_core.store.lookup import FULL_ID_LENGTH
from jobcontrol_core.store.receipts import LISTED
from jobcontrol_core.store.rows import to_step
from jobcontrol_core.store.tables import dead_letters, jobs, requeues, steps


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters; all given conditions must hold, an empty one is not given. `until` is exclusive.

    `ending` is an id or the end of one; `is_free` = no running requeue is about to take it.
    """

    queue: str = ""
    job_id: str = ""
    fingerprint: str = ""
    since: datetime | None = None
    until: datetime | None = None
    ending: str = ""
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class LetterRequeue:
    """The gradual requeue that is to take a letter along, or was to: see gradual.py."""

    id: str
    state: RequeueState
    actor: str
    reason: str
    message: str
    per_second: float
    canary_job_id: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A step that was given up at `created_at`."""

    id: str
    queue: str
    fingerprint: str
    created_at: datetime
    step: Step
    requeue: LetterRequeue | None = None


@dataclass(frozen=True, slots=True)
class LetterCursor:
    """The last letter of the page before: lists are newest first."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Errors with one fingerprint; `type` and `message` are those of the newest."""

    fingerprint: str
    type: str
    message: str
    steps: int
    jobs: int
    first_seen_at: datetime
    last_seen_at: datetime


@dataclass(frozen=True, slots=True)
class GroupCursor:
    """The last group of the page before: lists are by size, largest first."""

    steps: int
    fingerprint: str


def list_letters(
    tx: Connection, tenant: str, wanted: LetterFilter, *, after: LetterCursor | None, limit: int
) -> list[DeadLetter]:
    """Up to `limit` of the tenant's dead letters, newest first, after the cursor."""
    query = select(dead_letters).where(*_conditions(tenant, wanted))
    if after is not None:
        older = dead_letters.c.created_at < after.created_at
        query = query.where(
            or_(older, and_(dead_letters.c.created_at == after.created_at, dead_letters.c.id < after.id))
        )
    page = tx.execute(query.order_by(dead_letters.c.created_at.desc(), dead_letters.c.id.desc()).limit(limit)).all()
    buried = _read_steps(tx, [row.step_id for row in page])
    under_way = _read_requeues(tx, {row.requeue_id for row in page if row.requeue_id})
    return [
        DeadLetter(
            row.id, row.queue, row.fingerprint, row.created_at, buried[row.step_id], under_way.get(row.requeue_id)
        )
        for row in page
    ]


def find_letter_ids(tx: Connection, tenant: str, wanted: LetterFilter, *, limit: int) -> list[str]:
    """The ids of up to `limit` of the tenant's dead letters, oldest first."""
    query = select(dead_letters.c.id).where(*_conditions(tenant, wanted))
    return list(tx.execute(query.order_by(dead_letters.c.created_at, dead_letters.c.id).limit(limit)).scalars())


def count_letters(tx: Connection, tenant: str, wanted: LetterFilter) -> int:
    """How many of the tenant's dead letters there are."""
    found = select(func.count()).select_from(dead_letters).where(*_conditions(tenant, wanted))
    return int(tx.execute(found).scalar_one())


def list_error_groups(
    tx: Connection, tenant: str, wanted: LetterFilter, *, after: GroupCursor | None, limit: int
) -> list[ErrorGroup]:
    """Up to `limit` groups of the tenant's dead letters, the largest first, after the cursor."""
    size = func.count()
    query = (
        select(
            dead_letters.c.fingerprint,
            size.label("steps"),
            func.count(dead_letters.c.job_id.distinct()).label("jobs"),
            func.min(dead_letters.c.created_at).label("first_seen_at"),
            func.max(dead_letters.c.created_at).label("last_seen_at"),
            # Ids grow with time.
            func.max(dead_letters.c.id).label("newest_id"),
        )
        .where(*_conditions(tenant, wanted))
        .group_by(dead_letters.c.fingerprint)
    )
    if after is not None:
        follows = and_(size == after.steps, dead_letters.c.fingerprint > after.fingerprint)
        query = query.having(or_(size < after.steps, follows))
    groups = tx.execute(query.order_by(size.desc(), dead_letters.c.fingerprint).limit(limit)).all()
    newest_ids = [group.newest_id for group in groups]
    found = tx.execute(select(dead_letters.c.id, dead_letters.c.error).where(dead_letters.c.id.in_(newest_ids)))
    errors = {row.id: row.error for row in found}
    return [
        ErrorGroup(
            fingerprint=group.fingerprint,
            type=errors[group.newest_id]["type"],
            message=errors[group.newest_id]["message"],
            steps=group.steps,
            jobs=group.jobs,
            first_seen_at=group.first_seen_at,
            last_seen_at=group.last_seen_at,
        )
        for group in groups
    ]


def _conditions(tenant: str, wanted: LetterFilter) -> list[ColumnElement[bool]]:
    letter = dead_letters.c
    # Asked letter by letter: tenants have far more jobs than dead letters.
    is_theirs = select(jobs.c.id).where(jobs.c.id == letter.job_id, is_seen_by(tenant)).exists()
    conditions: list[ColumnElement[bool]] = [is_theirs]
    given = {letter.queue: wanted.queue, letter.job_id: wanted.job_id, letter.fingerprint: wanted.fingerprint}
    conditions += [column == value for column, value in given.items() if value]
    if wanted.since is not None:
        conditions.append(letter.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(letter.created_at < wanted.until)
    if wanted.ending:
        is_whole = len(wanted.ending) == FULL_ID_LENGTH
        conditions.append(
            letter.id == wanted.ending if is_whole else letter.id.endswith(wanted.ending, autoescape=True)
        )
    if wanted.is_free:
        is_running = requeues.c.state.in_(RUNNING_REQUEUE)
        conditions.append(~select(requeues.c.id).where(requeues.c.id == letter.requeue_id, is_running).exists())
    return conditions


def _read_requeues(tx: Connection, requeue_ids: Collection[str]) -> dict[str, LetterRequeue]:
    if not requeue_ids:
        return {}
    found = tx.execute(select(requeues).where(requeues.c.id.in_(requeue_ids)))
    return {
        row.id: LetterRequeue(
            id=row.id,
            state=RequeueState(row.state),
            actor=row.actor,
            reason=row.reason,
            message=row.message,
            per_second=row.per_second or 0.0,
            canary_job_id=row.canary_job_id or "",
            created_at=row.created_at,
        )
        for row in found
    }


def _read_steps(tx: Connection, step_ids: Sequence[str]) -> dict[str, Step]:
    found = tx.execute(select(*LISTED).where(steps.c.id.in_(step_ids)))
    return {row["id"]: to_step(row) for row in found.mappings()}
