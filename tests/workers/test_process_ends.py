"""How steps end that may not go on: cancelled, drained, or run by a process that lost its lease."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Connection, select

from jobcontrol_core.awake import awake_clock
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.sessions import live_stages
from jobcontrol_core.store.tables import steps
from workers.floor import LONG_LEASE, Floor
from workers.letters import Gate, letters


@pytest.fixture
def store_url(postgres_store_url: str) -> str:
    """PostgreSQL alone: what is at stake is who may still write, and there more than one may at a time."""
    return postgres_store_url


class Thread:
    """A plain handler that a test holds on its thread."""

    def __init__(self, *, is_listening: bool) -> None:
        self._is_listening = is_listening
        self.begun = threading.Event()
        self.go_on = threading.Event()

    def handler(self, ctx: Any, letter: str) -> str:
        self.begun.set()
        while not self.go_on.wait(0.005):
            if self._is_listening and ctx.cancelled:
                return "half"
        return letter


@pytest.fixture
def deaf() -> Iterator[Thread]:
    made = Thread(is_listening=False)
    yield made
    made.go_on.set()


@pytest.fixture
def listening() -> Iterator[Thread]:
    made = Thread(is_listening=True)
    yield made
    made.go_on.set()


async def test_a_cancelled_async_handler_ends_where_it_waits(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: len(gate.inside) == 3, "all letters are being spelled")
    floor.cancel(job_id)
    assert (await floor.ended(job_id)).status is JobStatus.CANCELLED
    assert gate.ends == {"cancelled": 3}
    assert floor.count(job_id, StepStatus.CANCELLED, "spell") == 3
    assert [one.outcome for one in floor.attempts(job_id, "a")] == ["STOPPED"]


async def test_a_cancelled_plain_function_that_listens_ends_its_step_cancelled(floor: Floor, listening: Thread) -> None:
    pipeline = letters(listening.handler, word="a")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(listening.begun.is_set, "the letter is being spelled")
    floor.cancel(job_id)
    assert (await floor.ended(job_id)).status is JobStatus.CANCELLED
    assert floor.step(job_id, "a").status is StepStatus.CANCELLED
    assert floor.output(job_id, "a") is None


async def test_a_job_stays_cancelling_until_a_function_that_does_not_listen_returns(floor: Floor, deaf: Thread) -> None:
    pipeline = letters(deaf.handler, word="ab", concurrency=1)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(deaf.begun.is_set, "the letter is being spelled")
    floor.cancel(job_id)
    assert floor.step(job_id, "b").status is StepStatus.CANCELLED
    assert floor.job(job_id).status is JobStatus.CANCELLING
    deaf.go_on.set()
    assert (await floor.ended(job_id)).status is JobStatus.CANCELLED
    assert (floor.step(job_id, "a").status, floor.output(job_id, "a")) == (StepStatus.COMPLETED, '"a"')


async def test_cancelling_one_job_leaves_another_alone(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a")
    floor.employ(pipeline)
    jobs = [floor.start(pipeline), floor.start(pipeline)]
    await floor.until(lambda: len(gate.inside) == 2, "both letters are being spelled")
    floor.cancel(jobs[0])
    assert (await floor.ended(jobs[0])).status is JobStatus.CANCELLED
    gate.open()
    await floor.completed(jobs[1])


async def test_a_drain_lets_a_step_end_that_ends_in_time_and_claims_nothing_more(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abc", concurrency=1)
    process = floor.employ(pipeline, drain_seconds=30.0)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside == ["a"], "the first letter is being spelled")
    draining = asyncio.create_task(process.drain())
    await asyncio.sleep(0)
    gate.open()
    await asyncio.wait_for(draining, 20)
    assert [step.status for step in floor.steps(job_id, "spell")] == [
        StepStatus.COMPLETED,
        StepStatus.PENDING,
        StepStatus.PENDING,
    ]
    assert floor.attempts(job_id, "b") == ()


async def test_a_drain_gives_a_slow_step_back_without_using_a_try(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the letter is being spelled")
    await process.drain()
    step = floor.step(job_id, "a")
    assert (step.status, step.attempt, step.tries) == (StepStatus.PENDING, 1, 0)
    assert [(one.outcome, one.used_a_try) for one in floor.attempts(job_id, "a")] == [("DRAINED", False)]
    gate.open()
    floor.employ(pipeline)
    with floor.dispatcher():
        await floor.completed(job_id)
    assert floor.step(job_id, "a").attempt == 2


async def test_a_drain_gives_back_what_a_function_that_does_not_listen_holds(floor: Floor, deaf: Thread) -> None:
    pipeline = letters(deaf.handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(deaf.begun.is_set, "the letter is being spelled")
    await process.drain()
    assert floor.step(job_id, "a").status is StepStatus.PENDING


async def test_a_drain_does_not_take_an_early_return_for_a_result(floor: Floor, listening: Thread) -> None:
    pipeline = letters(listening.handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(listening.begun.is_set, "the letter is being spelled")
    await process.drain()
    assert (floor.step(job_id, "a").status, floor.output(job_id, "a")) == (StepStatus.PENDING, None)


async def test_a_process_whose_machine_slept_longer_than_its_lease_stops_its_handlers_when_it_wakes(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the letter is being spelled")
    monkeypatch.setattr("jobcontrol_workers.process.awake_clock", lambda: awake_clock() + LONG_LEASE)
    process.check_trust()
    assert not process.may_claim
    await floor.until(lambda: floor.count(job_id, StepStatus.PENDING) == 1, "its step was given back")
    assert gate.ends == {"cancelled": 1}


async def test_a_lost_lease_stops_its_handlers_and_the_process_goes_on_under_a_new_session(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the letter is being spelled")
    old = process.session_id
    floor.store.write(release_session, old, "lease ran out", Interrupted("LOST"))
    new = process.lose_lease()
    assert new == process.session_id != old
    await floor.until(lambda: gate.ends["cancelled"] == 1, "the handler was stopped")
    gate.open()
    with floor.dispatcher():
        await floor.completed(job_id)
    assert [(one.outcome, one.session_id) for one in floor.attempts(job_id, "a")] == [("LOST", old)]
    assert floor.store.read(_session_of, job_id, "a") == new


async def test_the_late_outcome_of_a_lost_lease_is_refused(floor: Floor, deaf: Thread) -> None:
    pipeline = letters(deaf.handler, word="a", concurrency=2)
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(deaf.begun.is_set, "the letter is being spelled")
    floor.store.write(release_session, process.session_id, "lease ran out", Interrupted("LOST"))
    process.lose_lease()
    deaf.begun.clear()
    with floor.dispatcher():
        await floor.until(deaf.begun.is_set, "the letter is being spelled again while the first attempt goes on")
        deaf.go_on.set()
        await floor.completed(job_id)
    assert floor.step(job_id, "a").attempt == 2
    assert [one.outcome for one in floor.attempts(job_id, "a")] == ["LOST"]


async def test_without_renewals_handlers_stop_before_the_lease_ends_and_nothing_is_claimed(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="ab", concurrency=1)
    process = floor.employ(pipeline, lease=2.0)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside == ["a"], "the first letter is being spelled")
    process.check_trust()
    assert not gate.ends

    def is_stopped() -> bool:
        process.check_trust()
        return gate.ends["cancelled"] == 1

    await floor.until(is_stopped, "the handler was stopped")
    assert floor.store.read(live_stages), "its session is still alive"
    await floor.until(lambda: floor.count(job_id, StepStatus.PENDING) == 2, "its step was given back")
    assert gate.inside == ["a"]
    assert [one.outcome for one in floor.attempts(job_id, "a")] == ["LOST"]


async def test_with_the_next_renewal_a_process_claims_again(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a")
    process = floor.employ(pipeline, lease=0.3)

    def is_distrusted() -> bool:
        process.check_trust()
        return not process.may_claim

    await floor.until(is_distrusted, "the process may not claim")
    job_id = floor.start(pipeline)
    gate.open()
    with floor.dispatcher():

        def is_over() -> bool:
            process.renewed(awake_clock())
            return floor.job(job_id).status.has_ended

        await floor.until(is_over, "the job has ended")


def _session_of(tx: Connection, job_id: str, key: str) -> str | None:
    found = tx.execute(select(steps.c.session_id).where(steps.c.job_id == job_id, steps.c.key == key))
    session_id: str | None = found.scalar_one()
    return session_id
