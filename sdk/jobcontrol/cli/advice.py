"""What to type next: the SDK's errors and outcomes in the words of somebody at a shell."""

from __future__ import annotations

from collections.abc import Sequence

from jobcontrol.display.wording import count_noun, outcome_of
from jobcontrol.errors import (
    AlreadyRunning,
    ApiError,
    ConnectionFailed,
    JobControlError,
    NotAuthenticated,
    WaitTimeout,
)
from jobcontrol.operations import BatchFailure
from jobcontrol.values import JobState, JobStatus, short_id

#: Failures that are told one by one.
TOLD_FAILURES = 10

_AFTER_REASON = {
    "JOB_NOT_FOUND": "list them: jobctl list",
    "PIPELINE_NOT_FOUND": "list them: jobctl pipelines",
    "DEAD_LETTER_NOT_FOUND": "list them: jobctl dead list",
    "QUEUE_NOT_FOUND": "list them: jobctl queues list",
    "STEP_NOT_FOUND": "list them: jobctl steps JOB",
    "REQUEST_ID_REUSED": "leave --key out, or give another one",
}


def error_line(error: JobControlError) -> str:
    """One line: what is wrong, and what to do next where that is known."""
    message, hint = _told(error)
    return "error: " + " ".join((f"{message}; {hint}" if hint else message).split())


def closing_line(state: JobState) -> str:
    """How a job ended, and the command that one wants then."""
    commands = {
        JobStatus.COMPLETED: f"Read it:  jobctl result {state.short_id}",
        JobStatus.FAILED: f"What failed:  jobctl steps {state.short_id} --failed  ·  jobctl retry {state.short_id}",
        JobStatus.CANCELLED: f"Go on with it:  jobctl retry {state.short_id}",
    }
    if state.status is JobStatus.COMPLETED and state.error_count:
        return f"{outcome_of(state)}  Retry them:  jobctl retry {state.short_id}"
    return f"{outcome_of(state)}  {commands.get(state.status, '')}".rstrip()


def stopping_line(state: JobState) -> str:
    """After a cancel: what still has to let go."""
    if state.status is JobStatus.CANCELLED:
        return f"Cancelled {state.short_id}."
    return f"Cancelling {state.short_id}: {running_words(state)} finishing.  jobctl watch {state.short_id}"


def running_words(state: JobState) -> str:
    """How many steps run now."""
    return count_noun(sum(stage.active for stage in state.stages), "step")


def detached_line(state: JobState) -> str:
    """After Ctrl+C."""
    return f"Detached; the job goes on.  jobctl watch {state.short_id}  ·  jobctl cancel {state.short_id}"


def _told(error: JobControlError) -> tuple[str, str]:
    if isinstance(error, AlreadyRunning) and error.existing_job_id:
        return _already_running(error)
    if isinstance(error, ConnectionFailed):
        return error.message, error.hint or ("start one: jobctl dev" if error.why == "refused" else "")
    if isinstance(error, NotAuthenticated):
        return error.message, "set JOBCONTROL_TOKEN, or pass --token"
    if isinstance(error, WaitTimeout):
        return error.message, f"it goes on: jobctl watch {error.job.short_id}"
    if isinstance(error, ApiError):
        return error.message, _after_refusal(error)
    return error.message, error.hint


def _already_running(error: AlreadyRunning) -> tuple[str, str]:
    job = short_id(error.existing_job_id)
    progress = "" if error.percent is None else f", {error.percent}%"
    path = error.metadata.get("path_id", "this path")
    return (
        f"{path} is already being built ({job}{progress})",
        f"follow it: jobctl watch {job}, or --if-running attach, or replace",
    )


def _after_refusal(error: ApiError) -> str:
    job = short_id(error.metadata.get("job_id", ""))
    if error.reason == "RESULT_NOT_READY" and job:
        return f"follow it: jobctl watch {job}"
    return _AFTER_REASON.get(error.reason, error.hint)


def failure_lines(failures: Sequence[BatchFailure]) -> list[str]:
    """What kept single things from what was done to many: the first ones, and how many more there are."""
    lines = [f"{short_id(failure.id)}: {failure.message}" for failure in failures[:TOLD_FAILURES]]
    untold = len(failures) - len(lines)
    return [*lines, *([f"and {untold:,} more like these"] if untold else [])]
