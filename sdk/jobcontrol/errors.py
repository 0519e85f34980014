"""What can go wrong for a caller, one class per kind; nothing of gRPC leaves the SDK but as a `__cause__`.

JobControlError
├── ConnectionFailed          no server answers there, or the link to it broke
├── RequestTimeout            the server did not answer in time (a builtin TimeoutError too)
├── ApiError                  the server refused: code, reason, metadata, request_id, retryable
│   ├── InvalidInput          fields: what is wrong with each
│   ├── NotAuthenticated
│   ├── PermissionDenied
│   ├── NotFound
│   ├── AlreadyRunning        existing_job_id, percent, existing_job
│   ├── InvalidState          current: the status that does not allow it
│   ├── RateLimited           retry_after, in seconds
│   ├── NotServed             this server does not know that yet
│   └── ServerError           retry_after, where the server expects to be well again
├── JobError                  the job ended otherwise than hoped: job
│   ├── JobFailed             error: what its handler raised, and where
│   ├── JobCancelled          by, reason
│   └── JobPartiallyFailed    it is completed, but some steps failed
└── WaitTimeout               job: it goes on (a builtin TimeoutError too)

Each says in one line what went wrong, with which job, and what to do next. All can be pickled; what they
hold of a client connects anew, with the token of the process that unpickles.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobcontrol._job_view import JobView
    from jobcontrol.values import Failure


class JobControlError(Exception):
    """Base of everything that the SDK raises. `message` says what is wrong, `hint` what to do next."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}; {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions are rebuilt from `args` by default, which cannot fill keyword-only parameters.
        return _rebuild, (type(self), self.args, self.__dict__)


def _rebuild(kind: type[JobControlError], args: tuple[Any, ...], facts: dict[str, Any]) -> JobControlError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(facts)
    return error


class ConnectionFailed(JobControlError):
    """No server answered at `address`, or the link broke. `why` is one word or two, for example "refused"."""

    def __init__(self, message: str, hint: str = "", *, address: str = "", why: str = "") -> None:
        super().__init__(message, hint)
        self.address, self.why = address, why


class RequestTimeout(JobControlError, TimeoutError):
    """The server did not answer in time. The call may have been carried out all the same."""


class ApiError(JobControlError):
    """The server refused. `code` is the gRPC code's name, `reason` the stable name of what was refused."""

    #: Whether the very same call may succeed later.
    retryable = False

    def __init__(
        self,
        message: str,
        hint: str = "",
        *,
        code: str = "UNKNOWN",
        reason: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
    ) -> None:
        super().__init__(message, hint)
        self.code, self.reason, self.request_id = code, reason, request_id
        self.metadata = dict(metadata or {})


class InvalidInput(ApiError):
    """The request is wrong; `fields` says for each field, by its path, what would be right."""

    fields: Mapping[str, str] = {}


class NotAuthenticated(ApiError):
    """The token is missing or wrong."""


class PermissionDenied(ApiError):
    """The token is good, but not for this."""


class NotFound(ApiError):
    """There is no such job, step, pipeline, queue or dead letter."""


class AlreadyRunning(ApiError):
    """The path has a job that has not ended."""

    _existing_job: Any = None

    @property
    def existing_job_id(self) -> str:
        return self.metadata.get("active_job_id", "")

    @property
    def percent(self) -> int | None:
        """How far that job was; None if the server did not say."""
        percent = self.metadata.get("percent", "")
        return int(percent) if percent.isdecimal() else None

    @property
    def existing_job(self) -> Any:
        """The job that is there, as it was when this was raised: a Job, or the AsyncJob of an AsyncClient."""
        if self._existing_job is None:
            raise LookupError(f"ask a client for job {self.existing_job_id}")
        return self._existing_job


class InvalidState(ApiError):
    """The job is there, but in no state for this."""

    @property
    def current(self) -> str:
        """Its status in lower case, empty if the server did not say."""
        return self.metadata.get("status", "").removeprefix("JOB_STATUS_").lower()


class RateLimited(ApiError):
    """Too much at once; the same call may succeed in `retry_after` seconds."""

    retryable = True
    retry_after: float | None = None


class NotServed(ApiError):
    """The contract has it, this server does not serve it yet."""


class ServerError(ApiError):
    """The server is unwell. With `retryable`, the same call may succeed in `retry_after` seconds."""

    retry_after: float | None = None


class JobError(JobControlError):
    """A job ended otherwise than hoped."""

    job: Any
    """The Job, or the AsyncJob of an AsyncClient."""

    def __init__(self, message: str, hint: str = "", *, job: JobView) -> None:
        super().__init__(message, hint)
        self.job = job


class JobFailed(JobError):
    """The job is failed: it has no result."""

    @property
    def error(self) -> Failure | None:
        """What its handler raised, and where."""
        failure: Failure | None = self.job.error
        return failure


class JobCancelled(JobError):
    """Somebody cancelled the job."""

    @property
    def by(self) -> str:
        return str(self.job.state.status_actor)

    @property
    def reason(self) -> str:
        return str(self.job.state.status_reason)


class JobPartiallyFailed(JobError):
    """The job is completed and has a result, but some of its steps failed."""


class WaitTimeout(JobControlError, TimeoutError):
    """The time for waiting has passed; the job goes on."""

    job: Any
    """The Job, or the AsyncJob of an AsyncClient."""

    def __init__(self, message: str, hint: str = "", *, job: JobView) -> None:
        super().__init__(message, hint)
        self.job = job
