"""When a failed step is tried again."""

from __future__ import annotations

import random
from dataclasses import dataclass

JITTER = 0.2


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """Exponential backoff: delay n is `min(max_delay, base * factor ** (n - 1))` seconds, give or take 20 %.

    `max_attempts` counts tries in all. `factor` 1 makes the delay fixed.
    """

    max_attempts: int = 3
    base: float = 1.0
    factor: float = 2.0
    max_delay: float = 60.0

    def has_tries_left(self, tries: int) -> bool:
        """True if a step that failed `tries` times may be tried once more."""
        return tries < self.max_attempts

    def delay(self, tries: int, *, jitter: float | None = None) -> float:
        """Seconds to wait after the try number `tries` failed; `jitter` in [-1, 1] is drawn if not given."""
        drawn = random.uniform(-1, 1) if jitter is None else jitter
        return self._plain_delay(tries) * (1 + JITTER * drawn)

    def _plain_delay(self, tries: int) -> float:
        try:
            return min(self.max_delay, self.base * self.factor ** (tries - 1))
        except OverflowError:
            return self.max_delay
