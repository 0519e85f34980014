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

log = structlog.get_logger(__name__)

YOUNG_SECONDS = 2.0
LONGEST_WAIT = 5.0


@dataclass
class Program:
    """Its standard error is the stack's own: one stream of lines, each saying who speaks."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _young_deaths: int = field(default=0, init=False)
    _not_before: float = field(default=0.0, init=False)

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
        if self.is_running or time.monotonic() < self._not_before:
            return
        if self._process is not None:
            self._note_death(self._process)
            if time.monotonic() < self._not_before:
                return
        self.start()
        log.info("started_again", what=self.name)

    def _note_death(self, process: subprocess.Popen[bytes]) -> None:
        log.warning("died", what=self.name, how=_how(process.returncode))
        is_young = time.monotonic() - self._started_at < YOUNG_SECONDS
        self._young_deaths = self._young_deaths + 1 if is_young else 0
        wait = min(LONGEST_WAIT, 0.2 * 2**self._young_deaths) if self._young_deaths else 0.0
        self._not_before = time.monotonic() + wait
        self._process = None

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


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        return signal.Signals(-code).name
    return f"exit code {code}"
