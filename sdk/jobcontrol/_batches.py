"""Calls about many jobs: one after the other, until nothing is left to do. No input or output."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any

from jobcontrol import v1 as pb
from jobcontrol._calling import Calling
from jobcontrol._filters import list_request
from jobcontrol._operation import AnyBatch, batch_operation
from jobcontrol._operations_decoding import to_failures
from jobcontrol._plans import Limits, Plan, call
from jobcontrol._requests import new_request_id
from jobcontrol._rpcs import BATCH_CANCEL, BATCH_RETRY, LIST_JOBS, Rpc
from jobcontrol.operations import BatchFailure

#: Ids that one call takes.
MOST = 1_000

BatchRequest = pb.BatchCancelRequest | pb.BatchRetryRequest
COUNTS = {BATCH_CANCEL.name: "cancelled_count", BATCH_RETRY.name: "retried_count"}


@dataclass(slots=True)
class Tally:
    """What has been done, or would be."""

    count: int = 0
    failures: dict[str, BatchFailure] = field(default_factory=dict)
    job_ids: list[str] = field(default_factory=list)

    def add(self, rpc: Rpc[Any, Any], answer: Any, *, with_remaining: bool) -> int:
        """Note an answer; returns how many jobs it was about that are done."""
        count: int = getattr(answer, COUNTS[rpc.name])
        self.count += count + (answer.remaining_count if with_remaining else 0)
        self.failures |= {failure.id: failure for failure in to_failures(answer.failures)}
        self.job_ids += getattr(answer, "job_ids", ())
        return count


class BatchCalls(Calling):
    """A part of Batch and AsyncBatch, which see."""

    def __init__(self, connection: Any, rpc: Rpc[Any, Any], request: BatchRequest, *, is_applied: bool = False) -> None:
        self._connection, self._rpc, self._request = connection, rpc, request
        self._tally = Tally()
        self._is_applied = is_applied

    @property
    def is_applied(self) -> bool:
        """False as long as nothing has been done: `apply` does it."""
        return self._is_applied

    @property
    def count(self) -> int:
        """How many jobs were cancelled or retried, or would be."""
        return self._tally.count

    @property
    def failures(self) -> tuple[BatchFailure, ...]:
        """The jobs that could not be, each with the reason."""
        return tuple(self._tally.failures.values())

    @property
    def job_ids(self) -> tuple[str, ...]:
        """The new jobs that the retries made."""
        return tuple(self._tally.job_ids)

    @batch_operation
    def apply(self) -> Plan[AnyBatch]:
        """Do it, call after call until no job is left, and return what was done. Of one that is done: that again.

        What conditions find is looked for anew, among the jobs that there were when they were counted. An error ends
        it between two calls: what was done stays, and what conditions still find is what is left.
        """
        if self._is_applied:
            return self
        done = type(self)(self._connection, self._rpc, self._request, is_applied=True)
        yield from done._run()
        return done

    def _preview(self) -> Plan[None]:
        yield from self._pin()
        for request in _requests(self._request):
            request.validate_only = True
            answer = yield from call(self._rpc, request, self._limits)
            self._tally.add(self._rpc, answer, with_remaining=True)

    def _pin(self) -> Plan[None]:
        """Of conditions: leave out what is created from now on, the retries themselves among it."""
        if not self._request.HasField("filter") or self._request.filter.created.HasField("end_time"):
            return
        wanted = list_request(self._request.filter)
        wanted.page_size = 1
        if newest := (yield from call(LIST_JOBS, wanted, self._limits)).jobs:
            self._request.filter.created.end_time.FromMicroseconds(newest[0].created_at.ToMicroseconds() + 1)

    def _run(self) -> Plan[None]:
        yield from self._pin()
        for request in _requests(self._request):
            yield from _until_none_remain(self._rpc, request, self._limits, self._tally)

    def __repr__(self) -> str:
        done = "done" if self._is_applied else "not applied"
        return f"<{type(self).__name__} {self._rpc.name} count={self.count} failures={len(self.failures)} {done}>"


def _requests(whole: BatchRequest) -> Iterator[Any]:
    """The same for as many ids as one call takes; a filter is one request."""
    ids = list(dict.fromkeys(whole.job_ids))
    for start in range(0, max(len(ids), 1), MOST):
        yield _of_these(whole, ids[start : start + MOST])


def _of_these(request: BatchRequest, ids: Sequence[str]) -> Any:
    part = copy(request)
    part.ClearField("job_ids")
    part.job_ids.extend(ids)
    return part


def _until_none_remain(rpc: Rpc[Any, Any], request: Any, limits: Limits, tally: Tally) -> Plan[None]:
    ids = list(request.job_ids)
    while True:
        request = _of_these(request, ids)
        request.request_id = new_request_id()
        answer = yield from call(rpc, request, limits)
        done = tally.add(rpc, answer, with_remaining=False)
        if not answer.remaining_count or not (done or (ids and answer.failures)):
            return
        ids = _left(ids, answer) if ids else []


def _left(ids: Sequence[str], answer: Any) -> list[str]:
    """The last ones, for which there was no time; an id that means no job was told before."""
    failed = {failure.id for failure in answer.failures}
    return [job_id for job_id in ids if job_id not in failed][-answer.remaining_count :]
