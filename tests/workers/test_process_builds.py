"""Whole builds by worker processes: to their end, within the limits, and through every failure of a handler."""

import asyncio
import threading
from collections import Counter
from typing import Any

import pytest

from jobcontrol.pipeline import GiveUp, Retry, RetryAfter
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from services.waiting import take_a_while
from workers.floor import Floor
from workers.letters import Gate, letters


async def test_a_build_runs_to_its_end_and_its_result_is_in_document_order(floor: Floor) -> None:
    word = [f"{number:03}" for number in range(120)]
    pipeline = letters(word=word)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert job.percent == 100
    assert floor.count(job.id, StepStatus.COMPLETED) == 122
    assert [step.key for step in floor.steps(job.id, "spell")] == word


async def test_no_step_of_a_build_runs_twice_though_two_processes_share_it(floor: Floor) -> None:
    runs: Counter[str] = Counter()

    async def spell(ctx: Any, letter: str) -> str:
        runs[ctx.key] += 1
        await asyncio.sleep(0)
        return letter

    word = [str(number) for number in range(200)]
    pipeline = letters(spell, word=word)
    floor.employ(pipeline)
    floor.employ(pipeline)
    await floor.completed(floor.start(pipeline))
    assert runs == Counter(word)


async def test_a_stage_reaches_its_concurrency_and_never_exceeds_it_over_two_jobs(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdefgh", concurrency=3)
    floor.employ(pipeline)
    jobs = [floor.start(pipeline), floor.start(pipeline)]
    await floor.until(lambda: len(gate.inside) == 3, "three letters are being spelled")
    with floor.dispatcher():
        gate.open()
        for job_id in jobs:
            await floor.completed(job_id)
    assert gate.most_inside == 3
    assert gate.ends == {"returned": 16}


async def test_all_stages_share_the_slots_of_a_process(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdefgh", concurrency=8)
    floor.employ(pipeline, worker_slots=2)
    job_id = floor.start(pipeline)
    await floor.until(lambda: len(gate.inside) == 2, "two letters are being spelled")
    gate.open()
    await floor.completed(job_id)
    assert gate.most_inside == 2


async def test_a_job_is_served_while_another_fills_the_same_stage(floor: Floor) -> None:
    """Its ticket is on the queue of a stage without room, while the queues of other stages are open."""
    spelled: list[str] = []

    async def spell(ctx: Any, letter: str) -> str:
        spelled.append(ctx.path_id)
        await take_a_while()
        return letter

    pipeline = letters(spell, word=[str(number) for number in range(20)], concurrency=1)
    floor.employ(pipeline)
    with floor.dispatcher():
        first = floor.start(pipeline)
        await floor.until(lambda: spelled, "the first job is being served")
        second = floor.start(pipeline)
        await floor.until(lambda: "path-2" in spelled, "the second job is served")
        assert not floor.job(first).status.has_ended
        await floor.completed(first)
        await floor.completed(second)


async def test_a_plain_function_runs_on_a_thread_and_leaves_the_loop_free(floor: Floor) -> None:
    threads: set[int] = set()

    def spell(_ctx: Any, letter: str) -> str:
        threads.add(threading.get_ident())
        return letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    await floor.completed(floor.start(pipeline))
    assert threads
    assert threading.get_ident() not in threads


async def test_a_failed_try_is_recorded_whole_and_made_again_after_its_backoff(floor: Floor) -> None:
    async def spell(ctx: Any, letter: str) -> str:
        if letter == "b" and ctx.attempt < 3:
            raise ValueError(f"unspeakable on attempt {ctx.attempt}")
        return letter

    pipeline = letters(spell, retry=Retry(max_attempts=3, base=0.05, factor=1.0))
    floor.employ(pipeline)
    with floor.dispatcher():
        job_id = floor.start(pipeline)
        await floor.completed(job_id)
    attempts = floor.attempts(job_id, "b")
    assert [(one.number, one.outcome, one.used_a_try) for one in attempts] == [
        (1, FailureReason.HANDLER_ERROR, True),
        (2, FailureReason.HANDLER_ERROR, True),
    ]
    error = attempts[1].error
    assert error is not None
    assert (error.type, error.message) == ("ValueError", "unspeakable on attempt 2")
    assert "raise ValueError" in error.traceback
    assert floor.step(job_id, "b").attempt == 3
    assert floor.dead_letters(job_id) == []


async def test_a_step_that_asked_to_be_tried_later_is_not_due_before(floor: Floor) -> None:
    async def spell(_ctx: Any, letter: str) -> str:
        if letter == "b":
            raise RetryAfter(3_600)
        return letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    with floor.dispatcher():
        job_id = floor.start(pipeline)
        await floor.until(lambda: floor.count(job_id, StepStatus.COMPLETED, "spell") == 2, "the others are spelled")
        await floor.until(lambda: floor.attempts(job_id, "b"), "the try has been recorded")
    step = floor.step(job_id, "b")
    assert (step.status, step.attempt) == (StepStatus.PENDING, 1)
    assert step.next_attempt_at is not None
    assert floor.attempts(job_id, "b")[0].ended_at < step.next_attempt_at


async def test_a_letter_out_of_tries_is_dead_and_the_build_completes_with_an_error(floor: Floor) -> None:
    async def spell(_ctx: Any, letter: str) -> str:
        if letter == "b":
            raise ValueError("unspeakable")
        return letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert job.error_count == 1
    assert (floor.step(job.id, "b").status, floor.step(job.id, "b").tries) == (StepStatus.FAILED, 3)
    assert floor.dead_letters(job.id) == ["b"]


async def test_giving_up_uses_no_further_try(floor: Floor) -> None:
    async def spell(_ctx: Any, letter: str) -> str:
        if letter == "b":
            raise GiveUp("never")
        return letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert len(floor.attempts(job.id, "b")) == 1
    assert floor.dead_letters(job.id) == ["b"]


async def test_a_first_stage_out_of_tries_fails_the_build(floor: Floor) -> None:
    def split(_ctx: Any, _input: Any) -> None:
        raise ValueError("no word")

    pipeline = letters(split=split)
    floor.employ(pipeline)
    job = await floor.ended(floor.start(pipeline))
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.type, job.error.stage) == ("ValueError", "split")
    assert len(floor.steps(job.id)) == 1


async def test_a_stage_whose_every_step_failed_fails_the_build(floor: Floor) -> None:
    async def spell(_ctx: Any, _letter: str) -> None:
        raise GiveUp("never")

    pipeline = letters(spell)
    floor.employ(pipeline)
    assert (await floor.ended(floor.start(pipeline))).status is JobStatus.FAILED


async def test_a_skipped_step_is_no_failure(floor: Floor) -> None:
    async def spell(ctx: Any, letter: str) -> str:
        return ctx.skip("known") if letter == "b" else letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert job.error_count == 0
    assert floor.step(job.id, "b").status is StepStatus.SKIPPED


@pytest.mark.parametrize("answer", [float("nan"), "a\0b", object()])
async def test_an_answer_that_cannot_be_kept_fails_its_step_alone(answer: object, floor: Floor) -> None:
    async def spell(_ctx: Any, letter: str) -> object:
        return answer if letter == "b" else letter

    pipeline = letters(spell)
    floor.employ(pipeline)
    job = await floor.completed(floor.start(pipeline))
    assert floor.step(job.id, "b").failure is FailureReason.BAD_RESULT
    assert floor.count(job.id, StepStatus.COMPLETED, "spell") == 2
