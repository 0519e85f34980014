"""Jobs and their progress as messages."""

from __future__ import annotations

from collections.abc import Iterable

from jobcontrol import v1 as pb
from jobcontrol_core.domain.progress import StageProgress, TimeLeft
from jobcontrol_core.domain.values import DocumentRef, Job, JobError
from jobcontrol_server.rpc.encoding.plain import JOB_STATUS, to_duration, to_struct, to_timestamp
from jobcontrol_server.rpc.encoding.steps import to_step

#: What a job's tenant is called where tenants are not used.
DEFAULT_TENANT = "default"


def to_job(job: Job) -> pb.Job:
    return pb.Job(
        job_id=job.id,
        path_id=job.path_id,
        title=job.title,
        pipeline=job.pipeline,
        pipeline_version=job.pipeline_version,
        tenant=job.tenant or DEFAULT_TENANT,
        status=JOB_STATUS[job.status],
        status_reason=job.status_reason,
        status_actor=job.status_actor,
        current_stage=job.current_stage,
        progress=to_progress(job.percent, job.stages),
        error=_to_error(job.error),
        error_count=job.error_count,
        parameters=to_struct(job.parameters),
        document=_to_document(job.document),
        labels=job.labels,
        priority=job.priority,
        triggered_by=job.triggered_by,
        retry_of=job.retry_of or "",
        waits_for=job.waits_for or "",
        waiting_message=_stopping_message(job),
        timeout=to_duration(job.timeout) if job.timeout else None,
        reused_steps=job.reused_steps,
        attempt=job.attempt,
        result_media_types=job.result_types,
        created_at=to_timestamp(job.created_at),
        updated_at=to_timestamp(job.updated_at),
        started_at=to_timestamp(job.started_at),
        completed_at=to_timestamp(job.completed_at),
        last_sequence=job.last_sequence,
        etag=job.etag,
        missing=map(to_step, job.missing),
        time_left=_to_time_left(job.time_left),
    )


def _stopping_message(job: Job) -> str:
    """What a stopping job still waits for."""
    if job.stopping is None or job.status.has_ended:
        return ""
    running = sum(stage.counts.active for stage in job.stages)
    if not running:
        # The last stage is none of these, and the sweep may be under way.
        return "it is being stopped"
    return f"{running} running {'step' if running == 1 else 'steps'} to stop"


def to_progress(percent: int, stages: Iterable[StageProgress]) -> pb.JobProgress:
    return pb.JobProgress(percent=percent, stages=[_to_stage(stage) for stage in stages])


def _to_time_left(left: TimeLeft | None) -> pb.TimeLeft | None:
    if left is None:
        return None
    return pb.TimeLeft(p50=to_duration(left.p50), p90=to_duration(left.p90), sample_count=left.samples)


def _to_stage(stage: StageProgress) -> pb.StageProgress:
    counts = stage.counts
    return pb.StageProgress(
        stage=stage.name,
        weight=stage.weight,
        total=counts.total,
        total_expected=stage.steps_expected,
        total_final=stage.is_total_final,
        pending=counts.pending,
        active=counts.active,
        completed=counts.completed,
        failed=counts.failed,
        skipped=counts.skipped,
        items=counts.items,
        items_expected=stage.items_expected,
        items_final=stage.are_items_final,
        started_at=to_timestamp(stage.times.started_at),
        completed_at=to_timestamp(stage.times.completed_at),
    )


def _to_error(error: JobError | None) -> pb.JobError | None:
    if error is None:
        return None
    return pb.JobError(type=error.type, message=error.message, step_id=error.step_id, stage=error.stage)


def _to_document(document: DocumentRef | None) -> pb.DocumentInfo | None:
    if document is None:
        return None
    return pb.DocumentInfo(
        sha256=document.sha256, media_type=document.media_type, file_name=document.name, size_bytes=document.size
    )
