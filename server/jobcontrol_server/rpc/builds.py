"""Builds started, stopped, paused and retried: one transaction each, then the doorbell. Runs on threads."""

from __future__ import annotations

from dataclasses import dataclass, replace

import structlog
from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.errors import FieldInvalid, PipelineNotFound
from jobcontrol_core.domain.values import Job, PipelineSpec, Step
from jobcontrol_core.store.audit import Order, write_audit
from jobcontrol_core.store.builds import NewBuild, Started, start_build
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.deletions import delete_job
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Waiting
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.lookup import get_job, read_build, resolve_job_id
from jobcontrol_core.store.pausing import Resumed, pause_job, resume_job
from jobcontrol_core.store.pipelines import get_pipeline, list_pipelines
from jobcontrol_core.store.receipts import read_running
from jobcontrol_core.store.requests import RequestKey, claim_request
from jobcontrol_core.store.retries import NewRetry, RetryPlan, read_plan, retry_job
from jobcontrol_core.store.stopping import abandon_running, cancel_job
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of, request_key, to_new_build, to_new_retry
from jobcontrol_server.rpc.trying import try_out
from jobcontrol_server.rpc.validation import document_violations, other_input_violations, parameter_violations, to_dict

log = structlog.get_logger(__name__)

DEFAULT_PIPELINE = "learning-path"
#: Running steps that the answer to a cancel names.
MOST_RUNNING = 100


@dataclass(frozen=True, slots=True)
class Answer:
    """The job that answers a request, as of its transaction; `is_existing` if it was there before."""

    job: Job
    is_existing: bool
    committed: tuple[Committed, ...]
    #: What a retry that was only asked about would do.
    plan: RetryPlan | None = None


class Builds:
    """The writing calls. When one returns, its effect is on disk; what it rings for leaves in the background.

    They ring on the thread that wrote, so that a caller who goes away does not take the doorbell along.
    """

    def __init__(self, store: Store, postman: Postman) -> None:
        self._store = store
        self._postman = postman

    def start(self, request: pb.StartBuildRequest, caller: Caller) -> Answer:
        """Raises PipelineNotFound, FieldInvalid, PathBuildActive, RequestIdReused."""
        answer = self._store.write(_start, self._new_build(request, caller), order_of(request, caller))
        for made_way in {one.job_id for one in answer.committed} - {answer.job.id}:
            self._postman.ring_stop(made_way)
        self._tell("build_started", answer)
        return answer

    def preview(self, request: pb.StartBuildRequest, caller: Caller) -> Answer:
        """What `start` would answer now, without an id; raises what it would raise. Nothing is kept.

        A request id is not looked at: a request may be checked first and then sent.
        """
        build = self._new_build(request, caller)
        return try_out(self._store, _preview, replace(build, key=replace(build.key, request_id="")))

    def _new_build(self, request: pb.StartBuildRequest, caller: Caller) -> NewBuild:
        pipeline = self._store.read(_find_pipeline, request.pipeline or DEFAULT_PIPELINE)
        _check_input(request, pipeline)
        return to_new_build(request, pipeline, caller)

    def retry(self, request: pb.RetryRequest, caller: Caller) -> Answer:
        """Raises JobNotFound, JobNotRetryable, EtagMismatch, PathBuildActive, RequestIdReused, FieldInvalid."""
        answer = self._store.write(_retry, request, caller)
        self._tell("build_retried", answer)
        return answer

    def preview_retry(self, request: pb.RetryRequest, caller: Caller) -> Answer:
        """What `retry` would answer now, without an id, and what it would do; raises what it would raise."""
        return try_out(self._store, _preview_retry, request, caller)

    def cancel(self, request: pb.CancelRequest, caller: Caller) -> tuple[Job, list[Step]]:
        """The job, and up to MOST_RUNNING of its running steps. Raises JobNotFound, JobTerminal, EtagMismatch,
        RequestIdReused.

        With `force` a second transaction ends the running steps: after the first none can begin any more.
        """
        answer, running = self._store.write(_cancel, request, caller)
        if answer.committed:
            self._postman.ring_stop(answer.job.id)
            self._postman.ring(answer.committed)
            log.info("build_cancelled", job_id=answer.job.id, path_id=answer.job.path_id, status=answer.job.status)
        return (self._abandon(answer.job), []) if request.force else (answer.job, running)

    def _abandon(self, job: Job) -> Job:
        while (abandoned := self._store.write(abandon_running, job.id)).accepted:
            self._postman.ring_stop(job.id)
            self._postman.ring(abandoned.committed)
            log.info("steps_abandoned", job_id=job.id, count=len(abandoned.accepted))
        return self._store.read(get_job, job.id)

    def pause(self, request: pb.PauseRequest, caller: Caller) -> Job:
        """Raises JobNotFound, JobNotPausable, EtagMismatch."""
        answer = self._store.write(_pause, request, caller)
        self._postman.ring(answer.committed)
        if answer.committed:
            log.info("build_paused", job_id=answer.job.id, path_id=answer.job.path_id)
        return answer.job

    def resume(self, request: pb.ResumeRequest, caller: Caller) -> Job:
        """Raises JobNotFound, JobTerminal, EtagMismatch."""
        job, resumed = self._store.write(_resume, request, caller)
        self._postman.ring(resumed.committed)
        self._postman.push(resumed.waiting)
        if resumed.committed:
            log.info("build_resumed", job_id=job.id, path_id=job.path_id, status=job.status)
        return job

    def delete(self, request: pb.DeleteJobRequest, caller: Caller) -> None:
        """Raises JobNotFound, JobNotTerminal, EtagMismatch."""
        job_id = self._store.write(_delete, request, caller)
        log.info("job_deleted", job_id=job_id, actor=caller.actor)

    def _tell(self, event: str, answer: Answer) -> None:
        if not answer.committed:
            return
        self._postman.ring(answer.committed)
        if answer.job.waits_for is None:
            self._postman.push(self._store.read(_waiting_stages, answer.job))
        log.info(event, job_id=answer.job.id, path_id=answer.job.path_id, pipeline=answer.job.pipeline)


def _find_pipeline(tx: Connection, name: str) -> PipelineSpec:
    pipeline = get_pipeline(tx, name)
    if pipeline is None:
        known = ", ".join(spec.name for spec in list_pipelines(tx, limit=10))
        raise PipelineNotFound(name, f"; there is: {known}" if known else "; a worker publishes it when it starts")
    return pipeline


def _check_input(request: pb.StartBuildRequest, pipeline: PipelineSpec) -> None:
    found = document_violations(request, pipeline) + parameter_violations(to_dict(request.parameters), pipeline)
    if found:
        raise FieldInvalid(found)


def _start(tx: Connection, build: NewBuild, order: Order) -> Answer:
    answer = _answer(tx, start_build(tx, build))
    _audit(tx, order, "StartBuild", answer)
    return answer


def _preview(tx: Connection, build: NewBuild) -> Answer:
    answer = _answer(tx, start_build(tx, build))
    job = answer.job if answer.is_existing else replace(answer.job, id="", last_sequence=0)
    return Answer(job, answer.is_existing, committed=())


def _retry(tx: Connection, request: pb.RetryRequest, caller: Caller) -> Answer:
    retry = _new_retry(tx, request, caller)
    answer = _answer(tx, retry_job(tx, retry))
    _audit(tx, order_of(request, caller), "Retry", answer, retry.job_id)
    return answer


def _preview_retry(tx: Connection, request: pb.RetryRequest, caller: Caller) -> Answer:
    retry = _new_retry(tx, request, caller)
    answer = _answer(tx, retry_job(tx, replace(retry, key=replace(retry.key, request_id=""))))
    plan = read_plan(tx, answer.job.id)
    return replace(answer, job=replace(answer.job, id="", last_sequence=0), committed=(), plan=plan)


def _new_retry(tx: Connection, request: pb.RetryRequest, caller: Caller) -> NewRetry:
    job = get_job(tx, resolve_job_id(tx, caller.tenant, request.job_id))
    has_input = request.HasField("parameters") or request.HasField("document")
    pipeline = _find_pipeline(tx, job.pipeline) if has_input else None
    if pipeline is not None and (found := other_input_violations(request, pipeline)):
        raise FieldInvalid(found)
    retry: NewRetry = to_new_retry(request, job, pipeline, caller)
    return retry


def _cancel(tx: Connection, request: pb.CancelRequest, caller: Caller) -> tuple[Answer, list[Step]]:
    job_id = resolve_job_id(tx, caller.tenant, request.job_id)
    key: RequestKey = request_key(request, caller)
    committed: tuple[Committed, ...] = ()
    # A repeated request gets its first answer, also when the job has ended since.
    if claim_request(tx, read_now(tx), key, job_id) is None:
        committed = cancel_job(tx, job_id, actor=caller.actor, reason=request.reason, etag=request.etag)
    running = read_running(tx, job_id, limit=MOST_RUNNING)
    answer = Answer(get_job(tx, job_id), is_existing=True, committed=committed)
    _audit(tx, order_of(request, caller), "Cancel", answer)
    return answer, running


def _pause(tx: Connection, request: pb.PauseRequest, caller: Caller) -> Answer:
    job_id = resolve_job_id(tx, caller.tenant, request.job_id)
    committed = pause_job(tx, job_id, actor=caller.actor, reason=request.reason, etag=request.etag)
    answer = Answer(get_job(tx, job_id), is_existing=True, committed=committed)
    _audit(tx, order_of(request, caller), "Pause", answer)
    return answer


def _resume(tx: Connection, request: pb.ResumeRequest, caller: Caller) -> tuple[Job, Resumed]:
    job_id = resolve_job_id(tx, caller.tenant, request.job_id)
    resumed = resume_job(tx, job_id, actor=caller.actor, reason=request.reason, etag=request.etag)
    answer = Answer(get_job(tx, job_id), is_existing=True, committed=resumed.committed)
    _audit(tx, order_of(request, caller), "Resume", answer)
    return answer.job, resumed


def _delete(tx: Connection, request: pb.DeleteJobRequest, caller: Caller) -> str:
    job_id = resolve_job_id(tx, caller.tenant, request.job_id)
    delete_job(tx, job_id, order_of(request, caller), etag=request.etag)
    return job_id


def _audit(tx: Connection, order: Order, action: str, answer: Answer, about: str = "") -> None:
    """Note what was changed; a call that changed nothing, or only repeats its answer, leaves no row."""
    if answer.committed:
        write_audit(tx, read_now(tx), order, action, [f"jobs/{about or answer.job.id}"])


def _answer(tx: Connection, started: Started) -> Answer:
    return Answer(get_job(tx, started.job_id), started.is_existing, started.committed)


def _waiting_stages(tx: Connection, job: Job) -> list[Waiting]:
    """The stages of a new job that have steps to hand out; finalize, if nothing else is left to do."""
    build = read_build(tx, job.id)
    specs = build.stages if build is not None else ()
    waiting = [spec for spec, stage in zip(specs, job.stages, strict=False) if stage.counts.pending]
    return [Waiting(job.id, spec.number, spec.queue, job.priority > 0) for spec in waiting or specs[-1:]]
