"""Exit codes: the same for every command, also of jobs that had ended before."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from jobcontrol.errors import (
    AlreadyRunning,
    ApiError,
    ConnectionFailed,
    InvalidInput,
    InvalidState,
    JobControlError,
    NotAuthenticated,
    NotFound,
    NotServed,
    PermissionDenied,
    RequestTimeout,
    WaitTimeout,
)
from jobcontrol.values import JobState, JobStatus


class ExitCode(IntEnum):
    """What the shell is told."""

    COMPLETED = 0
    FAILED = 1
    USAGE = 2
    PARTIAL = 3
    CANCELLED = 4
    NOT_FOUND = 5
    CONFLICT = 6
    AUTH = 7
    UNREACHABLE = 8
    TIMED_OUT = 124
    INTERRUPTED = 130
    BROKEN_PIPE = 141
    """128 + SIGPIPE, as of any command whose reader has gone."""


#: The first class that fits counts.
_ERRORS: tuple[tuple[type[JobControlError], ExitCode], ...] = (
    (InvalidInput, ExitCode.USAGE),
    (NotServed, ExitCode.USAGE),
    (NotFound, ExitCode.NOT_FOUND),
    (AlreadyRunning, ExitCode.CONFLICT),
    (InvalidState, ExitCode.CONFLICT),
    (NotAuthenticated, ExitCode.AUTH),
    (PermissionDenied, ExitCode.AUTH),
    (ConnectionFailed, ExitCode.UNREACHABLE),
    (RequestTimeout, ExitCode.UNREACHABLE),
    (WaitTimeout, ExitCode.TIMED_OUT),
)
#: From the worst to the best, for commands about several jobs.
_SEVERITY = (ExitCode.FAILED, ExitCode.CANCELLED, ExitCode.PARTIAL, ExitCode.COMPLETED)


def code_of_error(error: JobControlError) -> ExitCode:
    """The code for an error. Out of reach is also a server that says: not now."""
    found = next((code for kind, code in _ERRORS if isinstance(error, kind)), None)
    if found is None and isinstance(error, ApiError) and error.retryable:
        return ExitCode.UNREACHABLE
    return found or ExitCode.FAILED


def code_of_job(state: JobState, *, allow_partial: bool = False) -> ExitCode:
    """The code for a job that has ended; of one that has not, COMPLETED."""
    if state.status is JobStatus.FAILED:
        return ExitCode.FAILED
    if state.status is JobStatus.CANCELLED:
        return ExitCode.CANCELLED
    if state.status is JobStatus.COMPLETED and state.error_count and not allow_partial:
        return ExitCode.PARTIAL
    return ExitCode.COMPLETED


def worst(codes: Iterable[ExitCode]) -> ExitCode:
    """The code for several jobs together."""
    given = set(codes)
    return next((code for code in _SEVERITY if code in given), ExitCode.COMPLETED)
