"""The legal moves of jobs and steps, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class JobStatus(StrEnum):
    """Where a job is in its life."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    PAUSED = "PAUSED"
    CANCELLING = "CANCELLING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"

    @property
    def has_ended(self) -> bool:
        return self in ENDED_JOB


class StepStatus(StrEnum):
    """Where a step is in its life. Between two attempts a step is PENDING with a `next_attempt_at`."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"
    CANCELLED = "CANCELLED"

    @property
    def has_ended(self) -> bool:
        return self in ENDED_STEP


class FailureReason(StrEnum):
    """Why a step is FAILED."""

    HANDLER_ERROR = "HANDLER_ERROR"
    TIMED_OUT = "TIMED_OUT"
    POISONED = "POISONED"
    BAD_RESULT = "BAD_RESULT"


class StopReceipt(StrEnum):
    """How far a step that ran when its job was stopped has let go."""

    #: It has been told to stop.
    REQUESTED = "REQUESTED"
    #: Its handler has ended.
    STOPPED = "STOPPED"
    #: Its process is gone.
    KILLED = "KILLED"
    #: Its handler was given up: it may run on, in a process that takes no more work.
    ABANDONED = "ABANDONED"


class RequeueState(StrEnum):
    """How far a gradual requeue of dead letters is."""

    #: The first letter's step has yet to complete.
    CANARY = "CANARY"
    RELEASING = "RELEASING"
    #: The first letter's step did not complete; the others stay where they are.
    CANCELLED = "CANCELLED"
    DONE = "DONE"


class Stopping(StrEnum):
    """What a stopping job is going to be once its running steps have let go."""

    CANCELLED = "CANCELLED"
    FAILED = "FAILED"

    @property
    def job_status(self) -> JobStatus:
        return JobStatus(self.value)

    @property
    def pending_step_status(self) -> StepStatus:
        """What a step that never ran becomes: CANCELLED under a cancel, SKIPPED when the job fails."""
        return StepStatus.CANCELLED if self is Stopping.CANCELLED else StepStatus.SKIPPED


_J = JobStatus
_S = StepStatus

JOB_MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    _J.PENDING: frozenset({_J.PROCESSING, _J.PAUSED, _J.CANCELLING, _J.CANCELLED, _J.FAILED}),
    _J.PROCESSING: frozenset({_J.COMPLETED, _J.FAILED, _J.PAUSED, _J.CANCELLING, _J.CANCELLED}),
    _J.PAUSED: frozenset({_J.PENDING, _J.PROCESSING, _J.COMPLETED, _J.FAILED, _J.CANCELLING, _J.CANCELLED}),
    _J.CANCELLING: frozenset({_J.CANCELLED}),
    _J.COMPLETED: frozenset(),
    _J.FAILED: frozenset(),
    _J.CANCELLED: frozenset(),
}

STEP_MOVES: Mapping[StepStatus, frozenset[StepStatus]] = {
    _S.PENDING: frozenset({_S.PROCESSING, _S.SKIPPED, _S.CANCELLED}),
    _S.PROCESSING: frozenset({_S.COMPLETED, _S.FAILED, _S.SKIPPED, _S.CANCELLED, _S.PENDING}),
    _S.COMPLETED: frozenset(),
    # A requeued dead letter, while its job still runs.
    _S.FAILED: frozenset({_S.PENDING}),
    _S.SKIPPED: frozenset(),
    _S.CANCELLED: frozenset(),
}

ENDED_JOB = frozenset({_J.COMPLETED, _J.FAILED, _J.CANCELLED})
ACTIVE_JOB = frozenset(_J) - ENDED_JOB
ENDED_STEP = frozenset({_S.COMPLETED, _S.FAILED, _S.SKIPPED, _S.CANCELLED})
OPEN_STEP = frozenset(_S) - ENDED_STEP

#: Gradual requeues that have something left to do.
RUNNING_REQUEUE = frozenset({RequeueState.CANARY, RequeueState.RELEASING})
#: Jobs whose steps may be claimed, if nothing stops them and they wait for no other job.
CLAIMABLE_JOB = frozenset({_J.PENDING, _J.PROCESSING})
#: Jobs whose running steps may report an ordinary outcome.
REPORTABLE_JOB = frozenset({_J.PROCESSING, _J.PAUSED})


def job_sources_of(target: JobStatus) -> frozenset[JobStatus]:
    """The statuses from which a job may move to `target`."""
    return frozenset(source for source, targets in JOB_MOVES.items() if target in targets)


def step_sources_of(target: StepStatus) -> frozenset[StepStatus]:
    """The statuses from which a step may move to `target`."""
    return frozenset(source for source, targets in STEP_MOVES.items() if target in targets)
