"""Which jobs a caller means: conditions on `jobs`, the same for lists, batches and watches."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select

from jobcontrol_core.domain.comparisons import Comparison
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store.tables import dead_letters, jobs

_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs; all given conditions must hold, an empty one is not given. `until` is exclusive.

    Each of `words` occurs in the id, the path, the title, or the text of an error of the job or of a dead letter
    of it, in whatever case.
    """

    statuses: tuple[JobStatus, ...] = ()
    path_id: str = ""
    pipeline: str = ""
    has_failed_steps: bool | None = None
    words: tuple[str, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    since: datetime | None = None
    until: datetime | None = None
    min_priority: int | None = None


def conditions_of(tenant: str, wanted: JobFilter) -> ColumnElement[bool]:
    """True of the tenant's jobs that `wanted` describes."""
    return and_(is_seen_by(tenant), *_plain(wanted), *_searched(wanted), *map(_compared, wanted.comparisons))


def is_seen_by(tenant: str) -> ColumnElement[bool]:
    """True of the jobs that this tenant has and has not deleted."""
    return and_(jobs.c.tenant == tenant, jobs.c.deleted_at.is_(None))


def _plain(wanted: JobFilter) -> Iterator[ColumnElement[bool]]:
    if wanted.statuses:
        yield jobs.c.status.in_(wanted.statuses)
    if wanted.path_id:
        yield jobs.c.path_id == wanted.path_id
    if wanted.pipeline:
        yield jobs.c.pipeline == wanted.pipeline
    if wanted.has_failed_steps is not None:
        yield jobs.c.error_count > 0 if wanted.has_failed_steps else jobs.c.error_count == 0
    if wanted.since is not None:
        yield jobs.c.created_at >= wanted.since
    if wanted.until is not None:
        yield jobs.c.created_at < wanted.until
    if wanted.min_priority is not None:
        yield jobs.c.priority >= wanted.min_priority


def _searched(wanted: JobFilter) -> Iterator[ColumnElement[bool]]:
    for key, value in wanted.labels.items():
        yield _label(key) == value
    for word in wanted.words:
        told = [jobs.c.id, jobs.c.path_id, jobs.c.title, *_texts_of(jobs.c.error)]
        buried = [text.icontains(word, autoescape=True) for text in _texts_of(dead_letters.c.error)]
        is_buried = select(dead_letters.c.id).where(dead_letters.c.job_id == jobs.c.id, or_(*buried)).exists()
        yield or_(*(text.icontains(word, autoescape=True) for text in told), is_buried)


def _compared(one: Comparison) -> ColumnElement[bool]:
    if one.operator == ":":
        return _label(one.label).is_not(None)
    column = _label(one.label) if one.label else jobs.c[one.field]
    # A job without the label, or that has not ended, differs from every value.
    if one.operator == "!=":
        return column.is_distinct_from(one.value)
    compared: ColumnElement[bool] = _OPERATORS[one.operator](column, one.value)
    return compared


def _label(key: str) -> ColumnElement[Any]:
    label: ColumnElement[Any] = jobs.c.labels[key].as_string()
    return label


def _texts_of(error: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [error[name].as_string() for name in ("type", "message")]
