"""What the contract names and this version does not do yet: refused by name, never ignored."""

from __future__ import annotations

from collections.abc import Mapping

from jobcontrol import v1 as pb

#: The RPCs that are served. All others answer UNIMPLEMENTED/NOT_IMPLEMENTED.
SERVED = frozenset(
    {
        "BatchCancel",
        "BatchRetry",
        "Cancel",
        "DeleteJob",
        "DiscardDeadLetters",
        "DrainWorker",
        "ExplainJob",
        "GetJob",
        "GetResult",
        "GetStats",
        "GetStep",
        "ListAuditEvents",
        "ListDeadLetters",
        "ListErrorGroups",
        "ListEvents",
        "ListJobs",
        "ListPipelines",
        "ListQueues",
        "ListSteps",
        "ListWorkers",
        "Pause",
        "PauseQueue",
        "RequeueDeadLetters",
        "Resume",
        "ResumeQueue",
        "Retry",
        "StartBuild",
        "UpdateQueue",
        "WatchJobs",
        "WatchProgress",
    }
)

#: Any value of the field is refused.
ALL: frozenset[int] = frozenset()

#: Fields of served requests whose behaviour comes later; for an enum, the values that do.
NOT_YET: Mapping[tuple[str, str], frozenset[int]] = {
    ("GetJobRequest", "read_mask"): ALL,
    ("ListJobsRequest", "order_by"): ALL,
    ("ListJobsRequest", "min_run_duration"): ALL,
    ("ListJobsRequest", "read_mask"): ALL,
    ("ListStepsRequest", "parent_step_id"): ALL,
    ("ListStepsRequest", "query"): ALL,
    ("WatchProgressRequest", "detail"): frozenset({pb.WATCH_DETAIL_JOB}),
}
