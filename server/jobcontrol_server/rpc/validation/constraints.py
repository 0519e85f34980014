"""What each field must satisfy: one row for each `Validation:` line of the requests that are served."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from jobcontrol import v1 as pb
from jobcontrol_core.domain.limits import MAX_RATE, MAX_WINDOW, MIN_WINDOW
from jobcontrol_server.rpc.validation.checks import (
    Constraint,
    alone,
    any_condition,
    at_most,
    between,
    each,
    each_known,
    known,
    labels,
    lasting,
    length,
    matching,
    not_before,
    not_blank,
    not_negative,
    optional,
    paths_of,
    required,
    same_if_set,
    text,
)
from jobcontrol_server.rpc.validation.documents import content_faults
from jobcontrol_server.rpc.validation.parameters import parameter_faults

ID = matching(r"[a-z0-9-]{4,63}", "4 to 63 characters of [a-z0-9-]")
NAME = matching(r"[a-z0-9][a-z0-9-]{0,62}", "a name that matches ^[a-z0-9][a-z0-9-]{0,62}$")
REQUEST_ID = matching(r"[A-Za-z0-9._:-]{1,64}", "at most 64 characters of [A-Za-z0-9._:-]")
MEDIA_TYPE = matching(r"[a-z0-9.+-]+/[a-z0-9.+-]+", "type/subtype in lower case, without parameters")
FINGERPRINT = matching(r"[0-9a-f]{1,64}", "at most 64 characters of [0-9a-f]")
REASON = text(512, lines=True)
ETAG = text(128)
PAGE_TOKEN = length(1024)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: Things of a batch: by their ids or by what a filter finds, not both.
NAMED_OR_FILTERED = Constraint(
    (at_most(1000), each(ID), alone("filter")), missing="is required unless there is a filter", unless="filter"
)

CONSTRAINTS: Mapping[tuple[str, str], Constraint] = {
    ("StartBuildRequest", "path_id"): required(text(128), not_blank),
    ("StartBuildRequest", "title"): optional(text(256)),
    ("StartBuildRequest", "pipeline"): optional(NAME),
    ("StartBuildRequest", "parameters"): optional(parameter_faults),
    ("StartBuildRequest", "labels"): optional(labels(32, value_bytes=128)),
    ("StartBuildRequest", "priority"): optional(between(0, 9)),
    ("StartBuildRequest", "timeout"): optional(lasting(SECOND, 7 * DAY)),
    ("StartBuildRequest", "conflict_policy"): optional(known(pb.ConflictPolicy.DESCRIPTOR)),
    ("StartBuildRequest", "request_id"): optional(REQUEST_ID),
    ("Document", "content"): Constraint(
        (content_faults,), missing="is empty: send the document's bytes, or set sample", unless="sample"
    ),
    ("Document", "media_type"): optional(length(127), MEDIA_TYPE),
    ("Document", "file_name"): optional(text(255)),
    ("Document", "sample"): optional(alone("content", "media_type", "file_name")),
    ("RetryPolicy", "max_attempts"): optional(between(0, 20)),
    ("RetryPolicy", "initial_backoff"): optional(lasting(most=HOUR)),
    ("RetryPolicy", "max_backoff"): optional(lasting(most=DAY), not_before("initial_backoff")),
    ("RetryPolicy", "multiplier"): optional(between(1, 10)),
    ("ExplainJobRequest", "job_id"): required(ID),
    ("GetJobRequest", "job_id"): required(ID),
    ("ListJobsRequest", "page_size"): optional(not_negative),
    ("ListJobsRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListJobsRequest", "limit"): optional(not_negative, same_if_set("page_size")),
    ("ListJobsRequest", "status"): optional(each_known(pb.JobStatus.DESCRIPTOR, most=16)),
    ("ListJobsRequest", "path_id"): optional(text(128)),
    ("ListJobsRequest", "pipeline"): optional(NAME),
    ("ListJobsRequest", "query"): optional(text(256)),
    ("ListJobsRequest", "filter"): optional(length(1024)),
    ("ListJobsRequest", "order_by"): optional(length(64)),
    ("ListJobsRequest", "labels"): optional(labels(8, value_bytes=128)),
    ("ListJobsRequest", "min_run_duration"): optional(lasting()),
    ("ListJobsRequest", "min_priority"): optional(between(0, 9)),
    ("TimeRange", "end_time"): optional(not_before("start_time")),
    ("CancelRequest", "job_id"): required(ID),
    ("CancelRequest", "reason"): optional(REASON),
    ("CancelRequest", "request_id"): optional(REQUEST_ID),
    ("CancelRequest", "etag"): optional(ETAG),
    ("RetryRequest", "job_id"): required(ID),
    ("RetryRequest", "mode"): optional(known(pb.RetryMode.DESCRIPTOR)),
    ("RetryRequest", "reason"): optional(REASON),
    ("RetryRequest", "request_id"): optional(REQUEST_ID),
    ("RetryRequest", "etag"): optional(ETAG),
    ("RetryRequest", "parameters"): optional(parameter_faults),
    ("PauseRequest", "job_id"): required(ID),
    ("PauseRequest", "reason"): optional(REASON),
    ("PauseRequest", "etag"): optional(ETAG),
    ("ResumeRequest", "job_id"): required(ID),
    ("ResumeRequest", "reason"): optional(REASON),
    ("ResumeRequest", "etag"): optional(ETAG),
    ("GetResultRequest", "job_id"): required(ID),
    ("GetResultRequest", "media_type"): optional(length(127), MEDIA_TYPE),
    ("ListStepsRequest", "job_id"): required(ID),
    ("ListStepsRequest", "page_size"): optional(not_negative),
    ("ListStepsRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListStepsRequest", "status"): optional(each_known(pb.StepStatus.DESCRIPTOR, most=16)),
    ("ListStepsRequest", "stage"): optional(NAME),
    ("ListStepsRequest", "parent_step_id"): optional(ID),
    ("ListStepsRequest", "query"): optional(text(256)),
    ("GetStepRequest", "job_id"): required(ID),
    ("GetStepRequest", "step_id"): required(ID),
    ("WatchProgressRequest", "job_id"): required(ID),
    ("WatchProgressRequest", "after_sequence"): optional(not_negative),
    ("WatchProgressRequest", "heartbeat_interval"): optional(lasting()),
    ("WatchProgressRequest", "detail"): optional(known(pb.WatchDetail.DESCRIPTOR)),
    ("ListEventsRequest", "job_id"): required(ID),
    ("ListEventsRequest", "page_size"): optional(not_negative),
    ("ListEventsRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListEventsRequest", "after_sequence"): optional(not_negative),
    ("ListEventsRequest", "step_id"): optional(ID),
    ("ListPipelinesRequest", "page_size"): optional(not_negative),
    ("ListPipelinesRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListWorkersRequest", "page_size"): optional(not_negative),
    ("ListWorkersRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListWorkersRequest", "queue"): optional(NAME),
    ("GetStatsRequest", "window"): optional(lasting(MINUTE, 7 * DAY)),
    ("ListQueuesRequest", "page_size"): optional(not_negative),
    ("ListQueuesRequest", "page_token"): optional(PAGE_TOKEN),
    ("PauseQueueRequest", "queue"): required(NAME),
    ("PauseQueueRequest", "reason"): optional(REASON),
    ("ResumeQueueRequest", "queue"): required(NAME),
    ("ResumeQueueRequest", "reason"): optional(REASON),
    ("UpdateQueueRequest", "queue"): required(NAME),
    ("UpdateQueueRequest", "reason"): optional(REASON),
    ("UpdateQueueRequest", "limits"): Constraint(
        (alone("use_declared"),), "is required, unless use_declared is set", unless="use_declared"
    ),
    ("UpdateQueueRequest", "update_mask"): optional(paths_of(pb.QueueLimits.DESCRIPTOR)),
    ("QueueLimits", "max_running"): optional(between(1, 100_000)),
    ("QueueLimits", "rate"): optional(between(1, MAX_RATE)),
    ("QueueLimits", "rate_window"): optional(lasting(MIN_WINDOW, MAX_WINDOW)),
    ("ListDeadLettersRequest", "page_size"): optional(not_negative),
    ("ListDeadLettersRequest", "page_token"): optional(PAGE_TOKEN),
    ("DeadLetterFilter", "queue"): optional(NAME),
    ("DeadLetterFilter", "job_id"): optional(ID),
    ("DeadLetterFilter", "fingerprint"): optional(FINGERPRINT),
    ("DeadLetterFilter", "dead_letter_id"): optional(ID),
    ("RequeueDeadLettersRequest", "dead_letter_ids"): NAMED_OR_FILTERED,
    ("RequeueDeadLettersRequest", "filter"): optional(any_condition),
    ("RequeueDeadLettersRequest", "reason"): optional(REASON),
    ("RequeueDeadLettersRequest", "request_id"): optional(REQUEST_ID),
    ("RequeueDeadLettersRequest", "per_second"): optional(between(0.01, 1000)),
    ("DiscardDeadLettersRequest", "dead_letter_ids"): NAMED_OR_FILTERED,
    ("DiscardDeadLettersRequest", "filter"): optional(any_condition),
    ("DiscardDeadLettersRequest", "reason"): optional(REASON),
    ("DiscardDeadLettersRequest", "request_id"): optional(REQUEST_ID),
    ("JobFilter", "status"): optional(each_known(pb.JobStatus.DESCRIPTOR, most=16)),
    ("JobFilter", "path_id"): optional(text(128)),
    ("JobFilter", "pipeline"): optional(NAME),
    ("JobFilter", "query"): optional(text(256)),
    ("JobFilter", "filter"): optional(length(1024)),
    ("JobFilter", "labels"): optional(labels(8, value_bytes=128)),
    ("BatchCancelRequest", "job_ids"): NAMED_OR_FILTERED,
    ("BatchCancelRequest", "filter"): optional(any_condition),
    ("BatchCancelRequest", "reason"): optional(REASON),
    ("BatchCancelRequest", "request_id"): optional(REQUEST_ID),
    ("BatchRetryRequest", "job_ids"): NAMED_OR_FILTERED,
    ("BatchRetryRequest", "filter"): optional(any_condition),
    ("BatchRetryRequest", "mode"): optional(known(pb.RetryMode.DESCRIPTOR)),
    ("BatchRetryRequest", "reason"): optional(REASON),
    ("BatchRetryRequest", "request_id"): optional(REQUEST_ID),
    ("ListErrorGroupsRequest", "page_size"): optional(not_negative),
    ("ListErrorGroupsRequest", "page_token"): optional(PAGE_TOKEN),
    ("ListErrorGroupsRequest", "job_id"): optional(ID),
}
