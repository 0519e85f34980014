"""The RPCs that the SDK calls, each as one value with its messages' types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from jobcontrol import v1 as pb

SERVICE = "jobcontrol.v1.JobControl"

Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=Message)


@dataclass(frozen=True, slots=True)
class Rpc(Generic[Q, A]):
    """One RPC: its name, what goes in, what comes out (one by one where it `streams`)."""

    name: str
    request: type[Q]
    answer: type[A]
    streams: bool = False
    service: str = SERVICE

    @property
    def path(self) -> str:
        return f"/{self.service}/{self.name}"


START_BUILD = Rpc("StartBuild", pb.StartBuildRequest, pb.StartBuildResponse)
GET_JOB = Rpc("GetJob", pb.GetJobRequest, pb.GetJobResponse)
EXPLAIN_JOB = Rpc("ExplainJob", pb.ExplainJobRequest, pb.ExplainJobResponse)
LIST_JOBS = Rpc("ListJobs", pb.ListJobsRequest, pb.ListJobsResponse)
LIST_STEPS = Rpc("ListSteps", pb.ListStepsRequest, pb.ListStepsResponse)
GET_STEP = Rpc("GetStep", pb.GetStepRequest, pb.GetStepResponse)
LIST_EVENTS = Rpc("ListEvents", pb.ListEventsRequest, pb.ListEventsResponse)
GET_RESULT = Rpc("GetResult", pb.GetResultRequest, pb.GetResultResponse, streams=True)
CANCEL = Rpc("Cancel", pb.CancelRequest, pb.CancelResponse)
RETRY = Rpc("Retry", pb.RetryRequest, pb.RetryResponse)
PAUSE = Rpc("Pause", pb.PauseRequest, pb.PauseResponse)
BATCH_CANCEL = Rpc("BatchCancel", pb.BatchCancelRequest, pb.BatchCancelResponse)
BATCH_RETRY = Rpc("BatchRetry", pb.BatchRetryRequest, pb.BatchRetryResponse)
DELETE_JOB = Rpc("DeleteJob", pb.DeleteJobRequest, pb.DeleteJobResponse)
RESUME = Rpc("Resume", pb.ResumeRequest, pb.ResumeResponse)
LIST_PIPELINES = Rpc("ListPipelines", pb.ListPipelinesRequest, pb.ListPipelinesResponse)
LIST_WORKERS = Rpc("ListWorkers", pb.ListWorkersRequest, pb.ListWorkersResponse)
DRAIN_WORKER = Rpc("DrainWorker", pb.DrainWorkerRequest, pb.DrainWorkerResponse)
GET_STATS = Rpc("GetStats", pb.GetStatsRequest, pb.GetStatsResponse)
LIST_QUEUES = Rpc("ListQueues", pb.ListQueuesRequest, pb.ListQueuesResponse)
LIST_AUDIT_EVENTS = Rpc("ListAuditEvents", pb.ListAuditEventsRequest, pb.ListAuditEventsResponse)
PAUSE_QUEUE = Rpc("PauseQueue", pb.PauseQueueRequest, pb.PauseQueueResponse)
RESUME_QUEUE = Rpc("ResumeQueue", pb.ResumeQueueRequest, pb.ResumeQueueResponse)
UPDATE_QUEUE = Rpc("UpdateQueue", pb.UpdateQueueRequest, pb.UpdateQueueResponse)
LIST_DEAD_LETTERS = Rpc("ListDeadLetters", pb.ListDeadLettersRequest, pb.ListDeadLettersResponse)
REQUEUE_DEAD_LETTERS = Rpc("RequeueDeadLetters", pb.RequeueDeadLettersRequest, pb.RequeueDeadLettersResponse)
DISCARD_DEAD_LETTERS = Rpc("DiscardDeadLetters", pb.DiscardDeadLettersRequest, pb.DiscardDeadLettersResponse)
LIST_ERROR_GROUPS = Rpc("ListErrorGroups", pb.ListErrorGroupsRequest, pb.ListErrorGroupsResponse)
WATCH_PROGRESS = Rpc("WatchProgress", pb.WatchProgressRequest, pb.WatchProgressResponse, streams=True)

#: Safe to send twice: they read, carry a request_id that the SDK always sets, or do nothing the second time.
RETRIED = (
    START_BUILD,
    GET_JOB,
    EXPLAIN_JOB,
    LIST_JOBS,
    LIST_STEPS,
    GET_STEP,
    LIST_EVENTS,
    CANCEL,
    RETRY,
    BATCH_CANCEL,
    BATCH_RETRY,
    PAUSE,
    RESUME,
    LIST_PIPELINES,
    LIST_WORKERS,
    DRAIN_WORKER,
    GET_STATS,
    LIST_QUEUES,
    LIST_AUDIT_EVENTS,
    PAUSE_QUEUE,
    RESUME_QUEUE,
    UPDATE_QUEUE,
    LIST_DEAD_LETTERS,
    REQUEUE_DEAD_LETTERS,
    DISCARD_DEAD_LETTERS,
    LIST_ERROR_GROUPS,
)
