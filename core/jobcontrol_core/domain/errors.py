"""What the engine refuses, one class per reason; each carries its data and writes its own sentence.

DomainError
├── FieldInvalid          a field of the request, all violations at once; FilterInvalid
├── PageTokenInvalid, PageTokenMismatch
├── RequestIdReused, JobIdAmbiguous
├── NotFound              JobNotFound, StepNotFound, PipelineNotFound, QueueNotFound, WorkerNotFound,
│                         DeadLetterNotFound
├── PathBuildActive
├── WrongState            JobTerminal, JobNotTerminal, JobNotPausable, JobNotRetryable, ResultNotReady,
│                         DeadLetterNotRequeueable
├── EtagMismatch
├── NotServedYet
├── TooManyWatchers
├── Unauthenticated       TokenMissing, TokenInvalid
└── Unavailable           BackendUnavailable, StorageFull, ServerDraining
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class DomainError(Exception):
    """Base of everything the engine refuses. `reason` is stable and for machines, `str()` for people."""

    reason: str = ""

    @property
    def metadata(self) -> dict[str, str]:
        """Facts of this very case, for machines."""
        return {}


@dataclass(frozen=True, slots=True)
class Violation:
    """One field that is wrong, by its path in the request, and what would be right."""

    field: str
    description: str


class FieldInvalid(DomainError):
    reason = "FIELD_INVALID"

    def __init__(self, violations: Sequence[Violation]) -> None:
        self.violations = tuple(violations)
        super().__init__("; ".join(f"{violation.field}: {violation.description}" for violation in self.violations))


class FilterInvalid(FieldInvalid):
    """A filter that cannot be read."""

    reason = "FILTER_INVALID"

    def __init__(self, field: str, description: str) -> None:
        super().__init__([Violation(field, description)])


class PageTokenInvalid(DomainError):
    reason = "PAGE_TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("page_token: not issued by this service; start again without it")


class PageTokenMismatch(DomainError):
    reason = "PAGE_TOKEN_MISMATCH"

    def __init__(self) -> None:
        super().__init__("page_token: issued for other arguments; keep all but page_size the same, or start again")


class RequestIdReused(DomainError):
    reason = "REQUEST_ID_REUSED"

    def __init__(self, request_id: str) -> None:
        self.request_id = request_id
        super().__init__(f"request_id {request_id} was used for another request within 24 hours; use a new one")

    @property
    def metadata(self) -> dict[str, str]:
        return {"request_id": self.request_id}


class NotFound(DomainError):
    """`resource_type` and `name` say what is not there."""

    resource_type: str = ""

    def __init__(self, name: str, hint: str = "") -> None:
        self.name = name
        super().__init__(f"there is no {self.resource_type} {name}{hint}")


class JobNotFound(NotFound):
    reason = "JOB_NOT_FOUND"
    resource_type = "job"


class JobIdAmbiguous(DomainError):
    reason = "JOB_ID_AMBIGUOUS"

    def __init__(self, given: str, candidates: Sequence[str]) -> None:
        self.candidates = tuple(candidates)
        super().__init__(f"{given} is the ending of several jobs: {', '.join(candidates)}; give more of it")

    @property
    def metadata(self) -> dict[str, str]:
        return {"candidates": ", ".join(self.candidates)}


class StepNotFound(NotFound):
    reason = "STEP_NOT_FOUND"
    resource_type = "step"


class PipelineNotFound(NotFound):
    reason = "PIPELINE_NOT_FOUND"
    resource_type = "pipeline"


class QueueNotFound(NotFound):
    reason = "QUEUE_NOT_FOUND"
    resource_type = "queue"


class WorkerNotFound(NotFound):
    reason = "WORKER_NOT_FOUND"
    resource_type = "worker"


class DeadLetterNotFound(NotFound):
    reason = "DEAD_LETTER_NOT_FOUND"
    resource_type = "dead letter"


class PathBuildActive(DomainError):
    reason = "PATH_BUILD_ACTIVE"

    def __init__(self, path_id: str, active_job_id: str, percent: int) -> None:
        self.path_id, self.active_job_id, self.percent = path_id, active_job_id, percent
        super().__init__(f"{path_id} is already being built by job {active_job_id} ({percent}%)")

    @property
    def metadata(self) -> dict[str, str]:
        return {"path_id": self.path_id, "active_job_id": self.active_job_id, "percent": str(self.percent)}


class WrongState(DomainError):
    """The job exists, but its status does not allow this."""

    def __init__(self, job_id: str, status: str, sentence: str) -> None:
        self.job_id, self.status = job_id, status
        super().__init__(sentence)

    @property
    def metadata(self) -> dict[str, str]:
        return {"job_id": self.job_id, "status": self.status}


class JobTerminal(WrongState):
    reason = "JOB_TERMINAL"

    def __init__(self, job_id: str, status: str) -> None:
        has_ended = status in ("COMPLETED", "FAILED", "CANCELLED")
        super().__init__(job_id, status, f"job {job_id} {'has already ended' if has_ended else 'is ending'}: {status}")


class JobNotTerminal(WrongState):
    reason = "JOB_NOT_TERMINAL"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status, f"job {job_id} is {status}; only one that has ended can be deleted: cancel it")


class JobNotPausable(WrongState):
    reason = "JOB_NOT_PAUSABLE"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status, f"job {job_id} is {status}; only one that hands out steps can be paused")


class JobNotRetryable(WrongState):
    reason = "JOB_NOT_RETRYABLE"

    def __init__(self, job_id: str, status: str) -> None:
        why = "completed without failed steps" if status == "COMPLETED" else f"is {status} and has not ended"
        super().__init__(job_id, status, f"job {job_id} {why}; there is nothing to retry")


class ResultNotReady(WrongState):
    reason = "RESULT_NOT_READY"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status, f"job {job_id} is {status}; only a COMPLETED job has a result")


class DeadLetterNotRequeueable(WrongState):
    """The letter's job neither takes the step back nor can be retried yet."""

    reason = "DEAD_LETTER_NOT_REQUEUEABLE"

    def __init__(self, job_id: str, status: str) -> None:
        super().__init__(job_id, status, f"job {job_id} is about to end ({status}); requeue when it has ended")


class EtagMismatch(DomainError):
    """The job's status changed since the caller looked; nothing was done. `etag` is the one it has now."""

    reason = "ETAG_MISMATCH"

    def __init__(self, job_id: str, status: str, etag: str) -> None:
        self.job_id, self.status, self.etag = job_id, status, etag
        super().__init__(f"job {job_id} has changed since and is {status}; look again, then decide")

    @property
    def metadata(self) -> dict[str, str]:
        return {"job_id": self.job_id, "status": self.status, "etag": self.etag}


class NotServedYet(DomainError):
    reason = "NOT_IMPLEMENTED"

    def __init__(self, what: str, *, kind: str = "field") -> None:
        self.what, self.kind = what, kind
        way_out = "; leave it unset" if kind == "field" else ""
        super().__init__(f"{what} is not served by this version{way_out}")

    @property
    def metadata(self) -> dict[str, str]:
        return {self.kind: self.what}


class Unavailable(DomainError):
    """Nothing is wrong with the request; the same one may succeed after `retry_after` seconds."""

    retry_after: float = 1.0


class BackendUnavailable(Unavailable):
    reason = "BACKEND_UNAVAILABLE"

    def __init__(self) -> None:
        super().__init__("the database is out of reach; try again")


class StorageFull(Unavailable):
    reason = "STORAGE_FULL"
    retry_after = 10.0

    def __init__(self) -> None:
        super().__init__("the database has no space left; reads go on, writes wait for space")


class ServerDraining(Unavailable):
    reason = "SERVER_DRAINING"

    def __init__(self) -> None:
        super().__init__("this server is shutting down; go on at another one, or here after its restart")


class TooManyWatchers(DomainError):
    reason = "TOO_MANY_WATCHERS"
    retry_after = 5.0

    def __init__(self, limit: int) -> None:
        self.limit = limit
        super().__init__(f"this server already has {limit} watchers; try again or use another server")


class Unauthenticated(DomainError):
    """The caller has not proved who they are."""


class TokenMissing(Unauthenticated):
    reason = "TOKEN_MISSING"

    def __init__(self) -> None:
        super().__init__("this server asks for a token; send it as authorization: Bearer TOKEN")


class TokenInvalid(Unauthenticated):
    reason = "TOKEN_INVALID"

    def __init__(self) -> None:
        super().__init__("this is not the token of this server")
