"""How long handlers may run: told to stop when their time is over, given up at the end of the grace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from jobcontrol_workers.runner import Attempt

#: Why a handler is told to stop whose time is over.
TIMED_OUT = "TIMED_OUT"
#: What a handler that was told to stop still has, in seconds, before its outcome is written without it.
STOP_GRACE = 4.0


class Deadlines:
    """Of the handlers that run on one loop. `tell`, if set, hears what their supervisor must know.

    A loop that a handler blocks judges nobody: that is for the supervisor, see `hangs.py`.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        stop: Callable[[Attempt], None],
        give_up: Callable[[Attempt], None],
    ) -> None:
        self._loop = loop
        self._stop = stop
        self._give_up = give_up
        self.tell: Callable[..., None] | None = None

    @contextmanager
    def watch(self, attempt: Attempt) -> Iterator[None]:
        """Around the run of a handler. A stage without a timeout is left alone."""
        seconds = attempt.served.stage.timeout
        if seconds is None:
            yield
            return
        timers = [
            self._loop.call_later(seconds, self._stop, attempt),
            self._loop.call_later(seconds + STOP_GRACE, self._give_up, attempt),
        ]
        step = attempt.claimed.step
        self._say(began=[step.job_id, step.id, step.attempt, time.monotonic() + seconds, seconds])
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()
            self._say(over=[step.id, step.attempt])

    def _say(self, **message: Any) -> None:
        if self.tell is not None:
            self.tell(**message)
