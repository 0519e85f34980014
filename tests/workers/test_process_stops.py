"""Handlers whose job is stopped: those that listen, those that must be interrupted, those that go on."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, StopReceipt
from workers.floor import Floor
from workers.letters import Gate, letters

PATIENT, SHORT = 300.0, 0.2


class Inside:
    """Says that a handler runs, and lets its thread go at the end of the test."""

    def __init__(self) -> None:
        self.count = 0
        self.over = threading.Event()


@pytest.fixture
def inside() -> Iterator[Inside]:
    told = Inside()
    yield told
    told.over.set()


async def _cancelled(floor: Floor, handler: Callable[..., Any], has_begun: Callable[[], object], grace: float) -> Any:
    """The process that ran it and the letter's step, once its build has been cancelled."""
    pipeline = letters(handler, word="a")
    process = floor.employ(pipeline, stop_grace_seconds=grace)
    job_id = floor.start(pipeline)
    await floor.until(has_begun, "the handler runs")
    floor.cancel(job_id)
    assert (await floor.ended(job_id)).status is JobStatus.CANCELLED
    step = floor.step(job_id, "a")
    assert step.status is StepStatus.CANCELLED
    assert [(one.outcome, one.used_a_try) for one in floor.attempts(job_id, "a")] == [("STOPPED", False)]
    return process, step.stop_receipt


async def test_a_coroutine_is_cancelled_at_once_and_its_process_goes_on(floor: Floor) -> None:
    gate = Gate()
    process, receipt = await _cancelled(floor, gate.handler, lambda: gate.inside, PATIENT)
    assert (gate.ends, receipt, process.may_claim) == ({"cancelled": 1}, StopReceipt.STOPPED, True)


async def test_a_function_that_listens_ends_by_itself_and_its_process_goes_on(floor: Floor, inside: Inside) -> None:
    def spell(ctx: Any, letter: str) -> str:
        inside.count += 1
        while not ctx.cancelled and not inside.over.wait(0.005):
            pass
        return letter

    process, receipt = await _cancelled(floor, spell, lambda: inside.count, PATIENT)
    assert (receipt, process.may_claim) == (StopReceipt.STOPPED, True)


async def test_a_function_that_does_not_listen_is_interrupted_and_its_process_goes_on(
    floor: Floor, inside: Inside
) -> None:
    def spell(_ctx: Any, letter: str) -> str:
        inside.count += 1
        while not inside.over.wait(0.005):
            pass
        return letter

    process, receipt = await _cancelled(floor, spell, lambda: inside.count, 1.0)
    assert (receipt, process.may_claim) == (StopReceipt.STOPPED, True)


async def test_a_function_that_swallows_everything_is_given_up_and_its_process_retires(
    floor: Floor, inside: Inside
) -> None:
    def spell(_ctx: Any, letter: str) -> str:
        inside.count += 1
        while not inside.over.is_set():
            try:
                inside.over.wait()
            except BaseException:  # noqa: BLE001 - what this handler is about
                continue
        return letter

    process, receipt = await _cancelled(floor, spell, lambda: inside.count, SHORT)
    assert (receipt, process.may_claim) == (StopReceipt.ABANDONED, False)
    await floor.until(lambda: process.has_retired, "the process has retired while the function goes on")


async def test_a_coroutine_that_swallows_its_cancellation_once_is_cancelled_again(floor: Floor) -> None:
    told = list[str]()

    async def spell(_ctx: Any, _letter: str) -> None:
        told.append("begun")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            told.append("swallowed")
        await asyncio.Event().wait()

    process, receipt = await _cancelled(floor, spell, lambda: told, 1.0)
    assert (told, receipt, process.may_claim) == (["begun", "swallowed"], StopReceipt.STOPPED, True)


async def test_who_ends_within_the_grace_is_completed_with_what_he_answered(floor: Floor, inside: Inside) -> None:
    def spell(_ctx: Any, letter: str) -> str:
        inside.count += 1
        inside.over.wait()
        return letter

    pipeline = letters(spell, word="a")
    floor.employ(pipeline, stop_grace_seconds=PATIENT)
    job_id = floor.start(pipeline)
    await floor.until(lambda: inside.count, "the handler runs")
    floor.cancel(job_id)
    assert floor.step(job_id, "a").stop_receipt is StopReceipt.REQUESTED
    inside.over.set()
    assert (await floor.ended(job_id)).status is JobStatus.CANCELLED
    step = floor.step(job_id, "a")
    assert (step.status, step.stop_receipt, floor.output(job_id, "a")) == (StepStatus.COMPLETED, None, '"a"')
