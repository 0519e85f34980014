"""The calls for operators, written once for both clients: queues, workers, steps that failed for good."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from google.protobuf.wrappers_pb2 import StringValue

from jobcontrol import v1 as pb
from jobcontrol._calling import Calling
from jobcontrol._filters import Since, moment_of
from jobcontrol._health import CHECK_HEALTH, SERVING
from jobcontrol._operation import listing, operation
from jobcontrol._operations_decoding import (
    to_audit_event,
    to_dead_letter,
    to_discarded,
    to_error_group,
    to_queue,
    to_requeued,
    to_wait,
    to_worker,
)
from jobcontrol._paging import Pager, everything
from jobcontrol._plans import Plan
from jobcontrol._requests import KEEP, Keep, letter_filter, limit_queue_request, new_request_id, no_such_letter
from jobcontrol._rpcs import (
    DISCARD_DEAD_LETTERS,
    DRAIN_WORKER,
    EXPLAIN_JOB,
    GET_STATS,
    LIST_AUDIT_EVENTS,
    LIST_DEAD_LETTERS,
    LIST_ERROR_GROUPS,
    LIST_QUEUES,
    LIST_WORKERS,
    PAUSE_QUEUE,
    REQUEUE_DEAD_LETTERS,
    RESUME_QUEUE,
    UPDATE_QUEUE,
)
from jobcontrol.operations import (
    AuditEvent,
    DeadLetter,
    Discarded,
    ErrorGroup,
    Queue,
    Requeued,
    Stats,
    Wait,
    WorkerProcess,
)
from jobcontrol.pipeline.definition import Rate


class OperatorCalls(Calling):
    """A part of Client and AsyncClient, which see."""

    @operation
    def is_serving(self, part: str = "") -> Plan[bool]:
        """Whether the server takes calls, by its health, which it tells without a token; False while it drains.

        Of the `part` "redis": whether the server reaches Redis now. Raises NotFound for a part that it has not.
        """
        answer = yield from self._call(CHECK_HEALTH, StringValue(value=part))
        return bool(answer.value == SERVING)

    @operation
    def explain(self, job_id: str) -> Plan[list[Wait]]:
        """Why each thing of this job that waits is waiting; empty if nothing does. Raises NotFound."""
        answer = yield from self._call(EXPLAIN_JOB, pb.ExplainJobRequest(job_id=job_id.lower()))
        return [to_wait(waiting) for waiting in answer.waiting]

    @operation
    def stats(self, *, window: timedelta = timedelta(hours=24)) -> Plan[Stats]:
        """How many jobs there are now, and how many have ended within the window (a minute to seven days)."""
        request = pb.GetStatsRequest()
        request.window.FromTimedelta(window)
        answer = yield from self._call(GET_STATS, request)
        return Stats(
            active=answer.active,
            waiting=answer.waiting,
            completed=answer.completed,
            failed=answer.failed,
            dead_letters=answer.dead_letters,
            window=answer.window.ToTimedelta(),
        )

    @operation
    def workers(self, *, queue: str = "") -> Plan[list[WorkerProcess]]:
        """The worker processes that are alive or were lost lately, those of `queue` alone if it is given."""
        return (
            yield from everything(
                self._pager(
                    LIST_WORKERS, pb.ListWorkersRequest(queue=queue), lambda answer: map(to_worker, answer.workers)
                )
            )
        )

    @operation
    def drain_worker(self, worker_id: str, *, reason: str = "") -> Plan[WorkerProcess]:
        """Ask a worker process to take nothing new, to finish what it runs, and to exit. Raises NotFound.

        None is started in its place; a `jobctl worker` whose processes were all drained ends.
        """
        request = pb.DrainWorkerRequest(worker_id=worker_id.lower(), reason=reason)
        return to_worker((yield from self._call(DRAIN_WORKER, request)).worker)

    @operation
    def queues(self) -> Plan[list[Queue]]:
        """All queues by name, with their limits and what each has to do."""
        return (
            yield from everything(
                self._pager(LIST_QUEUES, pb.ListQueuesRequest(), lambda answer: map(to_queue, answer.queues))
            )
        )

    @operation
    def pause_queue(self, queue: str, *, reason: str = "") -> Plan[Queue]:
        """Start no step of this queue, in any build, until it is resumed; those that run go on. Raises NotFound."""
        request = pb.PauseQueueRequest(queue=queue, reason=reason)
        return to_queue((yield from self._call(PAUSE_QUEUE, request)).queue)

    @operation
    def resume_queue(self, queue: str, *, reason: str = "") -> Plan[Queue]:
        """Start steps of this queue again, also if a handler had put it on hold. Raises NotFound."""
        return to_queue((yield from self._call(RESUME_QUEUE, pb.ResumeQueueRequest(queue=queue, reason=reason))).queue)

    @operation
    def limit_queue(
        self,
        queue: str,
        *,
        max_running: int | Keep | None = KEEP,
        rate: Rate | Keep | None = KEEP,
        reason: str = "",
    ) -> Plan[Queue]:
        """Change limits of this queue while builds run; None lifts one, what is not given stays. Raises NotFound."""
        request = limit_queue_request(queue, max_running=max_running, rate=rate, reason=reason)
        return to_queue((yield from self._call(UPDATE_QUEUE, request)).queue)

    @operation
    def reset_queue_limits(self, queue: str, *, reason: str = "") -> Plan[Queue]:
        """Let the limits be again what the pipelines declare. Raises NotFound."""
        request = pb.UpdateQueueRequest(queue=queue, use_declared=True, reason=reason)
        return to_queue((yield from self._call(UPDATE_QUEUE, request)).queue)

    @listing
    def dead_letters(
        self, *, queue: str = "", job_id: str = "", fingerprint: str = "", limit: int | None = None
    ) -> Pager[DeadLetter]:
        """Steps that failed for good and meet all conditions given, newest first."""
        wanted = pb.DeadLetterFilter(queue=queue, job_id=job_id, fingerprint=fingerprint)
        request = pb.ListDeadLettersRequest(filter=wanted)
        return self._pager(LIST_DEAD_LETTERS, request, lambda answer: map(to_dead_letter, answer.dead_letters), limit)

    @operation
    def dead_letter(self, dead_letter_id: str) -> Plan[DeadLetter]:
        """The dead letter with this id, or with this unique ending (four characters or more). Raises NotFound."""
        wanted = pb.DeadLetterFilter(dead_letter_id=dead_letter_id.lower())
        answer = yield from self._call(LIST_DEAD_LETTERS, pb.ListDeadLettersRequest(filter=wanted, page_size=2))
        if len(answer.dead_letters) != 1:
            raise no_such_letter(dead_letter_id, is_ambiguous=bool(answer.dead_letters))
        return to_dead_letter(answer.dead_letters[0])

    @listing
    def audit_events(
        self,
        resource: str = "",
        *,
        actor: str = "",
        actions: Iterable[str] = (),
        since: Since | None = None,
        limit: int | None = None,
    ) -> Pager[AuditEvent]:
        """Who changed what, or was refused, and why, newest first.

        Of one `resource` and what is below it, for example "jobs/7f3a91c2" or "queues/generate-ku"; of one actor; of
        `actions` by their RPC's names, for example "Cancel"; `since` a moment, or for so long, for example "24h".
        """
        request = pb.ListAuditEventsRequest(resource=resource, actor=actor, actions=actions)
        if since is not None:
            request.created.start_time.FromDatetime(moment_of(since))
        return self._pager(LIST_AUDIT_EVENTS, request, lambda answer: map(to_audit_event, answer.audit_events), limit)

    @operation
    def requeue(
        self,
        letters: Iterable[str] = (),
        *,
        queue: str = "",
        job_id: str = "",
        fingerprint: str = "",
        reason: str = "",
        canary: bool = False,
        per_second: float = 0.0,
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> Plan[Requeued]:
        """Give dead letters, by their ids or by conditions, a fresh set of tries; at most 1,000 in one call.

        In their own job while it can take them, else in a retry job. `canary` requeues one, and the others when
        its step has completed; `per_second` lets no more than so many go in a second; all letters of a job that
        has ended go as one. `dry_run` tells what would
        be done and does nothing. What could not be requeued is in `failures`.
        """
        request = pb.RequeueDeadLettersRequest(
            dead_letter_ids=[letter.lower() for letter in letters],
            filter=letter_filter(queue=queue, job_id=job_id, fingerprint=fingerprint),
            validate_only=dry_run,
            reason=reason,
            request_id=request_id or new_request_id(),
            canary=canary,
            per_second=per_second,
        )
        return to_requeued((yield from self._call(REQUEUE_DEAD_LETTERS, request)))

    @operation
    def discard(
        self,
        letters: Iterable[str] = (),
        *,
        queue: str = "",
        job_id: str = "",
        fingerprint: str = "",
        reason: str = "",
        dry_run: bool = False,
        request_id: str | None = None,
    ) -> Plan[Discarded]:
        """Drop dead letters, by their ids or by conditions; at most 1,000 in one call. Their steps stay failed.

        `dry_run` tells what would be done and does nothing.
        """
        request = pb.DiscardDeadLettersRequest(
            dead_letter_ids=[letter.lower() for letter in letters],
            filter=letter_filter(queue=queue, job_id=job_id, fingerprint=fingerprint),
            validate_only=dry_run,
            reason=reason,
            request_id=request_id or new_request_id(),
        )
        return to_discarded((yield from self._call(DISCARD_DEAD_LETTERS, request)))

    @listing
    def error_groups(self, *, job_id: str = "", limit: int | None = None) -> Pager[ErrorGroup]:
        """The dead letters, or those of one job, grouped by what their errors share; the largest group first."""
        request = pb.ListErrorGroupsRequest(job_id=job_id)
        return self._pager(LIST_ERROR_GROUPS, request, lambda answer: map(to_error_group, answer.error_groups), limit)
