"""Rows of the tables as domain values."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from jobcontrol_core.domain.errors import EtagMismatch
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus, Stopping, StopReceipt
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.progress import StageCounts, StageProgress, StageTimes, current_stage_of, project_stages
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.stored import from_stored, member_or_none
from jobcontrol_core.domain.values import FINALIZE, DocumentRef, ErrorInfo, Job, JobError, StageSpec, Step, etag_of

#: A row by column name; also accepts the plain dict that is about to be inserted.
Row = Mapping[Any, Any]


def to_job(row: Row, stage_rows: Iterable[Row]) -> Job:
    """A row of `jobs` and its rows of `job_stages`, in order."""
    stages = to_progress(stage_rows)
    status = JobStatus(row["status"])
    return Job(
        id=row["id"],
        tenant=row["tenant"],
        path_id=row["path_id"],
        title=row["title"],
        pipeline=row["pipeline"],
        pipeline_version=row["pipeline_version"],
        status=status,
        stopping=Stopping(row["stopping_because"]) if row["stopping_because"] else None,
        status_reason=row["status_reason"],
        status_actor=row["status_actor"],
        parameters=row["parameters"],
        labels=row["labels"],
        priority=row["priority"],
        document=to_document(row),
        percent=row["percent"],
        stages=stages,
        current_stage="" if status.has_ended else current_stage_of(stages) or FINALIZE,
        error=from_stored(JobError, row["error"]) if row["error"] else None,
        error_count=row["error_count"],
        reused_steps=row["reused_steps"],
        triggered_by=row["triggered_by"],
        retry_of=row["retry_of"],
        waits_for=row["waits_for"],
        timeout=row["deadline_at"] - row["created_at"] if row["deadline_at"] else None,
        attempt=row["attempt"],
        result_types=tuple(row["results"]),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        last_sequence=row["last_sequence"],
        revision=row["revision"],
        history_pruned_at=row["history_pruned_at"],
    )


def require_etag(row: Row, etag: str) -> None:
    """Raise EtagMismatch if a caller named an etag and this row of `jobs`, locked or ended, has another one."""
    current = etag_of(row["id"], row["revision"])
    if etag and etag != current:
        raise EtagMismatch(row["id"], row["status"], current)


def to_document(row: Row) -> DocumentRef | None:
    """The document columns of a row of `jobs`."""
    if row["document_sha256"] is None:
        return None
    return DocumentRef(row["document_sha256"], row["document_media_type"], row["document_name"], row["document_size"])


def to_counts(row: Row) -> StageCounts:
    """The counters of a row of `job_stages`."""
    return StageCounts(row["total"], row["active"], row["completed"], row["failed"], row["skipped"], row["items"])


def to_times(row: Row) -> StageTimes:
    """When a stage began and ended, of a row of `job_stages`."""
    return StageTimes(row["started_at"], row["completed_at"])


def to_progress(stage_rows: Iterable[Row]) -> tuple[StageProgress, ...]:
    """The weighted stages of a job, from its rows of `job_stages` in order."""
    rows = [row for row in stage_rows if row["name"] != FINALIZE]
    return project_stages(
        [(row["name"], row["weight"], to_counts(row)) for row in rows], [to_times(row) for row in rows]
    )


def to_stage_spec(row: Row) -> StageSpec:
    """The copy of a stage that a job carries. `concurrency` is the worker's own and not copied: 1."""
    return StageSpec(
        number=row["stage_no"],
        name=row["name"],
        queue=row["queue"],
        version=row["version"],
        weight=row["weight"],
        concurrency=1,
        retry=from_stored(RetryPolicy, row["retry"]),
        tolerated_share=row["tolerated_share"],
    )


def to_limits(row: Row) -> QueueLimits:
    """The limits in force of a row of `queues`: what an operator chose, else what the pipelines declare."""
    return from_stored(QueueLimits, row["declared"] if row["chosen"] is None else row["chosen"])


def to_step(row: Row) -> Step:
    """A row of `steps`, without input and output."""
    return Step(
        id=row["id"],
        job_id=row["job_id"],
        stage=row["stage"],
        stage_no=row["stage_no"],
        parent_id=row["parent_id"],
        key=row["key"],
        label=row["label"],
        position=row["position"],
        ordinal=row["ordinal"],
        sibling_total=row["sibling_total"],
        status=StepStatus(row["status"]),
        attempt=row["attempt"],
        tries=row["tries"],
        failure=member_or_none(FailureReason, row["failure"]),
        error=from_stored(ErrorInfo, row["error"]) if row["error"] else None,
        item_count=row["item_count"],
        run_time=timedelta(microseconds=row["run_micros"]),
        reused_from=row["reused_from"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        completed_at=row["completed_at"],
        next_attempt_at=row["next_attempt_at"],
        progress_fraction=row["progress_fraction"],
        progress_note=row["progress_note"],
        stop_receipt=member_or_none(StopReceipt, row["stop_receipt"]),
    )
