"""What a process wants to claim next: by the tickets it took, and from jobs that it knows have more."""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from jobcontrol_core.domain.values import Build
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.exchange import Exchanged, Waiting
from jobcontrol_workers.registry import Registry, Served, StageKey
from jobcontrol_workers.room import Room

#: How long one job's stage is served without a ticket while other jobs wait.
SLICE_SECONDS = 0.100
_BUILDS_KEPT = 256

Place = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Errand:
    """The wishes of one exchange, and the builds of the jobs they name."""

    wishes: tuple[ClaimWish, ...] = ()
    builds: Mapping[str, Build] = field(default_factory=dict)


class Appetite:
    """Used by the journal's thread, but for `told_waiting_jobs`, which any thread may call.

    A stage of a job that is known to hold more steps is claimed from again without a ticket. While other
    jobs have tickets in the queues that ends after a slice: the stage gets a ticket like everybody else.
    """

    def __init__(
        self, registry: Registry, room: Room, read_build: Callable[[str], Build | None], can_push: Callable[[], bool]
    ) -> None:
        self._registry = registry
        self._room = room
        self._read_build = read_build
        self._can_push = can_push
        self._builds: OrderedDict[str, Build] = OrderedDict()
        self._more: dict[Place, float] = {}
        self._waiting_jobs: frozenset[str] = frozenset()

    def told_waiting_jobs(self, job_ids: Iterable[str]) -> None:
        """The jobs that have tickets in this process's queues."""
        self._waiting_jobs = frozenset(job_ids)

    @property
    def is_hungry(self) -> bool:
        """True if a known place has more steps, its slice is not over, and there is room for them."""
        return any(self._room_at(place) > 0 for place in self._open_places())

    def choose(self, tickets: Sequence[Place]) -> Errand:
        """Wishes for the tickets first, then for known places; no more than can start at once."""
        wishes: dict[str, dict[int, int]] = {}
        builds: dict[str, Build] = {}
        planned: Counter[StageKey] = Counter()
        for place in dict.fromkeys([*tickets, *self._open_places()]):
            build, served = self._build(place[0]), self._served_at(place)
            if build is None or served is None:
                continue
            # Two jobs may ask for the same stage, and all stages share the process's slots.
            room = min(self._room.of_stage(served) - planned[served.key], self._room.free - planned.total())
            if room > 0:
                planned[served.key] += room
                builds[build.job_id] = build
                wishes.setdefault(build.job_id, {})[place[1]] = room
        return Errand(tuple(ClaimWish(job_id, room) for job_id, room in wishes.items()), builds)

    def digest(self, errand: Errand, exchanged: Exchanged) -> tuple[Waiting, ...]:
        """Learn from an exchange; returns the stages that are left to others and need a ticket."""
        self._forget_emptied(errand, exchanged)
        now = time.monotonic()
        for_others = []
        for waiting in exchanged.waiting:
            place = (waiting.job_id, waiting.stage_no)
            if self._served_at(place) is None:
                for_others.append(waiting)
                continue
            since = self._more.setdefault(place, now)
            if self._is_slice_over(place, since, now):
                del self._more[place]
                for_others.append(waiting)
            elif self._room_at(place) <= 0:
                # What does not fit here may fit elsewhere.
                for_others.append(waiting)
        return tuple(for_others)

    def _open_places(self) -> list[Place]:
        now = time.monotonic()
        return [place for place, since in list(self._more.items()) if not self._is_slice_over(place, since, now)]

    def _is_slice_over(self, place: Place, since: float, now: float) -> bool:
        has_others = bool(self._waiting_jobs - {place[0]})
        return has_others and now - since > SLICE_SECONDS and self._can_push()

    def _forget_emptied(self, errand: Errand, exchanged: Exchanged) -> None:
        """A place that gave less than was wished for has no more claimable steps."""
        for wish in errand.wishes:
            for stage_no, room in wish.room.items():
                got = sum(
                    1
                    for claimed in exchanged.claimed
                    if claimed.step.job_id == wish.job_id and claimed.step.stage_no == stage_no
                )
                if got < room:
                    self._more.pop((wish.job_id, stage_no), None)

    def _room_at(self, place: Place) -> int:
        served = self._served_at(place)
        return self._room.of_stage(served) if served is not None else 0

    def _served_at(self, place: Place) -> Served | None:
        job_id, stage_no = place
        build = self._build(job_id)
        if build is None or stage_no >= len(build.stages):
            return None
        stage = build.stages[stage_no]
        return self._registry.find((build.pipeline, stage.name, stage.version))

    def _build(self, job_id: str) -> Build | None:
        """The job's build, kept once read; None for a ticket that names no job there is."""
        build = self._builds.get(job_id) or self._read_build(job_id)
        if build is not None:
            self._builds[job_id] = build
            if len(self._builds) > _BUILDS_KEPT:
                self._builds.popitem(last=False)
        return build
