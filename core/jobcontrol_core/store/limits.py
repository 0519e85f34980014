"""Limits in force: which of the steps that a claim has locked may start now, counted for all workers in one place.

The rows of limited and paused queues are locked after the jobs, by name; what is counted cannot move until the
commit. A running step is a PROCESSING row, so nothing has to be given back when it ends, however it ends.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import zip_longest

from sqlalchemy import Connection, func, select, update

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.limits import Grants
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.ledger import Ledger
from jobcontrol_core.store.rows import Row, to_limits
from jobcontrol_core.store.tables import job_stages, queues, steps

#: When to ask a queue again that is paused, or whose steps that run are as many as may: seconds.
PAUSED_SECONDS = 1.0
FULL_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Closed:
    """A queue that gave less than was asked for; asking again makes sense after `seconds`.

    `is_full` = as many of its steps run as may, so the end of any of them is a reason to ask, too.
    """

    queue: str
    seconds: float
    is_full: bool


def grant(ledger: Ledger, candidates: Sequence[Row]) -> tuple[list[Row], tuple[Closed, ...]]:
    """Those of the candidates, locked PENDING steps, that their queues let start now, jobs taking turns.

    Also writes the holds that this transaction's outcomes asked for.
    """
    asked: dict[str, list[Row]] = defaultdict(list)
    for row in candidates:
        asked[ledger.entries[row["job_id"]].stages[row["stage_no"]].queue].append(row)
    gated = {queue for queue in asked if ledger.is_gated(queue)} | ledger.holds.keys()
    if not gated:
        return list(candidates), ()
    refused: set[str] = set()
    closed = []
    gates = _lock(ledger, gated)
    for gate in gates:
        rows = _in_turns(asked[gate.name])
        granted = gate.admit(len(rows))
        if granted < len(rows):
            closed.append(Closed(gate.name, gate.seconds_to_opening, gate.is_full))
        refused |= {row["id"] for row in rows[granted:]}
        gate.write(ledger.tx)
    return [row for row in candidates if row["id"] not in refused], tuple(closed)


class Gate:
    """One queue, its row locked."""

    def __init__(self, row: Row, now: datetime, hold: timedelta | None) -> None:
        self.name: str = row["name"]
        self._now = now
        self._is_paused: bool = row["is_paused"]
        self._limits = to_limits(row)
        self._grants = Grants(self._limits, row["grants"], now)
        self._held_until: datetime | None = row["held_until"]
        self._running = 0
        self._changes: dict[str, object] = {}
        if hold is not None and self._limits.rate is not None:
            self._held_until = max(now + hold, self._held_until or now)
            self._changes["held_until"] = self._held_until

    @property
    def counts_running(self) -> bool:
        return self._limits.max_running is not None

    def told_running(self, count: int) -> None:
        """How many steps of the queue run now."""
        self._running = count

    def admit(self, asked: int) -> int:
        """Let up to `asked` steps start; returns how many."""
        granted = min(asked, self._room())
        if granted and self._limits.rate is not None:
            self._changes["grants"] = self._grants.take(granted)
        self._running += granted
        return granted

    @property
    def seconds_to_opening(self) -> float:
        """After a refusal: when the queue may let another step start."""
        if self._is_paused:
            return PAUSED_SECONDS
        wait = (self.opens_at - self._now).total_seconds()
        return max(wait, FULL_SECONDS) if self.is_full else wait

    @property
    def opens_at(self) -> datetime:
        """When rate and hold let another step start; now, if they do."""
        opens_at = self._grants.opens_at if self._limits.rate is not None else self._now
        return opens_at if self._held_until is None else max(opens_at, self._held_until)

    def write(self, tx: Connection) -> None:
        if self._changes:
            tx.execute(update(queues).where(queues.c.name == self.name).values(**self._changes))

    @property
    def is_full(self) -> bool:
        """True if as many of its steps run as may."""
        return self._limits.max_running is not None and self._running >= self._limits.max_running

    def _room(self) -> int:
        if self._is_paused or (self._held_until is not None and self._held_until > self._now):
            return 0
        rooms = [1_000_000]
        if self._limits.max_running is not None:
            rooms.append(max(0, self._limits.max_running - self._running))
        if self._limits.rate is not None:
            rooms.append(self._grants.free)
        return min(rooms)


def count_running(tx: Connection, names: Iterable[str]) -> dict[str, int]:
    """How many steps of each of these queues run; a queue without any is left out."""
    runs = (steps.c.job_id == job_stages.c.job_id) & (steps.c.stage_no == job_stages.c.stage_no)
    found = tx.execute(
        select(job_stages.c.queue, func.count().label("running"))
        .select_from(steps.join(job_stages, runs))
        .where(steps.c.status == StepStatus.PROCESSING, job_stages.c.queue.in_(sorted(names)))
        .group_by(job_stages.c.queue)
    )
    return {row.queue: row.running for row in found}


def _lock(ledger: Ledger, names: Iterable[str]) -> list[Gate]:
    locked = ledger.tx.execute(
        select(queues).where(queues.c.name.in_(sorted(names))).order_by(queues.c.name).with_for_update()
    )
    rows = locked.mappings().all()
    # Read after the wait: a window that is counted from before it would be too short.
    now = read_now(ledger.tx)
    gates = [Gate(row, now, ledger.holds.get(row["name"])) for row in rows]
    running: Mapping[str, int] = {}
    if counted := [gate.name for gate in gates if gate.counts_running]:
        running = count_running(ledger.tx, counted)
    for gate in gates:
        gate.told_running(running.get(gate.name, 0))
    return gates


def _in_turns(rows: Sequence[Row]) -> list[Row]:
    """One of each job after the other, so that no job gets all of what a queue lets through."""
    by_job: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_job[row["job_id"]].append(row)
    return [row for turn in zip_longest(*by_job.values()) for row in turn if row is not None]
