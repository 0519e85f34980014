"""Limits of a queue, shared by all workers: how many of its steps run at once, and how many start within a window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobcontrol_core.domain.moments import from_micros, to_micros

#: Starts that one window may allow. For more, a shorter window says the same: 6,000 a minute are 100 a second.
MAX_RATE = 1_000
MIN_WINDOW, MAX_WINDOW = timedelta(milliseconds=10), timedelta(days=1)
#: A window is kept this much longer than asked, so that the clock of whoever counts on the other side may be off.
STRETCH = 1.01


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """What is None is not limited. `rate` steps start within any `window` seconds."""

    max_running: int | None = None
    rate: int | None = None
    window: float | None = None

    @property
    def is_limited(self) -> bool:
        return self.max_running is not None or self.rate is not None


class Grants:
    """The sliding log of one queue: when how many of its steps were allowed to start."""

    def __init__(self, limits: QueueLimits, log: Iterable[Sequence[int]], now: datetime) -> None:
        self._rate = limits.rate or 0
        self._window = timedelta(seconds=limits.window or 0) * STRETCH
        self._now = now
        began = to_micros(now - self._window)
        self._log = [(at, count) for at, count in log if at > began]

    @property
    def free(self) -> int:
        """Steps that may start now."""
        return max(0, self._rate - self._taken)

    @property
    def opens_at(self) -> datetime:
        """When the next step may start: now, or once enough of the log lies a window back."""
        taken = self._taken
        moments = iter(self._log)
        opens = self._now
        while taken >= self._rate:
            at, count = next(moments)
            taken -= count
            opens = from_micros(at) + self._window
        return opens

    def take(self, count: int) -> list[list[int]]:
        """Let `count` steps start now; returns the log as it is to be kept."""
        self._log.append((to_micros(self._now), count))
        return [[at, number] for at, number in self._log]

    @property
    def _taken(self) -> int:
        return sum(count for _, count in self._log)
