"""Fair turns as worker processes take them: how much of a big job is begun while a small one waits."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from jobcontrol.pipeline import Pipeline
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_workers import taker, turns
from jobcontrol_workers.taker import Taker
from workers.floor import Floor

PROCESSES, SLOTS = 2, 3
MANY = 1_000


class Turnstile:
    """Steps of one pipeline, each of which ends when the test lets one through, the longest-running first."""

    def __init__(self) -> None:
        #: The names of the steps' jobs, in the order in which the steps began.
        self.begun: list[str] = []
        #: How many had begun when a job's stage became claimable, and when its first step began.
        self.claimable: dict[tuple[str, str], int] = {}
        self.claimed: dict[tuple[str, str], int] = {}
        self._permits = asyncio.Semaphore(0)
        self._left: Counter[str] = Counter()
        self.pipeline = self._pipeline()

    def let_one_through(self) -> None:
        self._permits.release()

    def waits(self, name: str) -> dict[str, int]:
        """Per stage of this job: how many steps of others began between its becoming claimable and its claim."""
        return {
            stage: self.begun[begun : self.claimed[job, stage]].count("big")
            for (job, stage), begun in self.claimable.items()
            if job == name
        }

    def _pipeline(self) -> Pipeline:
        pipeline = Pipeline("turnstile")
        pipeline.stage("split", weight=0.2, concurrency=SLOTS)(self._split)
        pipeline.stage("spell", weight=0.8, concurrency=SLOTS)(self._spell)
        pipeline.finish(self._finish)
        return pipeline

    async def _split(self, ctx: Any, _input: Any) -> Any:
        name, letters = ctx.parameters["name"], ctx.parameters["letters"]
        await self._pass(name, "split")
        self._left[name] = letters
        self.claimable[name, "spell"] = len(self.begun)
        return ctx.fan_out("spell", range(letters), key=str)

    async def _spell(self, ctx: Any, letter: Any) -> Any:
        name = ctx.parameters["name"]
        await self._pass(name, "spell")
        self._left[name] -= 1
        if not self._left[name]:
            self.claimable[name, "finalize"] = len(self.begun)
        return letter

    async def _finish(self, ctx: Any, _input: Any, _results: Any) -> None:
        await self._pass(ctx.parameters["name"], "finalize")

    async def _pass(self, name: str, stage: str) -> None:
        self.claimed.setdefault((name, stage), len(self.begun))
        self.begun.append(name)
        await self._permits.acquire()


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> Counter[Taker]:
    """How often each process has looked who waits; no slice outlasts such a look."""
    counted: Counter[Taker] = Counter()
    take_turn: Callable[..., None] = Taker._take_turn

    def count(own: Taker, *args: Any) -> None:
        take_turn(own, *args)
        counted[own] += 1

    monkeypatch.setattr(Taker, "_take_turn", count)
    monkeypatch.setattr(taker, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(taker, "ROOM_SECONDS", 0.01)
    monkeypatch.setattr(turns, "SLICE_SECONDS", 0.0)
    return counted


async def test_a_small_job_waits_per_stage_for_two_free_slots_of_each_process_at_most_beside_a_big_one(
    floor: Floor, looks: Counter[Taker]
) -> None:
    steps = Turnstile()
    for _ in range(PROCESSES):
        floor.employ(steps.pipeline, worker_slots=SLOTS)
    big = floor.start(steps.pipeline, name="big", letters=MANY)
    steps.let_one_through()
    with floor.dispatcher():
        await floor.until(lambda: len(steps.begun) == 1 + PROCESSES * SLOTS, "the big job holds every slot")
        steps.claimable["small", "split"] = len(steps.begun)
        small = floor.start(steps.pipeline, name="small", letters=3)
        while not floor.job(small).status.has_ended:
            await _settled(floor, looks, {big, small})
            await _turn(floor, steps)
    # One slot that the big job takes again with the outcome that frees it, and one while the small job, too, rests.
    assert all(wait <= 2 * PROCESSES for wait in steps.waits("small").values()), steps.waits("small")
    floor.cancel(big)


async def test_a_build_of_a_higher_priority_is_served_before_those_that_wait_longer(
    floor: Floor, looks: Counter[Taker]
) -> None:
    steps = Turnstile()
    floor.employ(steps.pipeline, worker_slots=1)
    floor.start(steps.pipeline, name="first", letters=1)
    await floor.until(lambda: steps.begun, "the only slot is held")
    # A pop that was under way may not take the next ticket: the process would keep it in mind.
    await floor.until(lambda: looks, "the turn of the first ticket has ended")
    await _looked(floor, looks)
    waiting = [floor.start(steps.pipeline, name=name, letters=1) for name in ("second", "third")]
    await floor.until(lambda: len(floor.listed("turnstile-split")) == 2, "two builds wait")
    urgent = floor.start(steps.pipeline, name="urgent", letters=1, priority=1)
    await floor.until(lambda: len(floor.listed("turnstile-split")) == 3, "an urgent one waits, too")
    for _ in range(4 * 3):
        steps.let_one_through()
    for job_id in (*waiting, urgent):
        await floor.completed(job_id)
    assert steps.claimed["urgent", "split"] < min(steps.claimed["second", "split"], steps.claimed["third", "split"])


async def _turn(floor: Floor, steps: Turnstile) -> None:
    """One step ends, and another begins in its place."""
    begun = len(steps.begun)
    steps.let_one_through()
    await floor.until(lambda: len(steps.begun) > begun, "the slot that fell free is taken")


async def _settled(floor: Floor, looks: Counter[Taker], jobs: set[str]) -> None:
    """Every slot is held and recorded as such, and every process knows who waits."""

    def running() -> int:
        return sum(floor.count(job, StepStatus.PROCESSING) for job in jobs)

    await floor.until(lambda: running() == PROCESSES * SLOTS, "every slot is held")
    await _looked(floor, looks)


async def _looked(floor: Floor, looks: Counter[Taker]) -> None:
    """Every process has ended the turn it was in, and looked who waits since."""
    last = {one: looks[one] + 2 for one in looks}
    await floor.until(lambda: all(looks[one] >= count for one, count in last.items()), "every process has looked")
