"""The log of a job for people: what its commits tell, one fact a line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobcontrol_core.domain.events import BulkChange, JobEvent, Logged, Requeue, StatusChange, will_retry
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.values import Step, StepLog


class Level(StrEnum):
    """How much a line should worry whoever reads it."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One fact. (sequence, index) is its place: the commit that told it, and which of the commit's facts it is."""

    sequence: int
    index: int
    created_at: datetime
    type: str
    level: Level
    message: str
    stage: str = ""
    step_id: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class _Fact:
    type: str
    level: Level
    message: str
    stage: str = ""
    step_id: str = ""
    attempt: int = 0


_JOB_LEVELS: Mapping[JobStatus, Level] = {JobStatus.FAILED: Level.ERROR, JobStatus.CANCELLED: Level.WARNING}
_STEP_LEVELS: Mapping[StepStatus, Level] = {
    StepStatus.PENDING: Level.DEBUG,
    StepStatus.FAILED: Level.ERROR,
    StepStatus.CANCELLED: Level.WARNING,
}


def lines_of(event: JobEvent) -> Iterator[LogLine]:
    """What one commit tells, in the order in which it came about: a job ends after its last step.

    The lines that handlers logged come first, as they were logged before anything ended: see `handler_line`.
    """
    for index, fact in enumerate(_facts(event), sum(one.count for one in event.logged)):
        yield LogLine(
            sequence=event.sequence,
            index=index,
            created_at=event.created_at,
            type=fact.type,
            level=fact.level,
            message=fact.message,
            stage=fact.stage,
            step_id=fact.step_id,
            attempt=fact.attempt,
        )


def handler_line(event: JobEvent, logged: Logged, log: StepLog, first_index: int) -> LogLine:
    """A line that a handler logged; `first_index` is that of the first line of `logged`."""
    return LogLine(
        sequence=event.sequence,
        index=first_index + log.line - logged.first,
        created_at=event.created_at,
        type="step.log",
        level=Level.INFO,
        message=log.message,
        stage=logged.stage,
        step_id=logged.step_id,
        attempt=logged.attempt,
    )


def _facts(event: JobEvent) -> Iterator[_Fact]:
    change = event.change
    if change is not None and not change.status.has_ended:
        yield _job_fact(change)
    if event.requeue is not None:
        yield _requeue_fact(event.requeue)
    for step in event.steps:
        yield _step_fact(step, is_requeued=event.requeue is not None and step.status is StepStatus.PENDING)
    yield from map(_bulk_fact, event.bulk)
    if change is not None and change.status.has_ended:
        yield _job_fact(change)


def _job_fact(change: StatusChange) -> _Fact:
    word = change.status.lower()
    reason = f": {change.reason}" if change.reason else ""
    return _Fact(f"job.{word}", _JOB_LEVELS.get(change.status, Level.INFO), f"{word} by {change.actor}{reason}")


def _requeue_fact(requeue: Requeue) -> _Fact:
    reason = f": {requeue.reason}" if requeue.reason else ""
    return _Fact("job.requeued", Level.INFO, f"failed steps requeued by {requeue.actor}{reason}")


def _step_fact(step: Step, *, is_requeued: bool) -> _Fact:
    word, level = ("requeued", Level.INFO) if is_requeued else _step_word(step)
    name = step.label or step.key or step.stage
    tells_error = step.error is not None and word not in ("pending", "started", "progress", "stopping")
    error = f": {step.error.type}: {step.error.message}" if step.error and tells_error else ""
    note = f": {step.progress_note}" if word == "progress" and step.progress_note else ""
    receipt = f", {step.stop_receipt.lower()}" if step.status is StepStatus.CANCELLED and step.stop_receipt else ""
    return _Fact(f"step.{word}", level, f"{name} {word}{receipt}{error}{note}", step.stage, step.id, step.attempt)


def _step_word(step: Step) -> tuple[str, Level]:
    if will_retry(step):
        return "retrying", Level.WARNING
    if step.status is StepStatus.PENDING and step.attempt:
        return "interrupted", Level.WARNING
    if step.status is StepStatus.PROCESSING and step.stop_receipt is not None:
        return "stopping", Level.INFO
    if step.status is StepStatus.PROCESSING and step.has_told_progress:
        return "progress", Level.DEBUG
    word = "started" if step.status is StepStatus.PROCESSING else step.status.lower()
    return word, _STEP_LEVELS.get(step.status, Level.INFO)


def _bulk_fact(bulk: BulkChange) -> _Fact:
    word = bulk.status.lower()
    level = _STEP_LEVELS.get(bulk.status, Level.INFO)
    return _Fact(f"steps.{word}", level, f"{bulk.count} steps {word}", bulk.stage)
