"""What a process wants to claim next: by the tickets it took, and from jobs that it knows have more."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from jobcontrol_core.domain.outcomes import StepOutcome, Succeeded
from jobcontrol_core.domain.values import Build
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.exchange import Exchanged, Waiting
from jobcontrol_workers.registry import Registry, Served, StageKey
from jobcontrol_workers.room import Room
from jobcontrol_workers.turns import Turns

BUILDS_KEPT = 256

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Errand:
    """The wishes of one exchange, and the builds of the jobs they name; `left` are tickets without room here."""

    wishes: tuple[ClaimWish, ...] = ()
    builds: Mapping[str, Build] = field(default_factory=dict)
    left: tuple[Waiting, ...] = ()


@dataclass(frozen=True, slots=True)
class Known:
    """A stage of a job that is taken to hold more steps."""

    build: Build
    served: Served


class Appetite:
    """Used by the journal's thread.

    A stage of a job that is known to hold more steps is claimed from again without a ticket; several take
    turns. That ends with the job's turn: its stages get tickets like everybody else's.
    """

    def __init__(
        self,
        registry: Registry,
        room: Room,
        read_build: Callable[[str], Build | None],
        turns: Turns,
    ) -> None:
        self._registry = registry
        self._room = room
        self._read_build = read_build
        self._turns = turns
        self._builds: OrderedDict[str, Build] = OrderedDict()
        #: In the order in which they are served next.
        self._known: dict[Place, Known] = {}

    @property
    def is_hungry(self) -> bool:
        """True if there is room for steps of a known place, or one is to be left to others. Asks no database."""
        return any(
            self._room.of_stage(known.served) > 0 or self._turns.is_over(known.build.job_id)
            for known in self._known.values()
        )

    def seconds_to_hunger(self) -> float | None:
        """Until a queue opens that was closed by its limits, if a known place may wait for it."""
        return self._room.seconds_to_opening() if self._known else None

    def choose(self, tickets: Sequence[Place], outcomes: Sequence[StepOutcome] = ()) -> Errand:
        """Wishes for the tickets first, then for known places; no more than can start at once.

        Known is also what these outcomes, of the same exchange, bring forth.
        """
        for place in self._births(outcomes):
            if not self._turns.rests(place[0]):
                self._learn(place)
        for place in tickets:
            self._learn(place)
        known = [place for place in self._known if not self._turns.is_over(place[0])]
        wishes: dict[str, dict[int, int]] = {}
        builds: dict[str, Build] = {}
        planned: Counter[StageKey] = Counter()
        for place in dict.fromkeys([*(ticket for ticket in tickets if ticket in self._known), *known]):
            one = self._known[place]
            # Two jobs may ask for the same stage, and all stages share the process's slots.
            room = min(self._room.of_stage(one.served) - planned[one.served.key], self._room.free - planned.total())
            if room > 0:
                planned[one.served.key] += room
                builds[one.build.job_id] = one.build
                wishes.setdefault(one.build.job_id, {})[place[1]] = room
                self._turns.begin(one.build.job_id)
                self._known[place] = self._known.pop(place)
        # The room may be taken while the pop is under way: such a ticket is kept in mind here, and left to others.
        left = tuple(
            _waiting(place, self._known[place])
            for place in dict.fromkeys(tickets)
            if place in self._known and place[1] not in wishes.get(place[0], {})
        )
        return Errand(tuple(ClaimWish(job_id, room) for job_id, room in wishes.items()), builds, left)

    def digest(self, errand: Errand, exchanged: Exchanged) -> tuple[Waiting, ...]:
        """Learn from an exchange; returns the stages that are left to others and need a ticket."""
        for closed in exchanged.closed:
            self._room.close(closed.queue, closed.seconds, is_full=closed.is_full)
        waiting = {(one.job_id, one.stage_no): one for one in exchanged.waiting}
        self._forget_emptied(errand, exchanged, waiting)
        for place in waiting:
            if not self._turns.rests(place[0]):
                self._learn(place)
        # What does not fit here may fit elsewhere.
        left = {(one.job_id, one.stage_no): one for one in errand.left}
        left |= {place: one for place, one in waiting.items() if not self._has_room(place)}
        return tuple({**left, **self._end_turns()}.values())

    def _forget_emptied(self, errand: Errand, exchanged: Exchanged, waiting: Mapping[Place, Waiting]) -> None:
        """A place that gave less than was wished for, or all it had, has no more claimable steps."""
        got = Counter((claimed.step.job_id, claimed.step.stage_no) for claimed in exchanged.claimed)
        for wish in errand.wishes:
            for stage_no, room in wish.room.items():
                place = (wish.job_id, stage_no)
                if got[place] < room or place not in waiting:
                    self._known.pop(place, None)
            if all(job_id != wish.job_id for job_id, _ in self._known):
                self._turns.leave(wish.job_id)

    def _end_turns(self) -> dict[Place, Waiting]:
        over = [place for place in self._known if self._turns.is_over(place[0])]
        for job_id in {job_id for job_id, _ in over}:
            self._turns.end(job_id)
        return {place: _waiting(place, self._known.pop(place)) for place in over}

    def _births(self, outcomes: Sequence[StepOutcome]) -> Iterator[Place]:
        """The stages of the outcomes' children; and finalize, where a job has nothing else that is known."""
        busy = {job_id for job_id, _ in self._known}
        for outcome in outcomes:
            children = outcome.outcome.children if isinstance(outcome.outcome, Succeeded) else ()
            yield from {(outcome.job_id, child.stage_no) for child in children}
            build = self._builds.get(outcome.job_id)
            if build is not None and not children and outcome.job_id not in busy:
                yield outcome.job_id, len(build.stages) - 1

    def _has_room(self, place: Place) -> bool:
        known = self._known.get(place)
        return known is not None and self._room.of_stage(known.served) > 0

    def _learn(self, place: Place) -> None:
        """Know a place from now on, if this process runs its stage."""
        job_id, stage_no = place
        build = None if place in self._known else self._build(job_id)
        if build is None or stage_no >= len(build.stages):
            return
        stage = build.stages[stage_no]
        served = self._registry.find((build.pipeline, stage.name, stage.version))
        if served is not None:
            self._known[place] = Known(build, served)

    def _build(self, job_id: str) -> Build | None:
        """The job's build, kept once read; None for a ticket that names no job there is."""
        build = self._builds.get(job_id) or self._read_build(job_id)
        if build is not None:
            self._builds[job_id] = build
            self._builds.move_to_end(job_id)
            if len(self._builds) > BUILDS_KEPT:
                self._builds.popitem(last=False)
        return build


def _waiting(place: Place, known: Known) -> Waiting:
    job_id, stage_no = place
    return Waiting(job_id, stage_no, known.build.stages[stage_no].queue)
