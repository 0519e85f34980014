"""The jobs that a batch may take: those that a filter finds, and what speaks against one that is named."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection, TextClause, and_, func, or_, select

from jobcontrol_core.domain.errors import DomainError, JobNotRetryable, JobTerminal, PathBuildActive
from jobcontrol_core.domain.lifecycle import ENDED_JOB, JobStatus
from jobcontrol_core.store.builds import find_active_job
from jobcontrol_core.store.jobfilters import JobFilter, conditions_of
from jobcontrol_core.store.retries import is_retryable
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import IS_ACTIVE, jobs

Condition = ColumnElement[bool] | TextClause

_later = jobs.alias("later")
_HAS_LATER = (
    select(_later.c.id)
    .where(
        _later.c.tenant == jobs.c.tenant,
        _later.c.path_id == jobs.c.path_id,
        # By the database's clock: ids are made by that of some server.
        _later.c.created_at >= jobs.c.created_at,
        or_(_later.c.created_at > jobs.c.created_at, _later.c.id > jobs.c.id),
        _later.c.deleted_at.is_(None),
    )
    .exists()
)
#: Jobs that a cancel changes.
CANCELLABLE: Condition = and_(IS_ACTIVE, jobs.c.stopping_because.is_(None))
#: Jobs that can be retried and were the last to build their path: what came after another's end took its place.
RETRYABLE: Condition = and_(
    jobs.c.status.in_(ENDED_JOB), or_(jobs.c.status != JobStatus.COMPLETED, jobs.c.error_count > 0), ~_HAS_LATER
)


def find_candidates(tx: Connection, tenant: str, wanted: JobFilter, takes: Condition, *, limit: int) -> list[str]:
    """The ids of up to `limit` jobs that the filter finds and the batch takes, oldest first."""
    found = select(jobs.c.id).where(conditions_of(tenant, wanted), takes)
    found = found.order_by(jobs.c.created_at, jobs.c.id).limit(limit)
    return list(tx.execute(found).scalars())


def count_candidates(
    tx: Connection, tenant: str, wanted: JobFilter, takes: Condition, *, but: Sequence[str] = ()
) -> int:
    """How many they are, those of `but` left out."""
    others = jobs.c.id.not_in(but)
    counted = select(func.count()).select_from(jobs).where(conditions_of(tenant, wanted), takes, others)
    return int(tx.execute(counted).scalar_one())


def cancel_refusals(tx: Connection, job_ids: Sequence[str]) -> dict[str, DomainError]:
    """Which of these jobs cannot be cancelled now, and why."""
    refusals: dict[str, DomainError] = {}
    for row in _read(tx, job_ids):
        if JobStatus(row["status"]).has_ended:
            refusals[row["id"]] = JobTerminal(row["id"], row["status"])
    return refusals


def retry_refusals(tx: Connection, job_ids: Sequence[str]) -> dict[str, DomainError]:
    """Which of these jobs cannot be retried now, one after the other, and why."""
    refusals: dict[str, DomainError] = {}
    taken: dict[str, tuple[str, int]] = {}
    for row in _read(tx, job_ids):
        path_id = row["path_id"]
        if not is_retryable(row):
            refusals[row["id"]] = JobNotRetryable(row["id"], JobStatus(row["status"]))
            continue
        active = find_active_job(tx, row["tenant"], path_id)
        holder = (active["id"], active["percent"]) if active is not None else taken.get(path_id)
        if holder is not None:
            refusals[row["id"]] = PathBuildActive(path_id, *holder)
        taken.setdefault(path_id, (row["id"], 0))
    return refusals


def _read(tx: Connection, job_ids: Sequence[str]) -> list[Row]:
    """These jobs, in this order."""
    columns = select(jobs.c.id, jobs.c.tenant, jobs.c.path_id, jobs.c.status, jobs.c.error_count)
    rows = {row["id"]: row for row in tx.execute(columns.where(jobs.c.id.in_(job_ids))).mappings()}
    return [rows[job_id] for job_id in job_ids if job_id in rows]
