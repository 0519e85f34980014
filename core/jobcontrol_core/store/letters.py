"""Dead letters: steps that used up their tries, listed one by one or grouped by what their errors share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, or_, select

from jobcontrol_core.domain.values import Step
from jobcontrol_core.store.lookup import LISTED
from jobcontrol_core.store.rows import to_step
from jobcontrol_core.store.tables import dead_letters, jobs, steps


@dataclass(frozen=True, slots=True)
class LetterFilter:
    """Which dead letters; all given conditions must hold, an empty one is not given. `until` is exclusive."""

    queue: str = ""
    job_id: str = ""
    fingerprint: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A step that was given up at `created_at`."""

    id: str
    queue: str
    fingerprint: str
    created_at: datetime
    step: Step


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
    return [DeadLetter(row.id, row.queue, row.fingerprint, row.created_at, buried[row.step_id]) for row in page]


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
    is_theirs = select(jobs.c.id).where(jobs.c.id == letter.job_id, jobs.c.tenant == tenant).exists()
    conditions: list[ColumnElement[bool]] = [is_theirs]
    given = {letter.queue: wanted.queue, letter.job_id: wanted.job_id, letter.fingerprint: wanted.fingerprint}
    conditions += [column == value for column, value in given.items() if value]
    if wanted.since is not None:
        conditions.append(letter.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(letter.created_at < wanted.until)
    return conditions


def _read_steps(tx: Connection, step_ids: Sequence[str]) -> dict[str, Step]:
    found = tx.execute(select(*LISTED).where(steps.c.id.in_(step_ids)))
    return {row["id"]: to_step(row) for row in found.mappings()}
