"""What a caller learns who was refused because the path is being built already: the job that is there."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol._plans import Limits, Plan, call
from jobcontrol._rpcs import GET_JOB
from jobcontrol.errors import AlreadyRunning, JobControlError
from jobcontrol.values import JobState

T = TypeVar("T")


def with_existing_job(plan: Plan[T], limits: Limits, to_job: Callable[[JobState], Any]) -> Plan[T]:
    """What `plan` comes to. An AlreadyRunning that it raises holds the existing job as it is now."""
    try:
        return (yield from plan)
    except AlreadyRunning as error:
        state = yield from _find(error, limits)
        error._existing_job = to_job(state)
        raise


def _find(error: AlreadyRunning, limits: Limits) -> Plan[JobState]:
    """The state of that job; if it cannot be read now, what the refusal tells of it."""
    try:
        answer = yield from call(GET_JOB, pb.GetJobRequest(job_id=error.existing_job_id), limits)
    except JobControlError:
        return JobState(error.existing_job_id, percent=error.percent or 0)
    return to_job_state(answer.job)
