"""Every other way in which a handler can end."""

import asyncio
import concurrent.futures
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest

from jobcontrol.pipeline import GiveUp, InvalidInput, RetryAfter
from jobcontrol_core.domain.errors import BackendUnavailable
from jobcontrol_core.domain.lifecycle import FailureReason
from jobcontrol_core.domain.outcomes import MAX_ERROR_TEXT, Failed, Interrupted, Outcome, Skipped, Succeeded
from jobcontrol_workers.runner import Attempt, perform
from services.waiting import wait_until, wait_until_async
from unit.attempts import MIDDLE, Handler, attempt_of

Raising = Callable[[BaseException], Handler]


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as executor:
        yield executor


@pytest.fixture(params=["async", "plain"])
def raising(request: pytest.FixtureRequest) -> Raising:
    """Makes a handler that raises: once a coroutine function, once a plain one."""

    def make(error: BaseException) -> Handler:
        async def coroutine(_ctx: Any, _input: Any) -> None:
            raise error

        def plain(_ctx: Any, _input: Any) -> None:
            raise error

        return coroutine if request.param == "async" else plain

    return make


async def ended(handler: Handler, threads: ThreadPoolExecutor, stage_no: int = MIDDLE) -> Outcome:
    return await asyncio.wait_for(perform(attempt_of(handler, stage_no), threads), 10)


async def failure(handler: Handler, threads: ThreadPoolExecutor) -> Failed:
    outcome = await ended(handler, threads)
    assert isinstance(outcome, Failed)
    return outcome


async def test_an_exception_is_a_failure_told_by_type_message_and_traceback(
    raising: Raising, threads: ThreadPoolExecutor
) -> None:
    failed = await failure(raising(ValueError("no such word")), threads)
    assert (failed.reason, failed.is_final, failed.retry_after) == (FailureReason.HANDLER_ERROR, False, None)
    assert (failed.error.type, failed.error.message) == ("ValueError", "no such word")
    assert "raise error\n" in failed.error.traceback


async def test_an_exception_without_a_text_is_told_by_its_type(raising: Raising, threads: ThreadPoolExecutor) -> None:
    assert (await failure(raising(KeyError()), threads)).error.message == "KeyError"


async def test_an_exception_whose_text_cannot_be_told_is_a_failure(
    raising: Raising, threads: ThreadPoolExecutor
) -> None:
    class BrokenError(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "BrokenError" in (await failure(raising(BrokenError()), threads)).error.message


async def test_an_error_text_is_made_storable_and_bounded(raising: Raising, threads: ThreadPoolExecutor) -> None:
    failed = await failure(raising(ValueError("\0\ud800" + "x" * MAX_ERROR_TEXT)), threads)
    assert len(failed.error.message.encode()) <= MAX_ERROR_TEXT
    assert "\0" not in failed.error.message + failed.error.traceback
    (failed.error.message + failed.error.traceback).encode()


@pytest.mark.parametrize("error", [GiveUp("never"), InvalidInput("empty document")])
async def test_giving_up_is_final(error: Exception, raising: Raising, threads: ThreadPoolExecutor) -> None:
    failed = await failure(raising(error), threads)
    assert (failed.reason, failed.is_final) == (FailureReason.HANDLER_ERROR, True)
    assert failed.error.type == type(error).__name__


async def test_retry_after_says_how_long_to_wait(raising: Raising, threads: ThreadPoolExecutor) -> None:
    failed = await failure(raising(RetryAfter(7.5, "busy")), threads)
    assert (failed.retry_after, failed.is_final, failed.error.message) == (7.5, False, "busy")


@pytest.mark.parametrize("seconds", [None, "soon", object()])
async def test_a_retry_after_that_is_no_number_is_an_ordinary_failure(
    seconds: Any, raising: Raising, threads: ThreadPoolExecutor
) -> None:
    failed = await failure(raising(RetryAfter(seconds, "busy")), threads)
    assert failed.retry_after is None


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), MemoryError()])
async def test_whatever_is_raised_is_the_steps_failure_and_not_the_processs(
    error: BaseException, raising: Raising, threads: ThreadPoolExecutor
) -> None:
    assert (await failure(raising(error), threads)).error.type == type(error).__name__


async def test_a_stray_stop_iteration_fails_the_step_and_does_not_hang_it(threads: ThreadPoolExecutor) -> None:
    assert (await failure(lambda _ctx, _input: next(iter(())), threads)).error.type == "StopIteration"


@pytest.mark.parametrize("error", [asyncio.CancelledError(), concurrent.futures.CancelledError()])
async def test_a_cancellation_that_nobody_asked_for_is_a_failure(
    error: BaseException, raising: Raising, threads: ThreadPoolExecutor
) -> None:
    assert (await failure(raising(error), threads)).error.type == "CancelledError"


async def test_a_handler_that_cancels_its_own_task_fails(threads: ThreadPoolExecutor) -> None:
    async def suicidal(_ctx: Any, _input: Any) -> None:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        await asyncio.Event().wait()

    assert (await failure(suicidal, threads)).error.type == "CancelledError"


async def test_a_skip_ends_the_step_with_its_reason(threads: ThreadPoolExecutor) -> None:
    assert await ended(lambda ctx, _input: ctx.skip("known already"), threads) == Skipped("known already")


async def test_a_database_that_is_away_under_a_handler_uses_up_no_try(
    raising: Raising, threads: ThreadPoolExecutor
) -> None:
    assert await ended(raising(BackendUnavailable()), threads) == Interrupted("LOST")


async def test_an_async_handler_that_is_told_to_stop_is_interrupted_by_that_cause(threads: ThreadPoolExecutor) -> None:
    async def endless(_ctx: Any, _input: Any) -> None:
        await asyncio.Event().wait()

    assert await _stopped(attempt_of(endless), threads) == Interrupted("STOPPED")


async def test_what_an_async_handler_raises_because_it_was_told_to_stop_is_no_failure(
    threads: ThreadPoolExecutor,
) -> None:
    async def stumbling(_ctx: Any, _input: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("connection closed in mid-air")

    assert await _stopped(attempt_of(stumbling), threads) == Interrupted("STOPPED")


async def test_an_async_handler_that_does_not_listen_keeps_its_result(threads: ThreadPoolExecutor) -> None:
    async def deaf(_ctx: Any, _input: Any) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "done all the same"
        return "never"

    assert await _stopped(attempt_of(deaf), threads) == Succeeded('"done all the same"')


async def test_a_plain_function_that_returns_when_told_to_stop_has_no_result(threads: ThreadPoolExecutor) -> None:
    def listening(ctx: Any, _input: Any) -> str:
        wait_until(lambda: ctx.cancelled, "the handler is told")
        return "half of it"

    assert await _told(attempt_of(listening), threads) == Interrupted("DRAINED")


async def test_a_plain_function_that_raises_when_told_to_stop_has_not_failed(threads: ThreadPoolExecutor) -> None:
    def listening(ctx: Any, _input: Any) -> None:
        wait_until(lambda: ctx.cancelled, "the handler is told")
        raise RuntimeError("stopped")

    assert await _told(attempt_of(listening), threads) == Interrupted("DRAINED")


async def test_a_plain_function_that_never_looks_keeps_its_result(threads: ThreadPoolExecutor) -> None:
    begun, go_on = Event(), Event()

    def deaf(_ctx: Any, _input: Any) -> str:
        begun.set()
        go_on.wait(10)
        return "all of it"

    attempt = attempt_of(deaf)
    task = asyncio.create_task(perform(attempt, threads))
    await asyncio.to_thread(begun.wait, 10)
    attempt.context.stop_cause = "DRAINED"
    go_on.set()
    assert await task == Succeeded('"all of it"')


async def test_a_step_that_was_told_to_stop_before_it_began_does_not_begin(threads: ThreadPoolExecutor) -> None:
    begun = []
    attempt = attempt_of(lambda _ctx, _input: begun.append(1))
    attempt.context.stop_cause = "LOST"
    assert await perform(attempt, threads) == Interrupted("LOST")
    assert not begun


async def _stopped(attempt: Attempt, threads: ThreadPoolExecutor) -> Outcome:
    """Cancel the attempt as its process does, once its handler waits."""
    task = asyncio.create_task(perform(attempt, threads))
    await _begun(task)
    attempt.context.stop_cause = "STOPPED"
    task.cancel()
    return await asyncio.wait_for(task, 10)


async def _told(attempt: Attempt, threads: ThreadPoolExecutor) -> Outcome:
    task = asyncio.create_task(perform(attempt, threads))
    await _begun(task)
    attempt.context.stop_cause = "DRAINED"
    return await asyncio.wait_for(task, 10)


async def _begun(task: asyncio.Task[Outcome]) -> None:
    async def is_waiting() -> bool:
        coroutine = task.get_coro()
        return getattr(coroutine, "cr_await", None) is not None

    await wait_until_async(is_waiting, "the handler waits")
