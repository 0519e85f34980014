"""Tickets: an RQ job that says "job J has claimable steps in stage S". It is a licence to claim, no more."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import redis
from rq import Queue
from rq.job import Job as RqJob
from rq.serializers import JSONSerializer

#: What RQ's tools show as the job's function. Nobody imports or calls it.
FUNCTION = "jobcontrol.ticket"
#: An RQ job that something else than our workers took stays visible for this many seconds.
FAILURE_SECONDS = 60
TIMEOUT_SECONDS = 60

#: Strict, because what it lets through is asked of the database.
_TICKET_ID = re.compile(r"([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})-([0-9]{1,4})-([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One of the tickets of a stage of a job; `number` tells them apart."""

    job_id: str
    stage_no: int
    number: int

    @property
    def id(self) -> str:
        return f"{self.job_id}-{self.stage_no}-{self.number}"

    @classmethod
    def parse(cls, ticket_id: str) -> Self | None:
        """The ticket of this id; None for anything that is not one of ours."""
        found = _TICKET_ID.fullmatch(ticket_id)
        return cls(found[1], int(found[2]), int(found[3])) if found else None


class TicketQueues:
    """The lists that RQ keeps, by queue name. Every method raises what a lost Redis raises."""

    def __init__(self, connection: redis.Redis) -> None:
        self._connection = connection

    def listed(self, queue: str) -> list[Ticket]:
        """The tickets that the queue's list holds now: the only evidence of tickets there is."""
        # Read here and not by RQ, which stumbles over an id that is no text: anybody may write to Redis.
        ids = map(text_of, self._connection.lrange(self._queue(queue).key, 0, -1))
        return [ticket for ticket in map(Ticket.parse, ids) if ticket is not None]

    def push(self, queue: str, tickets: Iterable[Ticket], *, at_front: bool = False) -> None:
        """Put tickets at the end of the queue, or at its front."""
        target = self._queue(queue)
        with self._connection.pipeline(transaction=False) as pipeline:
            for ticket in tickets:
                job = target.create_job(
                    FUNCTION,
                    args=(ticket.job_id, ticket.stage_no),
                    job_id=ticket.id,
                    timeout=TIMEOUT_SECONDS,
                    result_ttl=0,
                    failure_ttl=FAILURE_SECONDS,
                )
                target.enqueue_job(job, pipeline=pipeline, at_front=at_front)
            pipeline.execute()

    def ensure(self, queue: str, job_id: str, stage_no: int, *, at_front: bool = False) -> None:
        """Push a ticket for this stage, unless the list holds one."""
        if not any(ticket.job_id == job_id and ticket.stage_no == stage_no for ticket in self.listed(queue)):
            self.push(queue, [Ticket(job_id, stage_no, 0)], at_front=at_front)

    def take(self, queue: str, ticket: Ticket) -> bool:
        """Take this ticket off the queue, wherever it stands; False if somebody was quicker."""
        return bool(self._connection.lrem(self._queue(queue).key, 1, ticket.id))

    def finish(self, ticket_id: str) -> None:
        """Forget a ticket that was taken off its list."""
        self._connection.delete(RqJob.key_for(ticket_id))

    def _queue(self, name: str) -> Queue:
        return Queue(name, connection=self._connection, serializer=JSONSerializer)


def text_of(told: bytes | str) -> str:
    """What Redis answered as text, whatever bytes it holds."""
    return told if isinstance(told, str) else told.decode(errors="replace")
