"""A background loop: one thread, one duty, turn after turn, until stopped."""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog

from jobcontrol_core.bus.connection import LOST
from jobcontrol_core.domain.errors import Unavailable

log = structlog.get_logger(__name__)


class Loop:
    """Calls `turn()` every `period` seconds on a thread of its own, so that no duty waits for another.

    A turn that fails is logged and tried again at the next; what it left undone is found again in SQL.
    """

    def __init__(self, name: str, period: float, turn: Callable[[], None]) -> None:
        self.name = name
        self._period = period
        self._turn = turn
        self._is_stopped = threading.Event()
        self._is_failing = False
        self._thread = threading.Thread(target=self._run, name=f"dispatch-{name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Ask the loop to end after its turn."""
        self._is_stopped.set()

    def join(self, timeout: float) -> None:
        """Wait for the turn that is under way, at most `timeout` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        while not self._is_stopped.is_set():
            self._take_turn()
            self._is_stopped.wait(self._period)

    def _take_turn(self) -> None:
        try:
            self._turn()
        except (Unavailable, *LOST) as error:
            # Told once, not every second of an outage.
            if not self._is_failing:
                log.warning("dispatch_waits", loop=self.name, error=str(error))
            self._is_failing = True
        except Exception:
            log.exception("dispatch_failed", loop=self.name)
        else:
            if self._is_failing:
                log.info("dispatch_goes_on", loop=self.name)
            self._is_failing = False
