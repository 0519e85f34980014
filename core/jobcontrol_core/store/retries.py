"""Retry: a new job that takes over what an ended one completed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, func, insert, literal, null, select

from jobcontrol_core.domain.errors import JobNotFound, JobNotRetryable, PathBuildActive
from jobcontrol_core.domain.events import StatusChange
from jobcontrol_core.domain.ids import TIME_PREFIX_LENGTH, new_id, short_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.births import bear_finalize, bear_root
from jobcontrol_core.store.blobs import copy_uses, put_blobs
from jobcontrol_core.store.builds import NewDocument, Started, document_columns, find_active_job, insert_job
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.requests import RequestKey, claim_request
from jobcontrol_core.store.rows import Row, require_etag
from jobcontrol_core.store.tables import job_stages, jobs, steps


@dataclass(frozen=True, slots=True)
class NewRetry:
    """What Retry asks for. `from_scratch` = every step again; `etag`, if given, is the old job's.

    `parameters` and `document`, where given, take the place of the old job's, and need `from_scratch`.
    """

    tenant: str
    job_id: str
    key: RequestKey
    actor: str
    reason: str = ""
    from_scratch: bool = False
    etag: str = ""
    parameters: Mapping[str, Any] | None = None
    document: NewDocument | None = None


@dataclass(frozen=True, slots=True)
class RetryPlan:
    """What a retry takes over, and which of the steps that are known it does again."""

    reused_steps: int
    rerun_steps: int


def retry_job(tx: Connection, retry: NewRetry) -> Started:
    """Create a job with `retry_of` the old one, whose completed steps it takes over with their outputs.

    The old job never changes again. Raises JobNotFound; JobNotRetryable unless it is FAILED, CANCELLED, or
    COMPLETED with failed steps; EtagMismatch; PathBuildActive if the path is being built; RequestIdReused.
    """
    now = read_now(tx)
    job_id = new_id()
    if (first := claim_request(tx, now, retry.key, job_id)) is not None:
        return Started(first.job_id, first.is_existing)
    # An ended job never changes, but it may be deleted; who retries it at the same time need not wait.
    kept = select(jobs).where(jobs.c.id == retry.job_id, jobs.c.deleted_at.is_(None)).with_for_update(read=True)
    old = tx.execute(kept).mappings().one_or_none()
    if old is None:
        raise JobNotFound(retry.job_id)
    if not is_retryable(old):
        raise JobNotRetryable(old["id"], JobStatus(old["status"]))
    require_etag(old, retry.etag)
    while not insert_job(tx, _job_row(old, job_id, now, retry)):
        if (active := find_active_job(tx, retry.tenant, old["path_id"])) is not None:
            raise PathBuildActive(old["path_id"], active["id"], active["percent"])
    if retry.document is not None:
        put_blobs(tx, now, [(job_id, retry.document.content)])
    _copy_stages(tx, old["id"], job_id)
    if not retry.from_scratch:
        _copy_steps(tx, now, old["id"], job_id)
    copy_uses(tx, job_id)
    return Started(job_id, is_existing=False, committed=_write_first_event(tx, now, job_id, retry))


def read_plan(tx: Connection, job_id: str) -> RetryPlan:
    """What the retry with this id takes over and does again, as it has just been made."""
    counted = select(
        func.count(steps.c.reused_from), func.sum(case((steps.c.status == StepStatus.PENDING, 1), else_=0))
    )
    reused, rerun = tx.execute(counted.where(steps.c.job_id == job_id)).one()
    return RetryPlan(int(reused), int(rerun))


def _write_first_event(tx: Connection, now: datetime, job_id: str, retry: NewRetry) -> tuple[Any, ...]:
    ledger = Ledger.open(tx, now, [job_id])
    entry = ledger.entries[job_id]
    entry.change = StatusChange(None, JobStatus.PENDING, retry.actor, retry.reason)
    entry.values["reused_steps"] = _count_copies(tx, entry)
    if entry.counts[0].total == 0:
        bear_root(ledger, entry)
    elif entry.open_steps == 0:
        bear_finalize(ledger, entry)
    return ledger.settle()


def is_retryable(old: Row) -> bool:
    """Whether a job, by its row, has ended with something left to do."""
    status = JobStatus(old["status"])
    is_whole = status is JobStatus.COMPLETED and old["error_count"] == 0
    return status.has_ended and not is_whole


def _job_row(old: Row, job_id: str, now: datetime, retry: NewRetry) -> dict[str, Any]:
    taken_over = (
        "tenant", "path_id", "title", "pipeline", "pipeline_version", "parameters", "labels", "priority",
        "document_sha256", "document_media_type", "document_name", "document_size", "first_job_id",
    )  # fmt: skip
    return {
        **{name: old[name] for name in taken_over},
        **({} if retry.parameters is None else {"parameters": dict(retry.parameters)}),
        **({} if retry.document is None else document_columns(retry.document.ref)),
        "id": job_id,
        "short_id": short_id(job_id),
        "status": JobStatus.PENDING,
        "status_actor": retry.actor,
        "status_reason": retry.reason,
        "results": {},
        "triggered_by": retry.actor,
        "retry_of": old["id"],
        "attempt": old["attempt"] + 1,
        "last_sequence": 0,
        "created_at": now,
        # As much time as the old job had.
        "deadline_at": None if old["deadline_at"] is None else now + (old["deadline_at"] - old["created_at"]),
        "updated_at": now,
    }


def _copy_stages(tx: Connection, old_id: str, job_id: str) -> None:
    same = [
        job_stages.c[name] for name in ("stage_no", "name", "queue", "version", "weight", "retry", "tolerated_share")
    ]
    copied = select(literal(job_id), *same).where(job_stages.c.job_id == old_id)
    tx.execute(insert(job_stages).from_select(["job_id", *(column.name for column in same)], copied))


def _copy_steps(tx: Connection, now: datetime, old_id: str, job_id: str) -> None:
    """Every step but finalize, in one statement: completed ones as they are, all others to run again.

    A copy's id is the original's with the new job's time in front, which keeps it a UUIDv7 and lets parents
    be renamed by the same rule.
    """

    def renamed(column: Any) -> Any:
        return literal(job_id[:TIME_PREFIX_LENGTH]).concat(func.substr(column, TIME_PREFIX_LENGTH + 1))

    is_done = steps.c.status == StepStatus.COMPLETED
    kept = (
        "stage_no",
        "stage",
        "key",
        "label",
        "key_path",
        "position",
        "ordinal",
        "sibling_total",
        "input",
        "input_sha256",
    )
    only_done = ("output", "output_sha256", "started_at", "completed_at")
    columns: dict[str, Any] = {
        "id": renamed(steps.c.id),
        "job_id": literal(job_id),
        "parent_id": renamed(steps.c.parent_id),
        "status": case((is_done, StepStatus.COMPLETED.value), else_=StepStatus.PENDING.value),
        "is_due": literal(True),
        "item_count": case((is_done, steps.c.item_count), else_=0),
        "reused_from": case((is_done, func.coalesce(steps.c.reused_from, steps.c.id)), else_=null()),
        "created_at": literal(now, steps.c.created_at.type),
        **{name: steps.c[name] for name in kept},
        **{name: case((is_done, steps.c[name]), else_=null()) for name in only_done},
    }
    finalize_no = select(func.max(job_stages.c.stage_no)).where(job_stages.c.job_id == old_id).scalar_subquery()
    copied = select(*columns.values()).where(steps.c.job_id == old_id, steps.c.stage_no != finalize_no)
    tx.execute(insert(steps).from_select(list(columns), copied))


def _count_copies(tx: Connection, entry: Entry) -> int:
    """Count what was copied into the job's counters; returns how many steps were taken over."""
    found = tx.execute(
        select(steps.c.stage_no, steps.c.status, func.count(), func.sum(steps.c.item_count))
        .where(steps.c.job_id == entry.job_id)
        .group_by(steps.c.stage_no, steps.c.status)
        .order_by(steps.c.stage_no, steps.c.status)
    )
    reused = 0
    for stage_no, status, count, items in found:
        entry.tell_steps_in_bulk(stage_no, None, StepStatus(status), count=count, items=int(items))
        reused += count if status == StepStatus.COMPLETED else 0
    return reused
