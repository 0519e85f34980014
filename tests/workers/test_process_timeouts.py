"""Handlers that run longer than their stage allows."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from jobcontrol.pipeline import Pipeline, Retry
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_workers import deadlines
from workers.floor import Floor
from workers.letters import Gate, letters

ONCE = Retry(max_attempts=1)


@pytest.fixture
def let_go() -> Iterator[threading.Event]:
    """Set at the end, so that no thread stays behind."""
    event = threading.Event()
    yield event
    event.set()


@pytest.fixture
def _no_grace(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "STOP_GRACE", 0.0)


async def test_an_async_handler_is_cancelled_when_its_time_is_over_and_every_try_counts(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a", timeout=0.05)
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    assert (await floor.ended(job_id)).status is JobStatus.FAILED
    assert gate.ends == {"cancelled": 3}
    step = floor.step(job_id, "a")
    assert (step.status, step.failure, step.tries) == (StepStatus.FAILED, FailureReason.TIMED_OUT, 3)
    assert {(one.outcome, one.used_a_try) for one in floor.attempts(job_id, "a")} == {("TIMED_OUT", True)}
    assert floor.dead_letters(job_id) == ["a"]
    assert process.may_claim


async def test_a_plain_function_that_listens_ends_timed_out_and_its_process_goes_on(
    floor: Floor, let_go: threading.Event
) -> None:
    def spell(ctx: Any, letter: str) -> str:
        while not ctx.cancelled and not let_go.wait(0.005):
            pass
        return letter

    pipeline = letters(spell, word="a", timeout=0.05, retry=ONCE)
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.ended(job_id)
    assert floor.step(job_id, "a").failure is FailureReason.TIMED_OUT
    assert process.may_claim


async def test_a_handler_within_its_time_is_left_alone(floor: Floor) -> None:
    pipeline = letters(timeout=60.0)
    floor.employ(pipeline)
    await floor.completed(floor.start(pipeline))


@pytest.mark.usefixtures("_no_grace")
async def test_a_function_that_does_not_listen_is_given_up_and_its_process_retires(
    floor: Floor, let_go: threading.Event
) -> None:
    def spell(_ctx: Any, letter: str) -> str:
        let_go.wait()
        return letter

    pipeline = letters(spell, word="a", timeout=0.05, retry=ONCE)
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.count(job_id, StepStatus.FAILED, "spell") == 1, "the step is given up")
    assert floor.step(job_id, "a").failure is FailureReason.TIMED_OUT
    assert not process.may_claim
    await floor.until(lambda: process.has_retired, "the process has retired while the function goes on")


@pytest.mark.usefixtures("_no_grace")
async def test_the_other_steps_of_a_retiring_process_may_end(floor: Floor, let_go: threading.Event) -> None:
    """The build's finish waits behind a gate while a letter of another build is given up."""
    gate = Gate()
    pipeline = Pipeline("two-stages")

    async def split(ctx: Any, _input: Any) -> Any:
        return (
            ctx.fan_out("stubborn", ["a"], key=str) if ctx.parameters["is_stubborn"] else await gate.handler(ctx, "b")
        )

    def stubborn(_ctx: Any, letter: str) -> str:
        let_go.wait()
        return letter

    async def join(_ctx: Any, _input: Any, _results: Any) -> None:
        return None

    pipeline.stage("split", weight=0.5)(split)
    pipeline.stage("stubborn", weight=0.5, timeout=0.05, retry=ONCE)(stubborn)
    pipeline.finish(join)
    process = floor.employ(pipeline)
    patient = floor.start(pipeline, is_stubborn=False)
    await floor.until(lambda: gate.inside, "the patient step runs")
    hung = floor.start(pipeline, is_stubborn=True)
    await floor.until(lambda: floor.count(hung, StepStatus.FAILED) == 1, "the stubborn step is given up")
    assert not process.has_retired
    gate.open()
    await floor.until(lambda: process.has_retired, "the process has retired")
    assert floor.count(patient, StepStatus.COMPLETED, "split") == 1


@pytest.mark.usefixtures("_no_grace")
async def test_a_coroutine_that_swallows_its_cancellation_is_given_up(floor: Floor) -> None:
    done = asyncio.Event()

    async def spell(_ctx: Any, letter: str) -> str:
        while not done.is_set():
            try:
                await done.wait()
            except asyncio.CancelledError:
                continue
        return letter

    pipeline = letters(spell, word="a", timeout=0.05, retry=ONCE)
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.count(job_id, StepStatus.FAILED, "spell") == 1, "the step is given up")
    await floor.until(lambda: process.has_retired, "the process has retired")
    done.set()
    assert floor.step(job_id, "a").failure is FailureReason.TIMED_OUT
