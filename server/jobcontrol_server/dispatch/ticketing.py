"""Pushes the tickets that are wanted and not listed; priority and fair turns live here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import count, groupby

import redis

from jobcontrol_core.bus.tickets import Ticket, TicketQueues
from jobcontrol_core.store.demand import Demand, read_demand
from jobcontrol_core.store.engine import Store

#: A list is kept at least this long, and at twice the tickets that its processes could take.
SHORTEST_LIST = 16


class Ticketing:
    """Lists are short and topped up from SQL, so a job of a million steps costs Redis as little as one of ten."""

    def __init__(self, store: Store, connection: redis.Redis) -> None:
        self._store = store
        self._queues = TicketQueues(connection)

    def top_up(self) -> None:
        """See that every queue lists what `read_demand` wants, in its order."""
        demand = sorted(self._store.read(read_demand), key=lambda one: one.queue)
        for queue, wanted in groupby(demand, key=lambda one: one.queue):
            self._top_up_queue(queue, list(wanted))

    def _top_up_queue(self, queue: str, demand: Sequence[Demand]) -> None:
        tickets = missing_tickets(demand, self._queues.listed(queue))
        if tickets:
            self._queues.push(queue, tickets)


def missing_tickets(demand: Sequence[Demand], listed: Sequence[Ticket]) -> list[Ticket]:
    """The tickets to push so that each demand is listed as often as wanted, as long as the list stays short."""
    longest = max(SHORTEST_LIST, 2 * max(one.wanted for one in demand))
    held = Counter((ticket.job_id, ticket.stage_no) for ticket in listed)
    taken = {ticket.id for ticket in listed}
    missing: list[Ticket] = []
    for one in demand:
        room = longest - len(listed) - len(missing)
        short_of = min(one.wanted - held[one.job_id, one.stage_no], room)
        fresh = (Ticket(one.job_id, one.stage_no, number) for number in count())
        for _ in range(max(0, short_of)):
            ticket = next(candidate for candidate in fresh if candidate.id not in taken)
            missing.append(ticket)
    return missing
