"""The reading calls, each one transaction, each for one tenant."""

from __future__ import annotations

from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import FieldInvalid, ResultNotReady, Violation
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.domain.values import JSON_MEDIA_TYPE, Job, Step
from jobcontrol_core.domain.waiting import Wait
from jobcontrol_core.store.blobs import get_blob
from jobcontrol_core.store.eventlog import LogFilter, LogPage, Place, read_log
from jobcontrol_core.store.explain import explain_job, explain_standstill
from jobcontrol_core.store.letters import (
    DeadLetter,
    ErrorGroup,
    GroupCursor,
    LetterCursor,
    list_error_groups,
    list_letters,
)
from jobcontrol_core.store.lookup import (
    StepDetail,
    get_job,
    get_step,
    list_steps,
    read_result_digests,
    resolve_job_id,
    resolve_step_id,
)
from jobcontrol_server.rpc.dead_letters import find_filter
from jobcontrol_server.rpc.decoding import to_letter_filter, to_step_statuses


def find_job(tx: Connection, tenant: str, given: str) -> Job:
    """The job that `given`, an id or the ending of one, names. Raises JobNotFound."""
    return get_job(tx, resolve_job_id(tx, tenant, given))


def find_job_with_wait(tx: Connection, tenant: str, given: str) -> tuple[Job, Wait | None]:
    """The job, and why nothing of it moves, if nothing does. Raises JobNotFound."""
    job = find_job(tx, tenant, given)
    return job, explain_standstill(tx, job)


def find_waits(tx: Connection, tenant: str, given: str) -> list[Wait]:
    """Why each thing of the job that waits is waiting. Raises JobNotFound."""
    return explain_job(tx, resolve_job_id(tx, tenant, given))


def find_steps(
    tx: Connection, tenant: str, request: pb.ListStepsRequest, *, after: tuple[int, str] | None, limit: int
) -> list[Step]:
    """Up to `limit` steps of the request's job. Raises JobNotFound."""
    return list_steps(
        tx,
        resolve_job_id(tx, tenant, request.job_id),
        statuses=to_step_statuses(request),
        stage=request.stage,
        after=after,
        limit=limit,
    )


def find_step(tx: Connection, tenant: str, request: pb.GetStepRequest) -> tuple[StepDetail, Job]:
    """The request's step, with its job. Raises JobNotFound, StepNotFound."""
    job = find_job(tx, tenant, request.job_id)
    return get_step(tx, job.id, request.step_id), job


def find_result(tx: Connection, tenant: str, request: pb.GetResultRequest) -> tuple[str, bytes]:
    """The media type of the result that is asked for, and its bytes.

    Raises JobNotFound, ResultNotReady, and FieldInvalid naming the media types that there are.
    """
    job_id = resolve_job_id(tx, tenant, request.job_id)
    status, digests = read_result_digests(tx, job_id)
    if status is not JobStatus.COMPLETED:
        raise ResultNotReady(job_id, status)
    media_type = request.media_type or JSON_MEDIA_TYPE
    if media_type not in digests:
        raise FieldInvalid([Violation("media_type", f"this result comes as {', '.join(digests)}")])
    return media_type, get_blob(tx, digests[media_type])


def find_log(tx: Connection, tenant: str, request: pb.ListEventsRequest, *, after: Place | None, limit: int) -> LogPage:
    """Up to `limit` lines of the log of the request's job. Raises JobNotFound, StepNotFound."""
    job_id = resolve_job_id(tx, tenant, request.job_id)
    wanted = LogFilter(
        after_sequence=request.after_sequence,
        step_id=resolve_step_id(tx, job_id, request.step_id) if request.step_id else "",
        errors_only=request.errors_only,
        newest_first=request.newest_first,
    )
    return read_log(tx, job_id, wanted, after=after, limit=limit)


def find_letters(
    tx: Connection, tenant: str, request: pb.ListDeadLettersRequest, *, after: LetterCursor | None, limit: int
) -> list[DeadLetter]:
    """Up to `limit` dead letters that the request asks for. Raises JobNotFound."""
    return list_letters(tx, tenant, find_filter(tx, tenant, request.filter), after=after, limit=limit)


def find_error_groups(
    tx: Connection, tenant: str, request: pb.ListErrorGroupsRequest, *, after: GroupCursor | None, limit: int
) -> list[ErrorGroup]:
    """Up to `limit` groups of errors that the request asks for. Raises JobNotFound."""
    job_id = resolve_job_id(tx, tenant, request.job_id) if request.job_id else ""
    return list_error_groups(tx, tenant, to_letter_filter(job_id, request.failed), after=after, limit=limit)
