"""Many jobs cancelled or retried: each in a transaction of its own, so that none waits for the others.

A request with a request id first writes down which jobs it means. Each job's own transaction notes that it is done
under this request; so a call that broke off half-way, and comes again, does the rest and answers for all.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.batches import MOST, BatchFailure
from jobcontrol_core.domain.errors import (
    DomainError,
    JobIdAmbiguous,
    JobNotFound,
    JobNotRetryable,
    JobTerminal,
    PathBuildActive,
)
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.store.audit import write_audit
from jobcontrol_core.store.candidates import (
    CANCELLABLE,
    RETRYABLE,
    Condition,
    cancel_refusals,
    count_candidates,
    find_candidates,
    retry_refusals,
)
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Waiting, read_waiting
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.lookup import resolve_job_id
from jobcontrol_core.store.requests import RequestKey, claim_request, keep_answer
from jobcontrol_core.store.retries import NewRetry, retry_job
from jobcontrol_core.store.stopping import cancel_job
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of, request_key, to_job_filter

log = structlog.get_logger(__name__)

BatchRequest = pb.BatchCancelRequest | pb.BatchRetryRequest
#: After which a call begins no further job: its caller waits, and a retry copies all steps of a job.
SECONDS = 8.0
#: What may become of one job between the look at it and its turn.
REFUSALS = (JobNotFound, JobTerminal, JobNotRetryable, PathBuildActive)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call did, or would have done. `job_ids` are the new jobs of retries.

    `remaining` are jobs that a filter still finds, or the last ones of those named, for which there was no time.
    """

    count: int
    remaining: int
    failures: Sequence[BatchFailure]
    job_ids: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The jobs that a request means, by their full ids, and the ids that mean none."""

    job_ids: Sequence[str]
    unknown: Sequence[BatchFailure]


@dataclass(frozen=True, slots=True)
class _Done:
    """What became of one job, and what to ring for."""

    committed: tuple[Committed, ...] = ()
    waiting: tuple[Waiting, ...] = ()
    new_job_id: str = ""


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a batch does to each job, which jobs a filter finds for it, and what speaks against one by name."""

    act: Callable[[Connection, Any, str, RequestKey, Caller], _Done]
    takes: Condition
    refusals: Callable[[Connection, Sequence[str]], Mapping[str, DomainError]]
    action: str


class Batches:
    """When a call returns, all that it answers is on disk. Both raise FilterInvalid and RequestIdReused."""

    def __init__(self, store: Store, postman: Postman) -> None:
        self._store = store
        self._postman = postman

    def cancel(self, request: pb.BatchCancelRequest, caller: Caller) -> Answer:
        return self._run(_CANCEL, request, caller)

    def retry(self, request: pb.BatchRetryRequest, caller: Caller) -> Answer:
        return self._run(_RETRY, request, caller)

    def _run(self, kind: _Kind, request: BatchRequest, caller: Caller) -> Answer:
        if request.validate_only:
            return self._store.read(_preview, kind, request, caller)
        asked = self._store.write(_begin, kind, request, caller)
        if isinstance(asked, Answer):
            return asked
        answer = self._act_on_all(kind, request, caller, asked)
        answer = self._store.write(_close, kind, request, caller, answer)
        log.info("jobs_decided", call=request.DESCRIPTOR.name, count=answer.count, failures=len(answer.failures))
        return answer

    def _act_on_all(self, kind: _Kind, request: BatchRequest, caller: Caller, asked: _Asked) -> Answer:
        key, failures, job_ids = request_key(request, caller), list(asked.unknown), list[str]()
        until = time.monotonic() + SECONDS
        for number, job_id in enumerate(asked.job_ids):
            if number and time.monotonic() > until:
                return Answer(len(job_ids), len(asked.job_ids) - number, failures, _given(job_ids))
            try:
                done = self._store.write(kind.act, request, job_id, key.of_part(job_id), caller)
            except REFUSALS as refusal:
                failures.append(BatchFailure.because(job_id, refusal))
                continue
            job_ids.append(done.new_job_id)
            self._tell(job_id, done)
        return Answer(len(job_ids), 0, failures, _given(job_ids))

    def _tell(self, job_id: str, done: _Done) -> None:
        self._postman.ring(done.committed)
        self._postman.push(done.waiting)
        if done.committed and not done.new_job_id:
            self._postman.ring_stop(job_id)


def _preview(tx: Connection, kind: _Kind, request: BatchRequest, caller: Caller) -> Answer:
    if not request.job_ids:
        found = count_candidates(tx, caller.tenant, to_job_filter(request.filter, "filter."), kind.takes)
        return Answer(min(found, MOST), max(0, found - MOST), ())
    asked = _named(tx, caller.tenant, request.job_ids)
    refusals = kind.refusals(tx, asked.job_ids)
    refused = [BatchFailure.because(job_id, refusal) for job_id, refusal in refusals.items()]
    return Answer(len(asked.job_ids) - len(refused), 0, [*asked.unknown, *refused])


def _begin(tx: Connection, kind: _Kind, request: BatchRequest, caller: Caller) -> _Asked | Answer:
    """The jobs that the request means, or meant when it came first; its answer, if it got one then."""
    key = request_key(request, caller)
    first = claim_request(tx, read_now(tx), key)
    if first is not None and first.answer is not None:
        kept = first.answer
        failures = [from_stored(BatchFailure, failure) for failure in kept.get("failures", kept.get("unknown"))]
        return _Asked(kept["plan"], failures) if "plan" in kept else from_stored(Answer, kept, failures=failures)
    asked = _asked(tx, kind, request, caller)
    keep_answer(tx, key, {"plan": list(asked.job_ids), "unknown": [asdict(failure) for failure in asked.unknown]})
    return asked


def _close(tx: Connection, kind: _Kind, request: BatchRequest, caller: Caller, answer: Answer) -> Answer:
    remaining = answer.remaining
    if not request.job_ids:
        wanted, failed = to_job_filter(request.filter, "filter."), [failure.id for failure in answer.failures]
        remaining = count_candidates(tx, caller.tenant, wanted, kind.takes, but=failed)
    closed = Answer(answer.count, remaining, answer.failures, answer.job_ids)
    keep_answer(tx, request_key(request, caller), asdict(closed))
    for failure in answer.failures:
        resource = f"jobs/{failure.id}"
        write_audit(tx, read_now(tx), order_of(request, caller), kind.action, [resource], outcome=failure.reason)
    return closed


def _asked(tx: Connection, kind: _Kind, request: BatchRequest, caller: Caller) -> _Asked:
    if request.job_ids:
        return _named(tx, caller.tenant, request.job_ids)
    wanted = to_job_filter(request.filter, "filter.")
    return _Asked(find_candidates(tx, caller.tenant, wanted, kind.takes, limit=MOST), ())


def _named(tx: Connection, tenant: str, given: Sequence[str]) -> _Asked:
    job_ids, unknown = dict[str, None](), list[BatchFailure]()
    for one in dict.fromkeys(given):
        try:
            job_ids[resolve_job_id(tx, tenant, one)] = None
        except (JobNotFound, JobIdAmbiguous) as refusal:
            unknown.append(BatchFailure.because(one, refusal))
    return _Asked(list(job_ids), unknown)


def _cancel_one(tx: Connection, request: pb.BatchCancelRequest, job_id: str, key: RequestKey, caller: Caller) -> _Done:
    now = read_now(tx)
    if claim_request(tx, now, key, job_id) is not None:
        return _Done()
    committed = cancel_job(tx, job_id, actor=caller.actor, reason=request.reason)
    write_audit(tx, now, order_of(request, caller), _CANCEL.action, [f"jobs/{job_id}"])
    return _Done(committed)


def _retry_one(tx: Connection, request: pb.BatchRetryRequest, job_id: str, key: RequestKey, caller: Caller) -> _Done:
    retry = NewRetry(
        tenant=caller.tenant,
        job_id=job_id,
        key=key,
        actor=caller.actor,
        reason=request.reason,
        from_scratch=request.mode == pb.RETRY_MODE_FROM_SCRATCH,
    )
    started = retry_job(tx, retry)
    if started.committed:
        write_audit(tx, read_now(tx), order_of(request, caller), _RETRY.action, [f"jobs/{job_id}"])
    return _Done(started.committed, read_waiting(tx, [started.job_id]), started.job_id)


def _given(job_ids: Sequence[str]) -> list[str]:
    return [job_id for job_id in job_ids if job_id]


_CANCEL = _Kind(_cancel_one, CANCELLABLE, cancel_refusals, "BatchCancel")
_RETRY = _Kind(_retry_one, RETRYABLE, retry_refusals, "BatchRetry")
