"""Jobs and steps as they are, read and never locked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, func, literal_column, or_, select

from jobcontrol_core.domain.errors import FieldInvalid, JobIdAmbiguous, JobNotFound, StepNotFound, Violation
from jobcontrol_core.domain.ids import SHORT_ID_LENGTH
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.domain.values import Attempt, Build, ErrorInfo, Job, Step, StepLog
from jobcontrol_core.store.blobs import unspill
from jobcontrol_core.store.forecast import read_time_left
from jobcontrol_core.store.jobfilters import JobFilter, conditions_of, is_seen_by
from jobcontrol_core.store.receipts import LISTED
from jobcontrol_core.store.rows import Row, to_document, to_job, to_stage_spec, to_step
from jobcontrol_core.store.tables import job_stages, jobs, step_attempts, step_logs, steps

MIN_SUFFIX = 4
FULL_ID_LENGTH = 36
_CANDIDATES = 5
#: Lines of its log that a step is read with.
LOGS = 1_000
#: Failed steps that a job is read with.
MISSING = 20
#: A literal, as in the index that finds them.
IS_FAILED = steps.c.status == literal_column("'FAILED'")


@dataclass(frozen=True, slots=True)
class JobCursor:
    """The last job of the page before: lists are newest first."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class JobList:
    """The newest jobs of a list by their ids, and those of them that are not as they were known."""

    job_ids: tuple[str, ...]
    changed: tuple[Job, ...]


@dataclass(frozen=True, slots=True)
class StepDetail:
    """A step with its input and output as JSON text, its attempts that did not succeed, and its newest LOGS lines."""

    step: Step
    input: str | None
    output: str | None
    attempts: tuple[Attempt, ...]
    logs: tuple[StepLog, ...] = ()


def resolve_job_id(tx: Connection, tenant: str, given: str) -> str:
    """The full id for an id or any unique ending of at least four characters, in whatever case (RFC 9562).

    Raises JobNotFound, or JobIdAmbiguous naming candidates if the ending fits several jobs.
    """
    if len(given) < MIN_SUFFIX:
        raise JobNotFound(given)
    found = tx.execute(_by_ending(tenant, given.lower()).limit(_CANDIDATES)).scalars().all()
    if not found:
        raise JobNotFound(given)
    if len(found) > 1:
        raise JobIdAmbiguous(given, [str(candidate) for candidate in found])
    return str(found[0])


def get_job(tx: Connection, job_id: str) -> Job:
    """The job with this full id, the first steps that it lacks, and how long it may take. Raises JobNotFound."""
    seen = select(jobs).where(jobs.c.id == job_id, jobs.c.deleted_at.is_(None))
    row = tx.execute(seen).mappings().one_or_none()
    if row is None:
        raise JobNotFound(job_id)
    job = _with_stages(tx, [row])[0]
    if job.error_count:
        job = replace(job, missing=_read_missing(tx, job_id))
    return replace(job, time_left=read_time_left(tx, row)) if job.status is JobStatus.PROCESSING else job


def list_jobs(tx: Connection, tenant: str, wanted: JobFilter, *, after: JobCursor | None, limit: int) -> list[Job]:
    """Up to `limit` jobs, newest first, after the cursor."""
    query = select(jobs).where(conditions_of(tenant, wanted))
    if after is not None:
        older = jobs.c.created_at < after.created_at
        query = query.where(or_(older, and_(jobs.c.created_at == after.created_at, jobs.c.id < after.id)))
    page = query.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)
    return _with_stages(tx, tx.execute(page).mappings().all())


def read_job_list(tx: Connection, tenant: str, wanted: JobFilter, *, known: Mapping[str, int], limit: int) -> JobList:
    """The newest `limit` jobs, and those of them whose last sequence is not the known one."""
    newest = select(jobs.c.id, jobs.c.last_sequence).where(conditions_of(tenant, wanted))
    heads = tx.execute(newest.order_by(jobs.c.created_at.desc(), jobs.c.id.desc()).limit(limit)).all()
    changed = [head.id for head in heads if known.get(head.id) != head.last_sequence]
    rows = tx.execute(select(jobs).where(jobs.c.id.in_(changed))).mappings().all() if changed else []
    return JobList(tuple(head.id for head in heads), tuple(_with_stages(tx, rows)))


def count_jobs(tx: Connection, tenant: str, wanted: JobFilter, *, most: int) -> int:
    """How many jobs there are; `most` may mean more."""
    found = select(jobs.c.id).where(conditions_of(tenant, wanted)).limit(most)
    return int(tx.execute(select(func.count()).select_from(found.subquery())).scalar_one())


def list_steps(
    tx: Connection,
    job_id: str,
    *,
    statuses: Sequence[StepStatus] = (),
    stage: str = "",
    after: tuple[int, str] | None = None,
    limit: int,
) -> list[Step]:
    """Up to `limit` steps by stage, then document order, after the (stage_no, position) `after`."""
    query = select(*LISTED).where(steps.c.job_id == job_id)
    if statuses:
        is_wanted = IS_FAILED if list(statuses) == [StepStatus.FAILED] else steps.c.status.in_(statuses)
        query = query.where(is_wanted)
    if stage:
        query = query.where(steps.c.stage == stage)
    if after is not None:
        stage_no, position = after
        later_here = and_(steps.c.stage_no == stage_no, steps.c.position > position)
        query = query.where(or_(steps.c.stage_no > stage_no, later_here))
    page = query.order_by(steps.c.stage_no, steps.c.position).limit(limit)
    return [to_step(row) for row in tx.execute(page).mappings()]


def get_step(tx: Connection, job_id: str, step_id: str) -> StepDetail:
    """One step of this job, whole, by its id or an ending of it that no other of the job's steps has.

    Raises StepNotFound, or FieldInvalid if the ending fits several steps.
    """
    full_id = resolve_step_id(tx, job_id, step_id)
    row = tx.execute(select(*LISTED, steps.c.input, steps.c.output).where(steps.c.id == full_id)).mappings().one()
    return StepDetail(
        to_step(row),
        unspill(tx, row["input"], row["input_sha256"]),
        unspill(tx, row["output"], row["output_sha256"]),
        _read_attempts(tx, row),
        _read_logs(tx, full_id),
    )


def resolve_step_id(tx: Connection, job_id: str, given: str) -> str:
    """The full id of this job's step with this id or ending. Raises as `get_step`."""
    is_meant = steps.c.id.endswith(given.lower(), autoescape=True)
    found = tx.execute(select(steps.c.id).where(steps.c.job_id == job_id, is_meant).limit(2)).scalars().all()
    if len(found) > 1:
        raise FieldInvalid([Violation("step_id", f"{given} is the ending of several steps; give more of it")])
    if not found or len(given) < MIN_SUFFIX:
        raise StepNotFound(given)
    return str(found[0])


def read_build(tx: Connection, job_id: str) -> Build | None:
    """What the steps of a job share; None if there is no such job."""
    row = tx.execute(select(jobs).where(jobs.c.id == job_id)).mappings().one_or_none()
    if row is None:
        return None
    stages = tx.execute(select(job_stages).where(job_stages.c.job_id == job_id).order_by(job_stages.c.stage_no))
    return Build(
        job_id=row["id"],
        first_job_id=row["first_job_id"],
        tenant=row["tenant"],
        path_id=row["path_id"],
        title=row["title"],
        pipeline=row["pipeline"],
        pipeline_version=row["pipeline_version"],
        parameters=row["parameters"],
        document=to_document(row),
        stages=tuple(to_stage_spec(stage) for stage in stages.mappings()),
    )


def read_outputs(tx: Connection, job_id: str, stage_no: int, *, after: str, limit: int) -> list[tuple[str, str]]:
    """(position, output JSON text) of completed steps of a stage, in document order, after a position."""
    found = tx.execute(
        select(steps.c.position, steps.c.output, steps.c.output_sha256)
        .where(
            steps.c.job_id == job_id,
            steps.c.stage_no == stage_no,
            steps.c.status == StepStatus.COMPLETED,
            steps.c.position > after,
        )
        .order_by(steps.c.position)
        .limit(limit)
    ).all()
    return [(row.position, unspill(tx, row.output, row.output_sha256) or "null") for row in found]


def read_result_digests(tx: Connection, job_id: str) -> tuple[JobStatus, dict[str, str]]:
    """A job's status and its results: media type -> SHA-256 of the blob."""
    row = tx.execute(select(jobs.c.status, jobs.c.results).where(jobs.c.id == job_id)).one()
    return JobStatus(row.status), dict(row.results)


def _by_ending(tenant: str, given: str) -> Select[tuple[str]]:
    query = select(jobs.c.id).where(is_seen_by(tenant))
    if len(given) == FULL_ID_LENGTH:
        return query.where(jobs.c.id == given)
    if len(given) == SHORT_ID_LENGTH:
        return query.where(jobs.c.short_id == given)
    if len(given) < SHORT_ID_LENGTH:
        return query.where(jobs.c.short_id.endswith(given, autoescape=True)).order_by(jobs.c.id)
    short = given[-SHORT_ID_LENGTH:]
    return query.where(jobs.c.short_id == short, jobs.c.id.endswith(given, autoescape=True))


def _with_stages(tx: Connection, rows: Sequence[Row]) -> list[Job]:
    stages: dict[str, list[Any]] = {row["id"]: [] for row in rows}
    found = tx.execute(select(job_stages).where(job_stages.c.job_id.in_(list(stages))).order_by(job_stages.c.stage_no))
    for stage in found.mappings():
        stages[stage["job_id"]].append(stage)
    return [to_job(row, stages[row["id"]]) for row in rows]


def _read_missing(tx: Connection, job_id: str) -> tuple[Step, ...]:
    return tuple(list_steps(tx, job_id, statuses=[StepStatus.FAILED], limit=MISSING))


def _read_logs(tx: Connection, step_id: str) -> tuple[StepLog, ...]:
    newest = (
        select(step_logs)
        .where(step_logs.c.step_id == step_id)
        .order_by(step_logs.c.attempt.desc(), step_logs.c.line.desc())
        .limit(LOGS)
    )
    rows = tx.execute(newest).all()
    return tuple(StepLog(row.attempt, row.line, row.message, row.created_at) for row in reversed(rows))


def _read_attempts(tx: Connection, row: Row) -> tuple[Attempt, ...]:
    found = tx.execute(
        select(step_attempts).where(step_attempts.c.step_id == row["id"]).order_by(step_attempts.c.attempt)
    )
    return tuple(
        Attempt(
            number=attempt["attempt"],
            outcome=attempt["outcome"],
            error=from_stored(ErrorInfo, attempt["error"]) if attempt["error"] else None,
            used_a_try=attempt["used_a_try"],
            session_id=attempt["session_id"],
            started_at=attempt["started_at"],
            ended_at=attempt["ended_at"],
        )
        for attempt in found.mappings()
    )
