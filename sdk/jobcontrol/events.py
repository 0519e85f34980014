"""What a watch tells: one event per message of the server, each a whole value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from jobcontrol.values import JobState, JobStatus, StageProgress, Step, StepStatus


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The job moved from `previous` (None when it was created) to `status`; `actor` and `reason` say why."""

    previous: JobStatus | None
    status: JobStatus
    actor: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class StepChange:
    """A step moved, or failed an attempt that will be followed by another one."""

    step: Step
    will_retry: bool = False


@dataclass(frozen=True, slots=True)
class BulkStepChange:
    """`count` steps of one stage made the same move."""

    stage: str
    previous: StepStatus | None
    status: StepStatus
    count: int


@dataclass(frozen=True, slots=True)
class Changes:
    """What the commits of an event changed. All values are whole: applying them twice does no harm."""

    percent: int
    stages: tuple[StageProgress, ...]
    current_stage: str = ""
    error_count: int = 0
    status: StatusChange | None = None
    steps: tuple[StepChange, ...] = ()
    bulk: tuple[BulkStepChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Event:
    """One message of a watch: the commits `first_sequence`..`sequence`, or a picture at `sequence`.

    `type` is snapshot, progress, error, completed, cancelled or heartbeat. A snapshot carries `job`; so does
    the last event, with the job as it will stay. `snapshot_reason` is initial, trimmed, ahead or
    slow_consumer: with any but the first, history was left out and the picture stands for it.
    """

    job_id: str
    first_sequence: int
    sequence: int
    type: str
    time: datetime | None = None
    changes: Changes | None = None
    job: JobState | None = None
    snapshot_reason: str = ""
    is_last: bool = False

    @property
    def is_gap(self) -> bool:
        """True of a picture that stands for history which could not be told any more; see `snapshot_reason`."""
        return self.snapshot_reason not in ("", "initial")

    @property
    def stage(self) -> str:
        """The stage that it is about, empty if it is about the whole job."""
        return self.changes.steps[-1].step.stage if self.changes and self.changes.steps else ""

    @property
    def message(self) -> str:
        """The news in one line, for people."""
        if self.is_last and self.job is not None:
            return f"{self.job.name} {self.job.status}"
        if self.changes is None:
            return f"{self.type} at {self.sequence}" + (f" ({self.snapshot_reason})" if self.snapshot_reason else "")
        if self.changes.steps:
            return _step_line(self.changes.steps[-1])
        if self.changes.status is not None:
            return f"job {self.changes.status.status}"
        return f"{self.changes.percent}%"


@dataclass(frozen=True, slots=True)
class LinkNotice:
    """The link of a watch broke, or it is whole again with nothing missed; `cause` says what had broken it."""

    is_restored: bool
    cause: str


def advance(state: JobState, event: Event) -> JobState:
    """The job after `event`, as far as the event tells."""
    if event.job is not None:
        return event.job
    if event.changes is None:
        return state
    changes = event.changes
    moved = replace(
        state,
        percent=changes.percent,
        stages=changes.stages,
        current_stage=changes.current_stage,
        error_count=changes.error_count,
        last_sequence=event.sequence,
        updated_at=event.time or state.updated_at,
        # These were true of the moment in which they were asked for.
        time_left=None,
        waiting_message="",
    )
    return moved if changes.status is None else _with_status(moved, changes.status)


def _with_status(state: JobState, change: StatusChange) -> JobState:
    return replace(state, status=change.status, status_actor=change.actor, status_reason=change.reason)


def _step_line(change: StepChange) -> str:
    step = change.step
    line = f"{step.stage}: {step.name} - {'retrying' if change.will_retry else step.status}"
    if step.stop_receipt:
        return f"{line}, {step.stop_receipt}"
    if step.status is StepStatus.PROCESSING and step.has_told_progress:
        share = "" if step.progress_fraction is None else f" {step.progress_fraction:.0%}"
        return f"{line}{share} {step.progress_note}".rstrip()
    if step.error is not None:
        return f"{line}, {step.error}"
    return f"{line} ({step.item_count})" if step.item_count else line
