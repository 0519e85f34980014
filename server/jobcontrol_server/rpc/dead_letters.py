"""Dead letters requeued and discarded: one transaction each, then the doorbell. Runs on threads."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import structlog
from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.batches import MOST, BatchFailure
from jobcontrol_core.domain.errors import DeadLetterNotFound
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.discards import discard_letters
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.gradual import Pace, begin_requeue
from jobcontrol_core.store.letters import LetterFilter, count_letters, find_letter_ids
from jobcontrol_core.store.lookup import resolve_job_id
from jobcontrol_core.store.requests import claim_request, keep_answer
from jobcontrol_core.store.requeues import Requeued, requeue_letters
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of, request_key, to_letter_filter
from jobcontrol_server.rpc.trying import try_out

log = structlog.get_logger(__name__)

BatchRequest = pb.RequeueDeadLettersRequest | pb.DiscardDeadLettersRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """What a call did, or would have done. `waiting` letters are left to the requeue `requeue_id`."""

    count: int
    remaining: int
    failures: Sequence[BatchFailure]
    retry_job_ids: Sequence[str] = ()
    requeue_id: str = ""
    waiting: int = 0

    @classmethod
    def of(cls, kept: Mapping[str, Any]) -> Answer:
        """The answer that `asdict` made a mapping of."""
        return from_stored(cls, kept, failures=[from_stored(BatchFailure, failure) for failure in kept["failures"]])


@dataclass(frozen=True, slots=True)
class _Done:
    """An answer, which letters it is about, and what to ring for."""

    answer: Answer
    news: Requeued = field(default_factory=Requeued)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The letters that a request means, and its filter if that may find more."""

    letter_ids: Sequence[str]
    unknown: Sequence[BatchFailure]
    wanted: LetterFilter | None

    def count_beyond(self, tx: Connection, tenant: str, failed: int) -> int:
        """What the filter still finds now, but those that could not be dealt with."""
        return 0 if self.wanted is None else max(0, count_letters(tx, tenant, self.wanted) - failed)


class DeadLetters:
    """The writing calls about dead letters. When one returns, its effect is on disk.

    Both raise JobNotFound and RequestIdReused; what keeps single letters from it is part of the answer.
    """

    def __init__(self, store: Store, postman: Postman) -> None:
        self._store = store
        self._postman = postman

    def requeue(self, request: pb.RequeueDeadLettersRequest, caller: Caller) -> Answer:
        done = self._act(_requeue, request, caller)
        self._postman.ring(done.news.committed)
        self._postman.push(done.news.waiting)
        return done.answer

    def discard(self, request: pb.DiscardDeadLettersRequest, caller: Caller) -> Answer:
        return self._act(_discard, request, caller).answer

    def _act(self, act: Callable[..., _Done], request: BatchRequest, caller: Caller) -> _Done:
        """Do it, or, to see what it would do, do it and take it back."""
        if request.validate_only:
            done: _Done = try_out(self._store, act, request, caller)
            # What would have been made has no id that anybody could ask for.
            return _Done(replace(done.answer, retry_job_ids=(), requeue_id=""))
        done = self._store.write(_once, act, request, caller)
        log.info("letters_decided", call=request.DESCRIPTOR.name, count=done.answer.count, actor=caller.actor)
        return done


def _once(tx: Connection, act: Callable[..., _Done], request: BatchRequest, caller: Caller) -> _Done:
    """A request that comes again gets its first answer, and changes nothing."""
    key = request_key(request, caller)
    first = claim_request(tx, read_now(tx), key)
    if first is not None and first.answer is not None:
        return _Done(Answer.of(first.answer))
    done = act(tx, request, caller)
    keep_answer(tx, key, asdict(done.answer))
    return done


def _requeue(tx: Connection, request: pb.RequeueDeadLettersRequest, caller: Caller) -> _Done:
    pace = Pace(request.canary, request.per_second)
    asked = _asked(tx, request, caller, is_free=pace.is_gradual)
    order = order_of(request, caller)
    if not pace.is_gradual:
        news = requeue_letters(tx, order, asked.letter_ids)
        requeue_id, waiting = "", 0
    else:
        begun = begin_requeue(tx, order, asked.letter_ids, pace)
        news, requeue_id, waiting = begun.at_once, begun.requeue_id, begun.waiting
    told = news.requeued | {failure.id for failure in news.failures}
    unread = 0 if requeue_id else len(set(asked.letter_ids) - told)
    answer = Answer(
        count=news.count,
        remaining=unread if asked.wanted is None else asked.count_beyond(tx, caller.tenant, len(news.failures)),
        failures=[*asked.unknown, *news.failures],
        retry_job_ids=list(news.retry_job_ids.values()),
        requeue_id=requeue_id,
        waiting=waiting,
    )
    return _Done(answer, news)


def _discard(tx: Connection, request: pb.DiscardDeadLettersRequest, caller: Caller) -> _Done:
    asked = _asked(tx, request, caller)
    gone = discard_letters(tx, order_of(request, caller), asked.letter_ids)
    return _Done(Answer(len(gone), asked.count_beyond(tx, caller.tenant, 0), asked.unknown))


def _asked(tx: Connection, request: BatchRequest, caller: Caller, *, is_free: bool = False) -> _Asked:
    if request.dead_letter_ids:
        return _named(tx, caller.tenant, request.dead_letter_ids)
    wanted = replace(find_filter(tx, caller.tenant, request.filter), is_free=is_free)
    found = find_letter_ids(tx, caller.tenant, wanted, limit=MOST)
    return _Asked(found, (), wanted if len(found) == MOST else None)


def _named(tx: Connection, tenant: str, given: Collection[str]) -> _Asked:
    """Each id, or ending of one, must mean one letter."""
    letter_ids, unknown = list[str](), list[BatchFailure]()
    for one in dict.fromkeys(given):
        found = find_letter_ids(tx, tenant, LetterFilter(ending=one), limit=2)
        if len(found) == 1:
            letter_ids += found
        else:
            refusal = DeadLetterNotFound(one, hint=": it is the ending of several" if found else "")
            unknown.append(BatchFailure.because(one, refusal))
    return _Asked(list(dict.fromkeys(letter_ids)), unknown, wanted=None)


def find_filter(tx: Connection, tenant: str, wanted: pb.DeadLetterFilter) -> LetterFilter:
    """The store's filter for the contract's. Raises JobNotFound."""
    job_id = resolve_job_id(tx, tenant, wanted.job_id) if wanted.job_id else ""
    found = to_letter_filter(job_id, wanted.created, queue=wanted.queue, fingerprint=wanted.fingerprint)
    return replace(found, ending=wanted.dead_letter_id)
