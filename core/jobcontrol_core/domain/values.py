"""What the engine knows: jobs, stages, steps, attempts and pipelines, as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus, Stopping, StopReceipt
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.progress import StageProgress, TimeLeft
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.tolerance import CONTINUE

#: The stage that ends a build. It weighs nothing and has one step.
FINALIZE = "finalize"
JSON_MEDIA_TYPE = "application/json"


class DocumentNeed(StrEnum):
    """Whether a build of a pipeline must, may or must not bring a document."""

    REQUIRED = "required"
    OPTIONAL = "optional"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class StageSpec:
    """One stage of a pipeline, as it is copied into each job. `number` counts from 0; finalize is the last."""

    number: int
    name: str
    queue: str
    version: int
    weight: float
    concurrency: int
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    #: The share of its steps that may fail without failing the job: see domain/tolerance.py.
    tolerated_share: float = CONTINUE
    #: What its queue is to be limited to, for all workers together.
    limits: QueueLimits = field(default_factory=QueueLimits)

    @property
    def is_finalize(self) -> bool:
        return self.name == FINALIZE


@dataclass(frozen=True, slots=True)
class PipelineSpec:
    """A pipeline as its workers publish it. `sample` is a document that ships with it."""

    name: str
    version: int
    description: str
    stages: tuple[StageSpec, ...]
    input_schema: Mapping[str, Any]
    document: DocumentNeed
    media_types: tuple[str, ...] = ()
    sample: bytes | None = None

    @property
    def finalize(self) -> StageSpec:
        return self.stages[-1]


@dataclass(frozen=True, slots=True)
class DocumentRef:
    """A document kept in the store, by the SHA-256 of its bytes."""

    sha256: str
    media_type: str
    name: str
    size: int


@dataclass(frozen=True, slots=True)
class ErrorInfo:
    """What went wrong in a handler; `traceback` is for the step's page only."""

    type: str
    message: str
    traceback: str = ""


@dataclass(frozen=True, slots=True)
class JobError:
    """Why a job is FAILED: the error of the step that decided it, where there was one."""

    type: str
    message: str
    stage: str = ""
    step_id: str = ""


def etag_of(job_id: str, revision: int) -> str:
    """The entity tag of a job (RFC 9110, 8.8.3) at this revision."""
    return f'"{job_id}.{revision}"'


@dataclass(frozen=True, slots=True)
class Job:
    """One build, as of `last_sequence`."""

    id: str
    tenant: str
    path_id: str
    title: str
    pipeline: str
    pipeline_version: int
    status: JobStatus
    stopping: Stopping | None
    status_reason: str
    status_actor: str
    parameters: Mapping[str, Any]
    labels: Mapping[str, str]
    priority: int
    document: DocumentRef | None
    percent: int
    stages: tuple[StageProgress, ...]
    current_stage: str
    error: JobError | None
    error_count: int
    reused_steps: int
    triggered_by: str
    retry_of: str | None
    waits_for: str | None
    timeout: timedelta | None
    attempt: int
    result_types: tuple[str, ...]
    created_at: datetime
    updated_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    last_sequence: int
    revision: int
    #: The first of its steps that are FAILED, in document order; not on lists of jobs.
    missing: tuple[Step, ...] = ()
    time_left: TimeLeft | None = None
    #: When its events, logs, attempts and checkpoints went.
    history_pruned_at: datetime | None = None

    @property
    def etag(self) -> str:
        """Changes with every change of status, not with progress. A job that is not stored has none."""
        return etag_of(self.id, self.revision) if self.id else ""


@dataclass(frozen=True, slots=True)
class Step:
    """One unit of fanned-out work, without its input and output."""

    id: str
    job_id: str
    stage: str
    stage_no: int
    parent_id: str | None
    key: str
    label: str
    position: str
    ordinal: int
    sibling_total: int
    status: StepStatus
    attempt: int
    tries: int
    failure: FailureReason | None
    error: ErrorInfo | None
    item_count: int
    run_time: timedelta
    reused_from: str | None
    created_at: datetime
    started_at: datetime | None
    completed_at: datetime | None
    next_attempt_at: datetime | None
    #: What the newest attempt said of itself, in a share from 0 to 1 and in words.
    progress_fraction: float | None = None
    progress_note: str = ""
    stop_receipt: StopReceipt | None = None

    @property
    def has_told_progress(self) -> bool:
        """A claim takes both back, so a PROCESSING step that was told without them has just begun."""
        return self.progress_fraction is not None or bool(self.progress_note)


@dataclass(frozen=True, slots=True)
class StepLog:
    """A line that an attempt logged."""

    attempt: int
    line: int
    message: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt that did not succeed. `outcome` says how it ended: a FailureReason, LOST, CRASHED, STOPPED."""

    number: int
    outcome: str
    error: ErrorInfo | None
    used_a_try: bool
    session_id: str
    started_at: datetime
    ended_at: datetime


@dataclass(frozen=True, slots=True)
class Build:
    """What the steps of one job share and handlers may know; it never changes."""

    job_id: str
    first_job_id: str
    tenant: str
    path_id: str
    title: str
    pipeline: str
    pipeline_version: int
    parameters: Mapping[str, Any]
    document: DocumentRef | None
    stages: tuple[StageSpec, ...]


@dataclass(frozen=True, slots=True)
class ClaimedStep:
    """A step that this session may run now. Writes about it are accepted for `step.attempt` only.

    `checkpoint` is the newest that an earlier attempt left, as JSON text.
    """

    step: Step
    input: str
    key_path: str
    checkpoint: str | None = None
