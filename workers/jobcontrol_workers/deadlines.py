"""How long handlers may run: told to stop, interrupted half-way through a grace, given up at its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from jobcontrol_workers.runner import Attempt

#: Why a handler is told to stop whose time is over.
TIMED_OUT = "TIMED_OUT"
#: Why a handler is told to stop whose job is stopping.
STOPPED = "STOPPED"
#: What a handler whose time is over still has, in seconds, before its outcome is written without it.
STOP_GRACE = 4.0


@dataclass(frozen=True, slots=True)
class Measures:
    """What is done about an attempt that takes too long, each called on the loop."""

    stop: Callable[[Attempt], None]
    interrupt: Callable[[Attempt], None]
    give_up: Callable[[Attempt], None]


class Deadlines:
    """Of the handlers that run on one loop. `tell`, if set, hears what their supervisor must know.

    A loop that a handler blocks judges nobody: that is for the supervisor, see `hangs.py`.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, measures: Measures) -> None:
        self._loop = loop
        self._measures = measures
        self._timers: dict[int, list[asyncio.TimerHandle]] = {}
        self.tell: Callable[..., None] | None = None

    @contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        """Around the run of a handler. A stage without a timeout may run until its job is stopped."""
        seconds = attempt.served.stage.timeout
        timers = self._timers[id(attempt)] = []
        step = attempt.claimed.step
        if seconds is not None:
            timers.append(self._loop.call_later(seconds, self._measures.stop, attempt))
            self.say(began=[step.job_id, step.id, step.attempt, time.monotonic() + seconds, seconds])
        try:
            yield
        finally:
            for timer in self._timers.pop(id(attempt)):
                timer.cancel()
            if seconds is not None:
                self.say(over=[step.id, step.attempt])

    def watches(self, attempt: Attempt) -> bool:
        """True while its handler runs."""
        return id(attempt) in self._timers

    def hurry(self, attempt: Attempt, grace: float) -> None:
        """It has just been told to stop, and has `grace` seconds to do so."""
        self._timers[id(attempt)] += [
            self._loop.call_later(grace / 2, self._measures.interrupt, attempt),
            self._loop.call_later(grace, self._measures.give_up, attempt),
        ]

    def say(self, **message: Any) -> None:
        """Tell the supervisor, if there is one."""
        if self.tell is not None:
            self.tell(**message)
