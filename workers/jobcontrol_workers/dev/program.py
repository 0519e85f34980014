"""One program of the stack: started on a leash, started again when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog

from jobcontrol_workers.exits import how_it_ended
from jobcontrol_workers.restarts import Restarts

log = structlog.get_logger(__name__)

#: Once it has died, a program of the stack is not started again at once: what it needs may be dying, too.
FIRST_WAIT = 0.2


@dataclass
class Program:
    """Its standard error is the stack's own: one stream of lines, each saying who speaks."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _restarts: Restarts = field(default_factory=lambda: Restarts(first_wait=FIRST_WAIT), init=False)

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start it. On the main thread: the kernel ties a child to the thread that made it."""
        leash = [sys.executable, "-m", "jobcontrol_workers.leash", str(os.getpid())]
        # A session of its own, so that a terminal's Ctrl+C reaches the stack alone, which drains in order.
        self._process = subprocess.Popen(
            [*leash, *self.command], env=dict(self.environment), stdin=subprocess.DEVNULL, start_new_session=True
        )
        self._started_at = time.monotonic()

    def restart_if_dead(self) -> None:
        """Start it again if it died; one that keeps dying is started ever more slowly."""
        if self.is_running:
            return
        if self._process is not None:
            log.warning("died", what=self.name, how=how_it_ended(self._process.returncode))
            self._restarts.saw_death(self._started_at)
            self._process = None
        if self._restarts.is_due:
            self.start()
            log.info("started_again", what=self.name)

    def ask_to_stop(self) -> None:
        if self._process is not None and self.is_running:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, timeout: float) -> None:
        """Until it has ended; it is killed after `timeout` seconds."""
        if self._process is None:
            return
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
