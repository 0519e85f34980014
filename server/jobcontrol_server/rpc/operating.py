"""The part of the service for operators: workers, queues, dead letters, numbers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import grpc.aio
from google.protobuf.message import Message

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import DomainError, Unavailable
from jobcontrol_core.store.queues import list_queues
from jobcontrol_core.store.roster import list_processes
from jobcontrol_core.store.stats import read_stats
from jobcontrol_server.rpc.auditing import Refusals, find_audit_events
from jobcontrol_server.rpc.batches import Batches
from jobcontrol_server.rpc.builds import Builds
from jobcontrol_server.rpc.caller import Caller, caller_of
from jobcontrol_server.rpc.dead_letters import DeadLetters
from jobcontrol_server.rpc.decoding import audit_key, letter_key, to_audit_cursor, to_group_cursor, to_letter_cursor
from jobcontrol_server.rpc.encoding.audit import to_audit_event
from jobcontrol_server.rpc.encoding.letters import to_dead_letter, to_discarded, to_error_group, to_requeued
from jobcontrol_server.rpc.encoding.plain import to_duration
from jobcontrol_server.rpc.encoding.queues import to_queue
from jobcontrol_server.rpc.encoding.workers import to_worker
from jobcontrol_server.rpc.pages import PageTokens, page_size, tell_next_page
from jobcontrol_server.rpc.queues import Queues
from jobcontrol_server.rpc.reads import find_error_groups, find_letters
from jobcontrol_server.rpc.workers import Workers
from jobcontrol_server.store_calls import StoreCalls

Q = TypeVar("Q", bound=Message)
R = TypeVar("R")
Context = grpc.aio.ServicerContext[Any, Any]

WORKERS_PAGE, QUEUES_PAGE, LETTERS_PAGE, GROUPS_PAGE, AUDIT_PAGE = 100, 100, 50, 20, 100
STATS_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Writes:
    """The calls that change something, by what they change."""

    builds: Builds
    batches: Batches
    queues: Queues
    letters: DeadLetters
    workers: Workers
    refusals: Refusals


class Operating:
    """A part of JobControl, which see."""

    _calls: StoreCalls
    _writes: Writes
    _tokens: PageTokens

    async def _write(self, act: Callable[[Q, Caller], R], request: Q, context: Context) -> R:
        """What a change answers. One that is refused is noted, unless the database is away."""
        caller = caller_of(context)
        try:
            return await self._calls.run(act, request, caller)
        except DomainError as refusal:
            if not isinstance(refusal, Unavailable):
                await self._calls.run(self._writes.refusals.note, request, caller, refusal)
            raise

    async def ListAuditEvents(self, request: pb.ListAuditEventsRequest, context: Context) -> pb.ListAuditEventsResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, AUDIT_PAGE)
        after = to_audit_cursor(self._tokens.read(request, tenant))
        found = await self._calls.read(find_audit_events, tenant, request, after=after, limit=size + 1)
        token = self._tokens.issue(request, tenant, audit_key(found[size - 1])) if len(found) > size else ""
        tell_next_page(context, token)
        return pb.ListAuditEventsResponse(audit_events=map(to_audit_event, found[:size]), next_page_token=token)

    async def ListWorkers(self, request: pb.ListWorkersRequest, context: Context) -> pb.ListWorkersResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, WORKERS_PAGE)
        (after,) = self._tokens.read(request, tenant) or [""]
        found = await self._calls.read(list_processes, tenant, queue=request.queue, after=after, limit=size + 1)
        token = self._tokens.issue(request, tenant, [found[size - 1].session_id]) if len(found) > size else ""
        tell_next_page(context, token)
        return pb.ListWorkersResponse(workers=map(to_worker, found[:size]), next_page_token=token)

    async def DrainWorker(self, request: pb.DrainWorkerRequest, context: Context) -> pb.DrainWorkerResponse:
        process = await self._write(self._writes.workers.drain, request, context)
        return pb.DrainWorkerResponse(worker=to_worker(process))

    async def ListQueues(self, request: pb.ListQueuesRequest, context: Context) -> pb.ListQueuesResponse:
        size = page_size(request.page_size, QUEUES_PAGE)
        (after,) = self._tokens.read(request, "") or [""]
        found = await self._calls.read(list_queues, after=after, limit=size + 1)
        token = self._tokens.issue(request, "", [found[size - 1].name]) if len(found) > size else ""
        tell_next_page(context, token)
        return pb.ListQueuesResponse(queues=map(to_queue, found[:size]), next_page_token=token)

    async def PauseQueue(self, request: pb.PauseQueueRequest, context: Context) -> pb.PauseQueueResponse:
        queue = await self._write(self._writes.queues.pause, request, context)
        return pb.PauseQueueResponse(queue=to_queue(queue))

    async def ResumeQueue(self, request: pb.ResumeQueueRequest, context: Context) -> pb.ResumeQueueResponse:
        queue = await self._write(self._writes.queues.resume, request, context)
        return pb.ResumeQueueResponse(queue=to_queue(queue))

    async def UpdateQueue(self, request: pb.UpdateQueueRequest, context: Context) -> pb.UpdateQueueResponse:
        queue = await self._write(self._writes.queues.update, request, context)
        return pb.UpdateQueueResponse(queue=to_queue(queue))

    async def ListDeadLetters(self, request: pb.ListDeadLettersRequest, context: Context) -> pb.ListDeadLettersResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, LETTERS_PAGE)
        after = to_letter_cursor(self._tokens.read(request, tenant))
        letters = await self._calls.read(find_letters, tenant, request, after=after, limit=size + 1)
        token = self._tokens.issue(request, tenant, letter_key(letters[size - 1])) if len(letters) > size else ""
        tell_next_page(context, token)
        return pb.ListDeadLettersResponse(dead_letters=map(to_dead_letter, letters[:size]), next_page_token=token)

    async def ListErrorGroups(self, request: pb.ListErrorGroupsRequest, context: Context) -> pb.ListErrorGroupsResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, GROUPS_PAGE)
        after = to_group_cursor(self._tokens.read(request, tenant))
        groups = await self._calls.read(find_error_groups, tenant, request, after=after, limit=size + 1)
        last = groups[size - 1] if len(groups) > size else None
        token = self._tokens.issue(request, tenant, [last.steps, last.fingerprint]) if last else ""
        tell_next_page(context, token)
        return pb.ListErrorGroupsResponse(error_groups=map(to_error_group, groups[:size]), next_page_token=token)

    async def GetStats(self, request: pb.GetStatsRequest, context: Context) -> pb.GetStatsResponse:
        window = request.window.ToTimedelta() if request.HasField("window") else STATS_WINDOW
        stats = await self._calls.read(read_stats, caller_of(context).tenant, window)
        return pb.GetStatsResponse(
            active=stats.active,
            waiting=stats.waiting,
            completed=stats.completed,
            failed=stats.failed,
            dead_letters=stats.dead_letters,
            window=to_duration(window),
        )

    async def RequeueDeadLetters(
        self, request: pb.RequeueDeadLettersRequest, context: Context
    ) -> pb.RequeueDeadLettersResponse:
        return to_requeued(await self._write(self._writes.letters.requeue, request, context))

    async def DiscardDeadLetters(
        self, request: pb.DiscardDeadLettersRequest, context: Context
    ) -> pb.DiscardDeadLettersResponse:
        return to_discarded(await self._write(self._writes.letters.discard, request, context))
