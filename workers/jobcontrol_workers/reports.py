"""What running handlers tell of their steps, held until it is due to be written."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from jobcontrol_core.domain.reports import StepReport

#: A step tells of itself at most once in this many seconds, so that it makes no more than that many events.
INTERVAL = 1.0
#: What is told first waits this long: a short step then tells it along with its end.
LINGER = 0.1

AttemptKey = tuple[str, int]


@dataclass(slots=True)
class _Held:
    report: StepReport
    due_at: float


class Reports:
    """Thread-safe. A checkpoint is due at once and makes no event; everything else by INTERVAL and LINGER."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._held: dict[AttemptKey, _Held] = {}
        self._told_at: dict[AttemptKey, float] = {}

    def add(self, report: StepReport) -> None:
        """Hold a report, together with what its attempt told before and was not written yet."""
        key = (report.step_id, report.attempt)
        with self._lock:
            now = self._clock()
            held = self._held.get(key)
            due_at = held.due_at if held else max(now + LINGER, self._told_at.get(key, now - INTERVAL) + INTERVAL)
            whole = held.report.followed_by(report) if held else report
            self._held[key] = _Held(whole, now if report.checkpoint is not None else due_at)

    def take(self, ending: Collection[AttemptKey]) -> list[StepReport]:
        """What is due, and all that the attempts tell which are `ending`."""
        with self._lock:
            now = self._clock()
            due = [key for key, held in self._held.items() if held.due_at <= now or key in ending]
            taken = [self._held.pop(key).report for key in due]
            recent = {key: told_at for key, told_at in self._told_at.items() if now - told_at < INTERVAL}
            self._told_at = recent | dict.fromkeys(due, now)
            return taken

    def put_back(self, reports: Collection[StepReport]) -> None:
        """They could not be written; what was told since follows them."""
        with self._lock:
            now = self._clock()
            for report in reports:
                key = (report.step_id, report.attempt)
                held = self._held.get(key)
                self._held[key] = _Held(report.followed_by(held.report) if held else report, now)

    def seconds_to_due(self) -> float | None:
        """How long until something is due, 0 if it is; None if nothing is held."""
        with self._lock:
            if not self._held:
                return None
            return max(0.0, min(held.due_at for held in self._held.values()) - self._clock())
