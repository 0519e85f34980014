"""Decoding: requests of the contract as the core's values."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import v1 as pb
from jobcontrol_core.domain.comparisons import parse_filter
from jobcontrol_core.domain.errors import FilterInvalid
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.moments import from_micros, to_micros
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import Job, PipelineSpec, Step
from jobcontrol_core.store.audit import AuditCursor, AuditEvent, AuditFilter, Order
from jobcontrol_core.store.builds import NewBuild, NewDocument
from jobcontrol_core.store.eventlog import Place
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.letters import DeadLetter, GroupCursor, LetterCursor, LetterFilter
from jobcontrol_core.store.lookup import JobCursor
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_core.store.retries import NewRetry
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.encoding.plain import JOB_STATUS, STEP_STATUS
from jobcontrol_server.rpc.pages import SortKey
from jobcontrol_server.rpc.validation import media_type_of, to_dict
from jobcontrol_server.watch.hub import ManyWatch, Watch

SAMPLE_NAME = "sample"
USUAL_HEARTBEAT, SHORTEST_HEARTBEAT, LONGEST_HEARTBEAT = 15.0, 1.0, 60.0
#: The last microsecond of the year 9999.
LATEST = 253_402_300_799_999_999

_JOB_STATUS: Mapping[int, JobStatus] = {int(number): status for status, number in JOB_STATUS.items()}
_STEP_STATUS: Mapping[int, StepStatus] = {int(number): status for status, number in STEP_STATUS.items()}

Idempotent = (
    pb.StartBuildRequest
    | pb.CancelRequest
    | pb.RetryRequest
    | pb.BatchCancelRequest
    | pb.BatchRetryRequest
    | pb.RequeueDeadLettersRequest
    | pb.DiscardDeadLettersRequest
)


def request_key(request: Idempotent, caller: Caller) -> RequestKey:
    """What makes two calls the same: the tenant, the request id, and everything else in the request."""
    rest = copy.copy(request)
    rest.ClearField("request_id")
    content = rest.SerializeToString(deterministic=True)
    return RequestKey.of(caller.tenant, request.request_id, request.DESCRIPTOR.name, content)


def order_of(request: Any, caller: Caller) -> Order:
    """What the audit log tells of the caller of a request."""
    return Order(
        caller.tenant,
        caller.actor,
        reason=getattr(request, "reason", ""),
        request_id=getattr(request, "request_id", ""),
        peer=caller.peer,
    )


def to_new_build(request: pb.StartBuildRequest, pipeline: PipelineSpec, caller: Caller) -> NewBuild:
    """The build that a valid request asks for."""
    return NewBuild(
        tenant=caller.tenant,
        path_id=request.path_id,
        pipeline=_with_retry(pipeline, request.retry_policy) if request.HasField("retry_policy") else pipeline,
        key=request_key(request, caller),
        title=request.title,
        parameters=to_dict(request.parameters),
        labels=dict(request.labels),
        document=_to_document(request.document, pipeline) if request.HasField("document") else None,
        triggered_by=caller.actor,
        use_existing=request.conflict_policy == pb.CONFLICT_POLICY_USE_EXISTING,
        replaces_existing=request.conflict_policy == pb.CONFLICT_POLICY_CANCEL_EXISTING,
        timeout=request.timeout.ToTimedelta() if request.HasField("timeout") else None,
        priority=request.priority,
    )


def _with_retry(pipeline: PipelineSpec, policy: pb.RetryPolicy) -> PipelineSpec:
    """The pipeline with every stage retried as `policy` says; what it leaves unset stays the stage's own."""
    return replace(
        pipeline, stages=tuple(replace(stage, retry=_to_retry(policy, stage.retry)) for stage in pipeline.stages)
    )


def _to_retry(policy: pb.RetryPolicy, own: RetryPolicy) -> RetryPolicy:
    base = _seconds(policy.initial_backoff) if policy.HasField("initial_backoff") else own.base
    longest = _seconds(policy.max_backoff) if policy.HasField("max_backoff") else max(own.max_delay, base)
    return RetryPolicy(policy.max_attempts or own.max_attempts, base, policy.multiplier or own.factor, longest)


def _seconds(span: Duration) -> float:
    return span.ToTimedelta().total_seconds()


def to_new_retry(request: pb.RetryRequest, job: Job, pipeline: PipelineSpec | None, caller: Caller) -> NewRetry:
    """The retry of `job` that a valid request asks for; `pipeline` is there if it brings other input."""
    document = request.document if request.HasField("document") and pipeline is not None else None
    return NewRetry(
        tenant=caller.tenant,
        job_id=job.id,
        key=request_key(request, caller),
        actor=caller.actor,
        reason=request.reason,
        from_scratch=request.mode == pb.RETRY_MODE_FROM_SCRATCH,
        etag=request.etag,
        parameters=to_dict(request.parameters) if request.HasField("parameters") else None,
        document=_to_document(document, pipeline) if document is not None and pipeline is not None else None,
    )


def to_job_filter(given: pb.ListJobsRequest | pb.JobFilter, path: str = "") -> JobFilter:
    """The conditions of a list or of a batch; `path` leads to them in the request. Raises FilterInvalid."""
    try:
        comparisons = parse_filter(given.filter)
    except ValueError as fault:
        raise FilterInvalid(f"{path}filter", str(fault)) from None
    return JobFilter(
        statuses=tuple(_JOB_STATUS[status] for status in given.status),
        path_id=given.path_id,
        pipeline=given.pipeline,
        has_failed_steps=given.has_failed_steps if given.HasField("has_failed_steps") else None,
        words=tuple(given.query.split()),
        comparisons=comparisons,
        labels=dict(given.labels),
        since=_bound(given.created.start_time) if given.created.HasField("start_time") else None,
        until=_bound(given.created.end_time) if given.created.HasField("end_time") else None,
    )


def to_listed(request: pb.ListJobsRequest) -> JobFilter:
    """The jobs that a list is to hold. Raises FilterInvalid."""
    least = request.min_priority if request.HasField("min_priority") else None
    return replace(to_job_filter(request), min_priority=least)


def to_step_statuses(request: pb.ListStepsRequest) -> tuple[StepStatus, ...]:
    return tuple(_STEP_STATUS[status] for status in request.status)


def to_watch(request: pb.WatchProgressRequest, caller: Caller) -> Watch:
    return Watch(
        tenant=caller.tenant,
        job_id=request.job_id,
        after=_after(request),
        heartbeat=_to_heartbeat(request),
    )


def to_many_watch(request: pb.WatchJobsRequest, caller: Caller) -> ManyWatch:
    """Raises FilterInvalid."""
    return ManyWatch(
        tenant=caller.tenant,
        positions=tuple((position.job_id, _after(position)) for position in request.positions),
        wanted=to_job_filter(request.filter, "filter.") if request.HasField("filter") else None,
        heartbeat=_to_heartbeat(request),
    )


def _after(position: pb.WatchProgressRequest | pb.WatchPosition) -> int | None:
    return position.after_sequence if position.HasField("after_sequence") else None


def job_key(job: Job) -> SortKey:
    """Where a job stands in the list of jobs."""
    return [to_micros(job.created_at), job.id]


def to_job_cursor(key: SortKey | None) -> JobCursor | None:
    return None if key is None else JobCursor(_moment(key[0]), str(key[1]))


def step_key(step: Step) -> SortKey:
    """Where a step stands in the list of its job's steps."""
    return [step.stage_no, step.position]


def to_step_cursor(key: SortKey | None) -> tuple[int, str] | None:
    return None if key is None else (int(key[0]), str(key[1]))


def to_place(key: SortKey | None) -> Place | None:
    """Where a page of a job's log goes on."""
    return None if key is None else (int(key[0]), int(key[1]))


def letter_key(letter: DeadLetter) -> SortKey:
    """Where a dead letter stands in the list of them."""
    return [to_micros(letter.created_at), letter.id]


def to_letter_cursor(key: SortKey | None) -> LetterCursor | None:
    return None if key is None else LetterCursor(_moment(key[0]), str(key[1]))


def audit_key(event: AuditEvent) -> SortKey:
    """Where an event stands in the audit log."""
    return [to_micros(event.created_at), event.id]


def to_audit_cursor(key: SortKey | None) -> AuditCursor | None:
    return None if key is None else AuditCursor(_moment(key[0]), str(key[1]))


def to_audit_filter(request: pb.ListAuditEventsRequest) -> AuditFilter:
    span = request.created
    return AuditFilter(
        resource=request.resource,
        actor=request.actor,
        actions=tuple(request.actions),
        since=_bound(span.start_time) if span.HasField("start_time") else None,
        until=_bound(span.end_time) if span.HasField("end_time") else None,
    )


def to_group_cursor(key: SortKey | None) -> GroupCursor | None:
    return None if key is None else GroupCursor(int(key[0]), str(key[1]))


def to_letter_filter(job_id: str, span: pb.TimeRange, *, queue: str = "", fingerprint: str = "") -> LetterFilter:
    """Dead letters of the job with this full id, if there is one, given up within the span."""
    return LetterFilter(
        queue=queue,
        job_id=job_id,
        fingerprint=fingerprint,
        since=_bound(span.start_time) if span.HasField("start_time") else None,
        until=_bound(span.end_time) if span.HasField("end_time") else None,
    )


def _bound(stamp: Timestamp) -> datetime:
    """The first microsecond that is not before a moment; moments that no datetime holds are as far as one goes."""
    micros = stamp.seconds * 1_000_000 - (-stamp.nanos // 1_000)
    return from_micros(min(max(micros, 0), LATEST))


def _moment(micros: int) -> datetime:
    return from_micros(micros)


def _to_document(document: pb.Document, pipeline: PipelineSpec) -> NewDocument:
    if document.sample:
        assert pipeline.sample is not None
        return NewDocument(pipeline.sample, media_type_of(document, pipeline), SAMPLE_NAME)
    return NewDocument(document.content, media_type_of(document, pipeline), document.file_name)


def _to_heartbeat(request: pb.WatchProgressRequest | pb.WatchJobsRequest) -> float:
    if not request.HasField("heartbeat_interval"):
        return USUAL_HEARTBEAT
    return min(max(_seconds(request.heartbeat_interval), SHORTEST_HEARTBEAT), LONGEST_HEARTBEAT)
