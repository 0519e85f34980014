"""A handler's call on a thread, interrupted from another one."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from jobcontrol.pipeline import StepStopped
from jobcontrol_workers.interrupts import HandlerCall

Answer = tuple[Any, BaseException | None]


def _run(handler: Callable[[threading.Event], Any], act: Callable[[HandlerCall], None]) -> Answer:
    """The handler's end; `act` happens once it has said that it is inside. Its thread serves another call after it."""
    call, inside = HandlerCall(), threading.Event()
    with ThreadPoolExecutor(1) as threads:
        future: Future[Answer] = threads.submit(call.run, handler, (inside,))
        assert inside.wait(5)
        act(call)
        answer = future.result(10)
        assert threads.submit(HandlerCall().run, lambda: "as ever", ()).result(5) == ("as ever", None)
    return answer


def _turn_for_ever(inside: threading.Event) -> None:
    inside.set()
    while True:
        pass


def test_a_function_that_does_not_listen_is_interrupted() -> None:
    answer, error = _run(_turn_for_ever, HandlerCall.interrupt)
    assert answer is None
    assert isinstance(error, StepStopped)


def test_who_catches_exceptions_is_interrupted_all_the_same() -> None:
    def handler(inside: threading.Event) -> None:
        while True:
            try:
                _turn_for_ever(inside)
            except Exception:  # noqa: BLE001 - what this handler is about
                continue

    assert isinstance(_run(handler, HandlerCall.interrupt)[1], StepStopped)


def test_a_call_is_interrupted_once_and_who_swallows_it_goes_on() -> None:
    def handler(inside: threading.Event) -> str:
        try:
            _turn_for_ever(inside)
        except StepStopped:
            return "went on"
        return "unreachable"

    def twice(call: HandlerCall) -> None:
        call.interrupt()
        call.interrupt()

    assert _run(handler, twice) == ("went on", None)


def test_what_is_raised_too_late_reaches_nobody() -> None:
    """However the end of a call and its interruption meet: it ends one way or the other, and its thread serves on."""
    with ThreadPoolExecutor(1) as threads:
        for _ in range(2_000):
            call, inside = HandlerCall(), threading.Event()
            future: Future[Answer] = threads.submit(call.run, inside.set, ())
            inside.wait(5)
            call.interrupt()
            _, error = future.result(5)
            assert error is None or isinstance(error, StepStopped)
    call.interrupt()
