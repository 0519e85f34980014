"""What handlers tell while they run, and what a later attempt finds of it."""

from typing import Any

import pytest

from jobcontrol_core.domain.lifecycle import FailureReason, StepStatus
from jobcontrol_core.domain.values import StepLog
from jobcontrol_core.store.lookup import get_step
from workers.floor import Floor
from workers.letters import Gate, letters


def logs_of(floor: Floor, job_id: str, key: str) -> tuple[StepLog, ...]:
    return floor.store.read(get_step, job_id, floor.step(job_id, key).id).logs


async def test_a_running_steps_progress_and_log_are_seen_while_it_runs(floor: Floor) -> None:
    gate = Gate()

    async def spell(ctx: Any, letter: str) -> Any:
        ctx.log("looked it up")
        ctx.progress(0.4, "four tenths")
        return await gate.handler(ctx, letter)

    pipeline = letters(spell, word="a")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(
        lambda: any(step.progress_note == "four tenths" for step in floor.steps(job_id, "spell")), "the note is told"
    )
    step = floor.step(job_id, "a")
    assert (step.status, step.progress_fraction) == (StepStatus.PROCESSING, 0.4)
    assert [log.message for log in logs_of(floor, job_id, "a")] == ["looked it up"]
    gate.open()
    await floor.completed(job_id)


async def test_a_short_step_tells_all_with_its_end(floor: Floor) -> None:
    async def spell(ctx: Any, letter: str) -> str:
        for tenth in range(11):
            ctx.progress(tenth / 10, f"{tenth} of 10")
        ctx.log("done")
        return letter

    pipeline = letters(spell, word="a")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.completed(job_id)
    assert floor.step(job_id, "a").progress_note == "10 of 10"
    assert [log.message for log in logs_of(floor, job_id, "a")] == ["done"]


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "on a thread"])
async def test_the_next_try_goes_on_from_the_last_checkpoint(floor: Floor, is_async: bool) -> None:
    seen: list[Any] = []

    def count(ctx: Any, letter: str) -> str:
        seen.append(ctx.last_checkpoint)
        begun = ctx.last_checkpoint or 0
        for number in range(begun + 1, begun + 3):
            ctx.checkpoint(number)
        if ctx.attempt < 3:
            raise RuntimeError("not done")
        return letter

    async def count_async(ctx: Any, letter: str) -> str:
        return count(ctx, letter)

    pipeline = letters(count_async if is_async else count, word="a")
    floor.employ(pipeline)
    await floor.completed(floor.start(pipeline))
    assert seen == [None, 2, 4]


async def test_a_drained_step_finds_its_checkpoint(floor: Floor) -> None:
    gate = Gate()
    seen: list[Any] = []

    async def spell(ctx: Any, letter: str) -> Any:
        seen.append(ctx.last_checkpoint)
        ctx.checkpoint({"attempt": ctx.attempt})
        return await gate.handler(ctx, letter)

    pipeline = letters(spell, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the letter is being spelled")
    await process.drain()
    gate.open()
    floor.employ(pipeline)
    with floor.dispatcher():
        await floor.completed(job_id)
    assert seen == [None, {"attempt": 1}]


@pytest.mark.parametrize("is_async", [True, False], ids=["async", "on a thread"])
async def test_a_checkpoint_that_is_no_json_fails_its_step_at_once(floor: Floor, is_async: bool) -> None:
    def spell(ctx: Any, letter: str) -> str:
        if letter == "a":
            ctx.checkpoint(object())
        return letter

    async def spell_async(ctx: Any, letter: str) -> str:
        return spell(ctx, letter)

    pipeline = letters(spell_async if is_async else spell, word="ab")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.completed(job_id)
    step = floor.step(job_id, "a")
    assert (step.status, step.failure, step.tries) == (StepStatus.FAILED, FailureReason.BAD_RESULT, 1)


async def test_what_is_told_during_an_outage_is_written_after_it(floor: Floor) -> None:
    gate = Gate()
    told = Gate()

    async def spell(ctx: Any, letter: str) -> Any:
        await told.handler(ctx, letter)
        ctx.progress(0.5, "told in the dark")
        return await gate.handler(ctx, letter)

    pipeline = letters(spell, word="a")
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: told.inside, "the letter is being spelled")
    floor.store.is_away = True
    told.open()
    await floor.until(lambda: floor.store.refusals, "the report met the outage")
    floor.store.is_away = False
    await floor.until(lambda: floor.step(job_id, "a").has_told_progress, "the note is told")
    gate.open()
    await floor.completed(job_id)
