"""Which jobs a caller means, as the contract says it: the same for lists and for calls about many jobs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from jobcontrol import v1 as pb
from jobcontrol._requests import invalid
from jobcontrol.values import JobStatus, StepStatus

Status = TypeVar("Status", JobStatus, StepStatus)
#: A moment, how long ago it was, or that in words: "90s", "15m", "24h", "7d".
Since = datetime | timedelta | str

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def job_filter(
    *,
    status: str | Iterable[str] | None = None,
    path_id: str = "",
    pipeline: str = "",
    has_failed_steps: bool | None = None,
    search: str = "",
    since: Since | None = None,
    labels: Mapping[str, str] | None = None,
    filter: str = "",
) -> pb.JobFilter:
    """The conditions given."""
    wanted = pb.JobFilter(
        status=[pb.JobStatus.Value(f"JOB_STATUS_{word.name}") for word in statuses(JobStatus, status)],
        path_id=path_id,
        pipeline=pipeline,
        has_failed_steps=has_failed_steps,
        query=search,
        filter=filter,
        labels=labels,
    )
    if since is not None:
        wanted.created.start_time.FromDatetime(moment_of(since))
    return wanted


def list_request(wanted: pb.JobFilter) -> pb.ListJobsRequest:
    """A list of the jobs that a filter finds."""
    return pb.ListJobsRequest(
        status=wanted.status,
        path_id=wanted.path_id,
        pipeline=wanted.pipeline,
        has_failed_steps=wanted.has_failed_steps if wanted.HasField("has_failed_steps") else None,
        query=wanted.query,
        filter=wanted.filter,
        labels=wanted.labels,
        created=wanted.created if wanted.HasField("created") else None,
    )


def list_steps_request(job_id: str, *, status: str | Iterable[str] | None, stage: str) -> pb.ListStepsRequest:
    words = statuses(StepStatus, status)
    numbers = [pb.StepStatus.Value(f"STEP_STATUS_{word.name}") for word in words]
    return pb.ListStepsRequest(job_id=job_id, status=numbers, stage=stage)


def statuses(kind: type[Status], given: str | Iterable[str] | None) -> list[Status]:
    """Statuses by their words, or by one. Raises InvalidInput."""
    if given is None:
        return []
    allowed = [status.value for status in kind if status is not kind.UNKNOWN]
    words = [given] if isinstance(given, str) else list(given)
    if wrong := [word for word in words if word.lower() not in allowed]:
        raise invalid("status", f"{wrong[0]!r} is none of {', '.join(allowed)}")
    return [kind(word.lower()) for word in words]


def moment_of(since: Since) -> datetime:
    """The moment meant, in UTC. Raises InvalidInput."""
    if isinstance(since, datetime):
        if since.tzinfo is None:
            raise invalid("since", "a datetime without a time zone says no moment: use datetime.now(UTC)")
        return since.astimezone(UTC)
    return datetime.now(UTC) - (since if isinstance(since, timedelta) else _span(since))


def _span(words: str) -> timedelta:
    match = re.fullmatch(r"(\d{1,6})([smhd])", words.strip(), re.ASCII)
    if match is None:
        raise invalid("since", f"{words!r} is no time such as 90s, 15m, 24h or 7d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})
