"""What the server tells, as frozen values: jobs, stages, steps, pipelines. Times are aware UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

SHORT_ID_LENGTH = 8


class JobStatus(StrEnum):
    """Where a job is in its life; each is equal to its lower-case word."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    UNKNOWN = "unknown"
    """A status that this version of the SDK does not know."""

    @property
    def has_ended(self) -> bool:
        return self in (JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED)


class StepStatus(StrEnum):
    """Where a step is in its life; each is equal to its lower-case word."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"
    """A status that this version of the SDK does not know."""


@dataclass(frozen=True, slots=True)
class Failure:
    """What a handler raised, by its exception's name and words; `stage` and `step_id` where one is to blame."""

    type: str
    message: str
    stage: str = ""
    step_id: str = ""

    def __str__(self) -> str:
        return f"{self.type}: {self.message}" if self.message else self.type


@dataclass(frozen=True, slots=True)
class StageProgress:
    """Counters of one stage of one job: steps are what runs, items are what comes out.

    `total_expected` and `items_expected` are estimates until `total_final` and `items_final`.
    """

    stage: str
    weight: float = 0.0
    total: int = 0
    total_expected: int = 0
    total_final: bool = False
    pending: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    items: int = 0
    items_expected: int = 0
    items_final: bool = False
    started_at: datetime | None = None
    completed_at: datetime | None = None

    @property
    def is_done(self) -> bool:
        """True once every step of the stage has ended and none can come."""
        return self.total_final and self.pending == self.active == 0

    @property
    def has_begun(self) -> bool:
        return self.total > self.pending


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """The document that a job was started with."""

    sha256: str
    media_type: str
    file_name: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class JobState:
    """A job as it was at commit `last_sequence`."""

    job_id: str
    path_id: str = ""
    title: str = ""
    pipeline: str = ""
    pipeline_version: int = 0
    status: JobStatus = JobStatus.UNKNOWN
    status_reason: str = ""
    status_actor: str = ""
    current_stage: str = ""
    percent: int = 0
    stages: tuple[StageProgress, ...] = ()
    error: Failure | None = None
    error_count: int = 0
    waiting_message: str = ""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    document: DocumentInfo | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    triggered_by: str = ""
    retry_of: str = ""
    time_left: TimeLeft | None = None
    priority: int = 0
    retried_as: str = ""
    reused_steps: int = 0
    attempt: int = 1
    result_media_types: tuple[str, ...] = ()
    created_at: datetime | None = None
    updated_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    last_sequence: int = 0
    waits_for: str = ""
    """Id of the job of the same path that must end before this one starts; else empty."""
    etag: str = ""
    url: str = ""
    missing: tuple[Step, ...] = ()
    """What its result lacks: the first 20 of its failed steps, empty on lists of jobs. `Job.failed_steps` has all."""

    @property
    def short_id(self) -> str:
        """The last eight characters, which people are shown: the first eight are a clock."""
        return short_id(self.job_id)

    @property
    def name(self) -> str:
        """What people call it: its title, or else its path."""
        return self.title or self.path_id


def short_id(full_id: str) -> str:
    """The last eight characters of an id."""
    return full_id[-SHORT_ID_LENGTH:]


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of work of a job."""

    step_id: str
    job_id: str
    stage: str
    key: str
    label: str
    status: StepStatus
    parent_step_id: str = ""
    ordinal: int = 0
    sibling_total: int = 0
    attempt: int = 0
    tries: int = 0
    max_attempts: int = 0
    item_count: int = 0
    reused_from: str = ""
    failure_reason: str = ""
    error: Failure | None = None
    skip_reason: str = ""
    created_at: datetime | None = None
    started_at: datetime | None = None
    completed_at: datetime | None = None
    next_attempt_at: datetime | None = None
    run_duration: timedelta = timedelta()
    #: How far its newest attempt said it is, 0 to 1, and in words.
    progress_fraction: float | None = None
    progress_note: str = ""
    stop_receipt: str = ""
    """How far it has let go since its job was stopped: requested, stopped, abandoned, killed; else empty."""

    @property
    def has_told_progress(self) -> bool:
        """False for a step that has just begun another attempt."""
        return self.progress_fraction is not None or bool(self.progress_note)

    @property
    def short_id(self) -> str:
        return short_id(self.step_id)

    @property
    def name(self) -> str:
        """What people call it: its label, its key, or else its stage."""
        return self.label or self.key or self.stage


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a step that did not succeed."""

    attempt: int
    outcome: str
    used_try: bool
    error: Failure | None
    traceback: str
    worker_id: str
    started_at: datetime | None
    completed_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepLog:
    """A line that an attempt of a step logged."""

    attempt: int
    line: int
    message: str
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepDetail:
    """A step with what its handler received and answered, its attempts that did not succeed, and its log."""

    step: Step
    input: Any
    output: Any
    attempts: tuple[Attempt, ...]
    logs: tuple[StepLog, ...] = ()
    history_pruned_at: datetime | None = None
    """When log and attempts went, because the job ended long ago; None while they are kept."""


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Half (p50), and nine of ten (p90), of `sample_count` earlier builds that ran as long were done by then."""

    p50: timedelta
    p90: timedelta
    sample_count: int


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What a retry would do: steps that it takes over, and known ones that it does again."""

    reused_steps: int
    rerun_steps: int


@dataclass(frozen=True, slots=True)
class PipelineStage:
    """One stage of a pipeline, as its workers have published it.

    `on_failure` is continue, fail_fast or tolerate; then `tolerated_share` of its steps may fail.
    """

    stage: str
    queue: str
    weight: float
    version: int
    concurrency: int
    on_failure: str = "continue"
    tolerated_share: float = 0.0


@dataclass(frozen=True, slots=True)
class PipelineInfo:
    """What can be built, as workers have published it; `document` is none, optional or required."""

    pipeline: str
    version: int
    description: str
    input_schema: Mapping[str, Any]
    document: str
    document_media_types: tuple[str, ...]
    has_sample: bool
    stages: tuple[PipelineStage, ...]
