"""When a program that died may be started again."""

from __future__ import annotations

import time
from collections.abc import Callable

#: A program that dies sooner than this has died young.
YOUNG_SECONDS = 2.0
SECOND_WAIT = 0.4
LONGEST_WAIT = 5.0


class Restarts:
    """When a program may be started: at once, unless one after the other dies young; then ever more slowly.

    The first young death is followed by a wait of `first_wait` seconds, the second by SECOND_WAIT, and so on.
    """

    def __init__(self, *, first_wait: float = 0.0, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_wait = first_wait
        self._clock = clock
        self._young_deaths = 0
        self._not_before = clock()

    def saw_death(self, started_at: float) -> None:
        """One that was started at `started_at`, on the same clock, has died just now."""
        now = self._clock()
        is_young = now - started_at < YOUNG_SECONDS
        self._young_deaths = self._young_deaths + 1 if is_young else 0
        if is_young:
            self._not_before = now + self._wait()

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._not_before

    def _wait(self) -> float:
        if self._young_deaths == 1:
            return self._first_wait
        return min(LONGEST_WAIT, SECOND_WAIT * 2.0 ** (self._young_deaths - 2))
