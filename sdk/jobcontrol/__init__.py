"""jobcontrol: start, watch and steer long fanned-out builds. Names load when they are first used."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jobcontrol._requests import SAMPLE
    from jobcontrol._settings import Tls
    from jobcontrol.batch import AsyncBatch, Batch
    from jobcontrol.client import AsyncClient, Client
    from jobcontrol.errors import (
        AlreadyRunning,
        ApiError,
        ConnectionFailed,
        InvalidInput,
        InvalidState,
        JobCancelled,
        JobControlError,
        JobError,
        JobFailed,
        JobPartiallyFailed,
        NotAuthenticated,
        NotFound,
        NotServed,
        PermissionDenied,
        RateLimited,
        RequestTimeout,
        ServerError,
        WaitTimeout,
    )
    from jobcontrol.events import (
        BulkStepChange,
        Changes,
        Event,
        LinkNotice,
        StatusChange,
        StepChange,
    )
    from jobcontrol.job import AsyncJob, Job
    from jobcontrol.listing import AsyncListing, Listing, Page
    from jobcontrol.operations import (
        AuditEvent,
        BatchFailure,
        DeadLetter,
        Discarded,
        ErrorGroup,
        LogLine,
        Queue,
        QueueLimits,
        Requeue,
        Requeued,
        RunningStep,
        Stats,
        Wait,
        WorkerProcess,
    )
    from jobcontrol.pipeline import (
        Context,
        FanOut,
        GiveUp,
        Pipeline,
        Rate,
        Result,
        Retry,
        RetryAfter,
        Tolerate,
    )
    from jobcontrol.values import (
        Attempt,
        DocumentInfo,
        Failure,
        JobState,
        JobStatus,
        PipelineInfo,
        PipelineStage,
        RetryPlan,
        StageProgress,
        Step,
        StepDetail,
        StepLog,
        StepStatus,
        TimeLeft,
    )
    from jobcontrol.watch import AsyncWatch, Watch

# The type checker reads the imports above, the interpreter this: neither grpc nor rich loads before it is needed.
_HOMES = {
    "_requests": "SAMPLE",
    "_settings": "Tls",
    "batch": "AsyncBatch Batch",
    "client": "AsyncClient Client",
    "errors": (
        "AlreadyRunning ApiError ConnectionFailed InvalidInput InvalidState JobCancelled JobControlError "
        "JobError JobFailed JobPartiallyFailed NotAuthenticated NotFound NotServed PermissionDenied "
        "RateLimited RequestTimeout ServerError WaitTimeout"
    ),
    "events": "BulkStepChange Changes Event LinkNotice StatusChange StepChange",
    "job": "AsyncJob Job",
    "listing": "AsyncListing Listing Page",
    "operations": (
        "AuditEvent BatchFailure DeadLetter Discarded ErrorGroup LogLine Queue QueueLimits Requeue Requeued "
        "RunningStep Stats Wait WorkerProcess"
    ),
    "pipeline": "Context FanOut GiveUp Pipeline Rate Result Retry RetryAfter Tolerate",
    "values": (
        "Attempt DocumentInfo Failure JobState JobStatus PipelineInfo PipelineStage RetryPlan "
        "StageProgress Step StepDetail StepLog StepStatus TimeLeft"
    ),
    "watch": "AsyncWatch Watch",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "SAMPLE",
    "AlreadyRunning",
    "ApiError",
    "AsyncBatch",
    "AsyncClient",
    "AsyncJob",
    "AsyncListing",
    "AsyncWatch",
    "Attempt",
    "AuditEvent",
    "Batch",
    "BatchFailure",
    "BulkStepChange",
    "Changes",
    "Client",
    "ConnectionFailed",
    "Context",
    "DeadLetter",
    "Discarded",
    "DocumentInfo",
    "ErrorGroup",
    "Event",
    "Failure",
    "FanOut",
    "GiveUp",
    "InvalidInput",
    "InvalidState",
    "Job",
    "JobCancelled",
    "JobControlError",
    "JobError",
    "JobFailed",
    "JobPartiallyFailed",
    "JobState",
    "JobStatus",
    "LinkNotice",
    "Listing",
    "LogLine",
    "NotAuthenticated",
    "NotFound",
    "NotServed",
    "Page",
    "PermissionDenied",
    "Pipeline",
    "PipelineInfo",
    "PipelineStage",
    "Queue",
    "QueueLimits",
    "Rate",
    "RateLimited",
    "RequestTimeout",
    "Requeue",
    "Requeued",
    "Result",
    "Retry",
    "RetryAfter",
    "RetryPlan",
    "RunningStep",
    "ServerError",
    "StageProgress",
    "Stats",
    "StatusChange",
    "Step",
    "StepChange",
    "StepDetail",
    "StepLog",
    "StepStatus",
    "TimeLeft",
    "Tls",
    "Tolerate",
    "Wait",
    "WaitTimeout",
    "Watch",
    "WorkerProcess",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
