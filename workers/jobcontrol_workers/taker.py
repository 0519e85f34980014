"""Takes tickets off RQ's queues, and does nothing else with them."""

from __future__ import annotations

import itertools
import threading
import time
from dataclasses import dataclass
from typing import Any

import redis
import structlog
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from jobcontrol_core.bus.connection import LOST, connect
from jobcontrol_core.bus.tickets import Ticket, TicketQueues, text_of
from jobcontrol_workers.journal import Journal
from jobcontrol_workers.room import Room
from jobcontrol_workers.turns import Turns

log = structlog.get_logger(__name__)

POP_SECONDS = 1
#: A blocking pop is given up after this long: a Redis that hangs is lost.
POP_TIMEOUT = 3.0
ROOM_SECONDS = 0.1
#: How old the picture of who waits for a turn may be.
LOOK_SECONDS = 0.1
RETRY_SECONDS = 0.5
REGISTER_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Popped:
    """What was taken off a queue; `id` is a ticket's, unless somebody else put it there."""

    queue: str
    id: str


class TicketWorker(BaseWorker):
    """RQ's worker as its tools know it: named, registered and fed. Its `work` is our own.

    RQ's `perform_job` would run whatever function a job hash in Redis names. Here nothing named in Redis is
    imported or called: a ticket's id says a job and a stage, and that is all that is read of it.
    """

    def __init__(self, queues: list[str], *, name: str, connection: redis.Redis) -> None:
        super().__init__(queues, name=name, connection=connection, serializer=JSONSerializer, worker_ttl=60)

    def _set_connection(self, connection: redis.Redis) -> redis.Redis:
        # RQ would raise the socket timeout to minutes, and a Redis that hangs would hang us.
        return connection

    def work(self, *args: Any, **kwargs: Any) -> bool:
        """Not this way: see Taker."""
        raise RuntimeError("tickets are taken by Taker")

    def execute_job(self, job: Any, queue: Any) -> None:
        """Never: nothing that Redis names is run."""
        raise RuntimeError("a ticket is not executed")

    def ensure_registered(self) -> None:
        """Be known to RQ's tools, again after a FLUSHALL."""
        if not self.connection.exists(self.key):
            self.register_birth()  # type: ignore[no-untyped-call]
        self.heartbeat()

    def pop(self, queue_names: list[str], *, is_patient: bool) -> Popped | None:
        """What is at the head of the first of these queues that has something; if patient, waits up to POP_SECONDS."""
        keys = [Queue.redis_queue_namespace_prefix + name for name in queue_names]
        try:
            popped = Queue.lpop(keys, POP_SECONDS if is_patient else None, connection=self.connection)
        except DequeueTimeout:
            return None
        if popped is None:
            return None
        return Popped(text_of(popped[0]).removeprefix(Queue.redis_queue_namespace_prefix), text_of(popped[1]))


class Taker:
    """A thread that pops a ticket while a slot is free, has the journal claim by it, and forgets it."""

    def __init__(self, url: str, name: str, queues: list[str], room: Room, journal: Journal, turns: Turns) -> None:
        self._url = url
        self._name = name
        self._queues = queues
        self._room = room
        self._journal = journal
        self._turns = turns
        self._pops = itertools.count()
        self._looked_at = -LOOK_SECONDS
        self._is_stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="taker", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Take no further ticket."""
        self._is_stopped.set()

    def join(self, timeout: float) -> None:
        """Wait for the turn that is under way, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            try:
                self._serve()
            except LOST as error:
                log.warning("redis_lost", error=str(error))
                self._wait_for_redis()
                log.info("redis_back")
            except Exception:
                # Whatever somebody put into Redis, the next ticket is taken all the same.
                log.exception("ticket_not_taken")
                self._is_stopped.wait(RETRY_SECONDS)

    def _wait_for_redis(self) -> None:
        # At least once: a Redis may answer a ping and refuse everything else.
        while not self._is_stopped.wait(RETRY_SECONDS) and not self._is_reachable():
            pass

    def _is_reachable(self) -> bool:
        try:
            with connect(self._url, timeout=1.0) as connection:
                return bool(connection.ping())
        except LOST:
            return False

    def _serve(self) -> None:
        with connect(self._url, timeout=POP_TIMEOUT) as connection:
            worker = TicketWorker(self._queues, name=self._name, connection=connection)
            lists = TicketQueues(connection)
            registered_at = -REGISTER_SECONDS
            while not self._is_stopped.is_set():
                if time.monotonic() - registered_at >= REGISTER_SECONDS:
                    worker.ensure_registered()
                    registered_at = time.monotonic()
                self._take_turn(worker, lists)
            worker.register_death()  # type: ignore[no-untyped-call]

    def _take_turn(self, worker: TicketWorker, lists: TicketQueues) -> None:
        if time.monotonic() - self._looked_at >= LOOK_SECONDS:
            self._look_who_waits(lists)
        if not self._journal.is_claiming:
            # Whoever may not claim leaves the tickets to others.
            self._is_stopped.wait(ROOM_SECONDS)
            return
        queues = self._room.wait_for_queues(ROOM_SECONDS)
        popped = self._pop(worker, lists, queues) if queues else None
        if popped is None:
            return
        lists.finish(popped.id)
        ticket = Ticket.parse(popped.id)
        if ticket is None:
            return
        if self._is_stopped.is_set() or not self._journal.is_claiming:
            # Told while the pop was under way: others are to have it now, not with the dispatcher's next turn.
            lists.ensure(popped.queue, ticket.job_id, ticket.stage_no)
        else:
            self._journal.order(ticket.job_id, ticket.stage_no).result()

    def _pop(self, worker: TicketWorker, lists: TicketQueues, queues: list[str]) -> Popped | None:
        # In turn, so that no queue is served only when the ones before it are empty.
        first = next(self._pops) % len(queues)
        in_turn = queues[first:] + queues[:first]
        if self._turns.may_rest and (picked := self._pick(lists, in_turn)):
            return picked
        has_room_for_all = len(queues) == len(self._queues)
        popped = worker.pop(in_turn, is_patient=has_room_for_all)
        if popped is None and not has_room_for_all:
            # Not in Redis: the tickets of a queue that is full now are to be taken as soon as it is not.
            self._room.wait_for_queues(ROOM_SECONDS, besides=queues)
        return popped

    def _pick(self, lists: TicketQueues, queues: list[str]) -> Popped | None:
        """The first ticket of a job that does not rest here, though it may stand behind others."""
        for queue in queues:
            for ticket in lists.listed(queue):
                if not self._turns.rests(ticket.job_id) and lists.take(queue, ticket):
                    return Popped(queue, ticket.id)
        return None

    def _look_who_waits(self, lists: TicketQueues) -> None:
        listed = [ticket.job_id for queue in self._queues for ticket in lists.listed(queue)]
        self._turns.told_waiting(listed)
        self._looked_at = time.monotonic()
