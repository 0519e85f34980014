"""From the contract's messages to the SDK's values; no input or output."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import v1 as pb
from jobcontrol.values import (
    Attempt,
    DocumentInfo,
    Failure,
    JobState,
    JobStatus,
    PipelineInfo,
    PipelineStage,
    StageProgress,
    Step,
    StepDetail,
    StepLog,
    StepStatus,
    TimeLeft,
)


def to_job_state(job: pb.Job) -> JobState:
    """A job, whole."""
    return JobState(
        job_id=job.job_id,
        path_id=job.path_id,
        title=job.title,
        pipeline=job.pipeline,
        pipeline_version=job.pipeline_version,
        status=to_job_status(job.status),
        status_reason=job.status_reason,
        status_actor=job.status_actor,
        current_stage=job.current_stage,
        percent=job.progress.percent,
        stages=to_stages(job.progress),
        error=_to_failure(job.error) if job.HasField("error") else None,
        error_count=job.error_count,
        waiting_message=job.waiting_message,
        parameters=to_object(job.parameters),
        document=_to_document(job.document) if job.HasField("document") else None,
        labels=dict(job.labels),
        triggered_by=job.triggered_by,
        retry_of=job.retry_of,
        time_left=_to_time_left(job.time_left) if job.HasField("time_left") else None,
        priority=job.priority,
        retried_as=job.retried_as,
        reused_steps=job.reused_steps,
        attempt=job.attempt,
        result_media_types=tuple(job.result_media_types),
        created_at=time_of(job, "created_at"),
        updated_at=time_of(job, "updated_at"),
        started_at=time_of(job, "started_at"),
        completed_at=time_of(job, "completed_at"),
        last_sequence=job.last_sequence,
        waits_for=job.waits_for,
        etag=job.etag,
        url=job.url,
        missing=tuple(map(to_step, job.missing)),
    )


def _to_time_left(left: pb.TimeLeft) -> TimeLeft:
    return TimeLeft(left.p50.ToTimedelta(), left.p90.ToTimedelta(), left.sample_count)


def to_stages(progress: pb.JobProgress) -> tuple[StageProgress, ...]:
    """The weighted stages in pipeline order."""
    return tuple(
        StageProgress(
            stage=stage.stage,
            weight=stage.weight,
            total=stage.total,
            total_expected=stage.total_expected,
            total_final=stage.total_final,
            pending=stage.pending,
            active=stage.active,
            completed=stage.completed,
            failed=stage.failed,
            skipped=stage.skipped,
            items=stage.items,
            items_expected=stage.items_expected,
            items_final=stage.items_final,
            started_at=time_of(stage, "started_at"),
            completed_at=time_of(stage, "completed_at"),
        )
        for stage in progress.stages
    )


def to_step(step: pb.Step) -> Step:
    """A step as it stands in lists and events."""
    return Step(
        step_id=step.step_id,
        job_id=step.job_id,
        stage=step.stage,
        key=step.key,
        label=step.label,
        status=to_step_status(step.status),
        parent_step_id=step.parent_step_id,
        ordinal=step.ordinal,
        sibling_total=step.sibling_total,
        attempt=step.attempt,
        tries=step.tries,
        max_attempts=step.max_attempts,
        item_count=step.item_count,
        reused_from=step.reused_from,
        failure_reason=enum_word(pb.StepFailureReason, step.failure_reason, "STEP_FAILURE_REASON_"),
        error=_step_failure(step),
        skip_reason=step.skip_reason,
        created_at=time_of(step, "created_at"),
        started_at=time_of(step, "started_at"),
        completed_at=time_of(step, "completed_at"),
        next_attempt_at=time_of(step, "next_attempt_at"),
        run_duration=step.run_duration.ToTimedelta(),
        progress_fraction=step.progress_fraction if step.HasField("progress_fraction") else None,
        progress_note=step.progress_note,
        stop_receipt=enum_word(pb.StopReceipt, step.stop_receipt, "STOP_RECEIPT_"),
    )


def to_step_detail(answer: pb.GetStepResponse) -> StepDetail:
    """A step, whole."""
    return StepDetail(
        step=to_step(answer.step),
        input=_json_of(answer.input),
        output=_json_of(answer.output),
        attempts=tuple(_to_attempt(attempt) for attempt in answer.attempts),
        logs=tuple(StepLog(log.attempt, log.line, log.message, time_of(log, "created_at")) for log in answer.logs),
        history_pruned_at=time_of(answer, "history_pruned_at"),
    )


def to_pipeline(pipeline: pb.Pipeline) -> PipelineInfo:
    """A pipeline with its stages, `finalize` last."""
    return PipelineInfo(
        pipeline=pipeline.pipeline,
        version=pipeline.version,
        description=pipeline.description,
        input_schema=to_object(pipeline.input_schema),
        document=enum_word(pb.DocumentRequirement, pipeline.document, "DOCUMENT_REQUIREMENT_"),
        document_media_types=tuple(pipeline.document_media_types),
        has_sample=pipeline.has_sample,
        stages=tuple(_to_pipeline_stage(stage) for stage in pipeline.stages),
    )


def _to_pipeline_stage(stage: pb.PipelineStage) -> PipelineStage:
    return PipelineStage(
        stage=stage.stage,
        queue=stage.queue,
        weight=stage.weight,
        version=stage.version,
        concurrency=stage.concurrency,
        on_failure=enum_word(pb.FailurePolicy, stage.failure_policy, "FAILURE_POLICY_"),
        tolerated_share=stage.tolerated_share,
    )


def to_job_status(number: int) -> JobStatus:
    """The status; UNKNOWN for one that came after this version."""
    word = enum_word(pb.JobStatus, number, "JOB_STATUS_")
    return next((status for status in JobStatus if status == word), JobStatus.UNKNOWN)


def to_step_status(number: int) -> StepStatus:
    """The status; UNKNOWN for one that came after this version."""
    word = enum_word(pb.StepStatus, number, "STEP_STATUS_")
    return next((status for status in StepStatus if status == word), StepStatus.UNKNOWN)


def enum_word(enum: Any, number: int, prefix: str) -> str:
    """An enum value's name in lower case without its type's prefix; empty for unset and for one unknown here."""
    if number == 0 or number not in enum.values():
        return ""
    return str(enum.Name(number)).removeprefix(prefix).lower()


def to_time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)


def time_of(message: Any, field: str) -> datetime | None:
    """The time in a field, None where it is unset."""
    return to_time(getattr(message, field)) if message.HasField(field) else None


def to_object(struct: Struct) -> dict[str, Any]:
    """A Struct as a JSON object; integral numbers, which the wire knows only as doubles, become ints again."""
    return {name: _to_json(value) for name, value in MessageToDict(struct).items()}


def to_seconds(duration: Duration) -> float:
    return duration.ToTimedelta().total_seconds()


def _to_json(value: Any) -> Any:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, list):
        return [_to_json(member) for member in value]
    if isinstance(value, dict):
        return {name: _to_json(member) for name, member in value.items()}
    return value


def _to_failure(error: pb.JobError) -> Failure:
    return Failure(error.type, error.message, error.stage, error.step_id)


def _step_failure(step: pb.Step) -> Failure | None:
    if not step.HasField("error"):
        return None
    return Failure(step.error.type, step.error.message, step.stage, step.step_id)


def _to_document(document: pb.DocumentInfo) -> DocumentInfo:
    return DocumentInfo(document.sha256, document.media_type, document.file_name, document.size_bytes)


def _to_attempt(attempt: pb.StepAttempt) -> Attempt:
    error = Failure(attempt.error.type, attempt.error.message) if attempt.HasField("error") else None
    return Attempt(
        attempt=attempt.attempt,
        outcome=enum_word(pb.AttemptOutcome, attempt.outcome, "ATTEMPT_OUTCOME_"),
        used_try=attempt.used_try,
        error=error,
        traceback=attempt.traceback,
        worker_id=attempt.worker_id,
        started_at=time_of(attempt, "started_at"),
        completed_at=time_of(attempt, "completed_at"),
    )


def _json_of(text: bytes) -> Any:
    return json.loads(text) if text else None
