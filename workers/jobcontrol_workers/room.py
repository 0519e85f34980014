"""How much a process can still take on: slots in all, steps of each stage at once, and nothing of a closed queue."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection

from jobcontrol_workers.registry import Registry, Served, StageKey

#: Steps so short that this many seconds of them may wait in the process, ready to start.
AHEAD_SECONDS = 0.020
#: How fast the mean duration of a stage's steps follows the newest ones.
_WEIGHT = 0.2


class Room:
    """Counts what is claimed and has not ended. Thread-safe."""

    def __init__(self, registry: Registry, slots: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._registry = registry
        self._clock = clock
        self._slots = slots
        self._held: Counter[StageKey] = Counter()
        self._means: dict[StageKey, float] = {}
        #: Queues that let nothing start before this moment; of those in `_full`, a step that ends frees a slot.
        self._closed: dict[str, float] = {}
        self._full: set[str] = set()
        self._changed = threading.Condition()

    @property
    def held(self) -> int:
        """Steps that are claimed and have not ended."""
        with self._changed:
            return self._held.total()

    @property
    def free(self) -> int:
        """Slots that no step holds."""
        return self._slots - self.held

    def of_stage(self, served: Served) -> int:
        """Steps of this stage that may be claimed now."""
        with self._changed:
            return self._of_stage(served)

    def queues(self) -> list[str]:
        """The queues of stages that have room."""
        with self._changed:
            return self._queues()

    def close(self, queue: str, seconds: float, *, is_full: bool) -> None:
        """Want nothing of this queue for so long, or if it `is_full` until a step of it ends here."""
        with self._changed:
            self._closed[queue] = self._clock() + seconds
            (self._full.add if is_full else self._full.discard)(queue)

    def seconds_to_opening(self) -> float | None:
        """Until the first closed queue opens; None if none is closed."""
        with self._changed:
            now = self._clock()
            waits = [opens - now for opens in self._closed.values() if opens > now]
            return min(waits, default=None)

    def hold(self, key: StageKey) -> None:
        with self._changed:
            self._held[key] += 1

    def release(self, key: StageKey, *, seconds: float | None = None) -> None:
        """A step has ended; `seconds` is how long its handler ran, if it ran."""
        with self._changed:
            self._held[key] -= 1
            served = self._registry.find(key)
            if served is not None and served.spec.queue in self._full:
                self._closed.pop(served.spec.queue, None)
            if seconds is not None:
                mean = self._means.get(key, seconds)
                self._means[key] = mean + _WEIGHT * (seconds - mean)
            self._changed.notify_all()

    def wait_for_queues(self, timeout: float, *, besides: Collection[str] = ()) -> list[str]:
        """The queues that have room, waiting up to `timeout` seconds for one that is not among `besides`."""
        with self._changed:
            self._changed.wait_for(lambda: any(queue not in besides for queue in self._queues()), timeout)
            return self._queues()

    def _queues(self) -> list[str]:
        open_queues = (served.spec.queue for served in self._registry.served if self._of_stage(served) > 0)
        return list(dict.fromkeys(open_queues))

    def _of_stage(self, served: Served) -> int:
        if self._closed.get(served.spec.queue, 0.0) > self._clock():
            return 0
        mean = self._means.get(served.key)
        ahead = math.floor(AHEAD_SECONDS / mean) if mean else 0
        of_stage = served.spec.concurrency + ahead - self._held[served.key]
        return max(0, min(of_stage, self._slots - self._held.total()))
