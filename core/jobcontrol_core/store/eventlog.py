"""A job's events, read after a position."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, chain

from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.events import JobEvent, Logged, decode_event
from jobcontrol_core.domain.loglines import Level, LogLine, handler_line, lines_of
from jobcontrol_core.domain.values import StepLog
from jobcontrol_core.store.tables import job_events, jobs, step_logs

PAGE = 200
#: The most commits that one page of the log looks at, found or not.
MOST_LOOKED_AT = 1_000

#: The place of a line of the log: its commit, and its index there.
Place = tuple[int, int]


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines of a job's log; all given conditions must hold, an empty one is not given."""

    after_sequence: int = 0
    step_id: str = ""
    errors_only: bool = False
    newest_first: bool = False

    def holds(self, line: LogLine) -> bool:
        is_wanted_step = not self.step_id or line.step_id == self.step_id
        return is_wanted_step and (not self.errors_only or line.level is Level.ERROR)


@dataclass(frozen=True, slots=True)
class LogPage:
    """Lines that were found, maybe none, and the place after which to go on; None at the end of the log."""

    lines: list[LogLine]
    resume_after: Place | None


@dataclass(frozen=True, slots=True)
class Bounds:
    """The sequences that a job's log holds now: `first`..`last`; first > last when all was trimmed."""

    first: int
    last: int
    has_ended: bool


def read_events(tx: Connection, job_id: str, after: int, limit: int = PAGE) -> list[JobEvent]:
    """Up to `limit` events with a sequence above `after`, in order."""
    found = tx.execute(
        select(job_events)
        .where(job_events.c.job_id == job_id, job_events.c.sequence > after)
        .order_by(job_events.c.sequence)
        .limit(limit)
    )
    return [decode_event(row.job_id, row.sequence, row.created_at, row.payload) for row in found]


def read_log(tx: Connection, job_id: str, wanted: LogFilter, *, after: Place | None, limit: int) -> LogPage:
    """Up to `limit` lines of a job's log that follow the place `after`, in the direction of the filter.

    A rare line may be far away: after MOST_LOOKED_AT commits the page ends, full or not.
    """
    found: list[LogLine] = []
    seen_to = after
    for number, event in enumerate(_events_in_order(tx, job_id, wanted, after)):
        if number == MOST_LOOKED_AT:
            return LogPage(found, seen_to)
        for line in _following_lines(tx, event, wanted, after):
            if len(found) == limit:
                return LogPage(found, seen_to)
            found.append(line)
            seen_to = (line.sequence, line.index)
        seen_to = _end_of(event, wanted)
    return LogPage(found, None)


def read_heads(tx: Connection, job_ids: Iterable[str]) -> dict[str, int]:
    """The last sequence of each of these jobs that exist and are not deleted."""
    is_there = [jobs.c.id.in_(list(job_ids)), jobs.c.deleted_at.is_(None)]
    found = tx.execute(select(jobs.c.id, jobs.c.last_sequence).where(*is_there))
    return {row.id: row.last_sequence for row in found}


def read_bounds(tx: Connection, job_id: str) -> Bounds | None:
    """What the log of a job holds, or None if there is no such job."""
    first = select(func.min(job_events.c.sequence)).where(job_events.c.job_id == job_id).scalar_subquery()
    row = tx.execute(
        select(jobs.c.last_sequence, jobs.c.completed_at, first.label("first")).where(jobs.c.id == job_id)
    ).one_or_none()
    if row is None:
        return None
    return Bounds(row.first or row.last_sequence + 1, row.last_sequence, row.completed_at is not None)


def _events_in_order(tx: Connection, job_id: str, wanted: LogFilter, after: Place | None) -> Iterator[JobEvent]:
    """The commits that may hold lines of the log after a place, PAGE by PAGE; the first is the place's own."""
    sequence = job_events.c.sequence
    order = sequence.desc() if wanted.newest_first else sequence
    query = select(job_events).where(job_events.c.job_id == job_id, sequence > wanted.after_sequence).order_by(order)
    start = None if after is None else sequence <= after[0] if wanted.newest_first else sequence >= after[0]
    while True:
        page = query if start is None else query.where(start)
        rows = tx.execute(page.limit(PAGE)).all()
        for row in rows:
            yield decode_event(row.job_id, row.sequence, row.created_at, row.payload)
        if len(rows) < PAGE:
            return
        start = sequence < rows[-1].sequence if wanted.newest_first else sequence > rows[-1].sequence


def _following_lines(tx: Connection, event: JobEvent, wanted: LogFilter, after: Place | None) -> Iterator[LogLine]:
    lines = chain(_handler_lines(tx, event, wanted), lines_of(event))
    if wanted.newest_first:
        lines = chain(reversed(list(lines_of(event))), _handler_lines(tx, event, wanted))
    for line in lines:
        place = (line.sequence, line.index)
        is_next = after is None or (place < after if wanted.newest_first else place > after)
        if is_next and wanted.holds(line):
            yield line


def _handler_lines(tx: Connection, event: JobEvent, wanted: LogFilter) -> Iterator[LogLine]:
    """What handlers logged in this commit, in the filter's direction; read attempt by attempt, as far as is asked."""
    if wanted.errors_only:
        return
    starts = accumulate((one.count for one in event.logged), initial=0)
    told = list(zip(event.logged, starts, strict=False))
    for logged, first_index in reversed(told) if wanted.newest_first else told:
        if not wanted.step_id or wanted.step_id == logged.step_id:
            logs = _read_lines(tx, logged)
            for log in reversed(logs) if wanted.newest_first else logs:
                yield handler_line(event, logged, log, first_index)


def _read_lines(tx: Connection, logged: Logged) -> list[StepLog]:
    found = tx.execute(
        select(step_logs)
        .where(
            step_logs.c.step_id == logged.step_id,
            step_logs.c.attempt == logged.attempt,
            step_logs.c.line.between(logged.first, logged.last),
        )
        .order_by(step_logs.c.line)
    )
    return [StepLog(row.attempt, row.line, row.message, row.created_at) for row in found]


def _end_of(event: JobEvent, wanted: LogFilter) -> Place:
    """The place behind all lines of a commit."""
    return (event.sequence, -1) if wanted.newest_first else (event.sequence + 1, -1)
