"""One worker process as its supervisor sees it."""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from enum import StrEnum

import structlog

from jobcontrol_core.domain.outcomes import Crashed, Interrupted, StepOutcome
from jobcontrol_workers.exits import how_it_ended
from jobcontrol_workers.hangs import HangWatch
from jobcontrol_workers.link import Link, Message

log = structlog.get_logger(__name__)


class Kind(StrEnum):
    """What a process is for: steps by tickets, or suspects, one at a time."""

    ORDINARY = "ordinary"
    LONE = "lone"


class Supervised:
    """Started by `__init__`; put on `on_exit` once it has ended and its last words were heard."""

    def __init__(
        self, kind: Kind, targets: Sequence[str], supervisor: str, on_exit: queue.SimpleQueue[Supervised]
    ) -> None:
        self.kind = kind
        self.session_id: str | None = None
        #: Killed by its supervisor because its time to drain was over.
        self.is_killed = False
        #: Killed by its supervisor because it hung.
        self.has_hung = False
        #: The step that it hung in, if that is known, and its outcome.
        self.guilty: StepOutcome | None = None
        #: It has been told to take nothing new, to let what it runs end, and to end.
        self.is_draining = False
        self.hangs = HangWatch()
        self.started_at = time.monotonic()
        #: It has said that it is done with everything it ran.
        self._has_drained = False
        to_child_read, to_child_write = os.pipe()
        from_child_read, from_child_write = os.pipe()
        arguments = [str(os.getpid()), str(to_child_read), str(from_child_write), kind, supervisor, *targets]
        # A session of its own: a terminal's Ctrl+C reaches the supervisor alone.
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "jobcontrol_workers.child", *arguments],
            pass_fds=(to_child_read, from_child_write),
            start_new_session=True,
        )
        os.close(to_child_read)
        os.close(from_child_write)
        self._link = Link(from_child_read, to_child_write, self._hear, on_end=lambda: None)
        self._link.start()
        self._on_exit = on_exit
        threading.Thread(target=self._wait, name="wait", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def how(self) -> str:
        """How it ended."""
        ended = how_it_ended(self._popen.returncode)
        return f"{ended}, because it hung" if self.has_hung else ended

    @property
    def end(self) -> Crashed | Interrupted:
        """What its end, which its supervisor saw, makes of the attempts that it was still running."""
        if self._has_drained or self.is_killed:
            return Interrupted("DRAINED")
        # Where it is known what hung, nothing speaks against the others.
        is_explained = self.guilty is not None or (self.has_hung and self.hangs.has_overstayed())
        return Interrupted("CRASHED") if is_explained else Crashed(self.how)

    def send(self, **message: object) -> None:
        self._link.send(**message)

    def drain(self) -> None:
        """Tell it once to let what it runs end, and to end."""
        if not self.is_draining:
            self.is_draining = True
            self.send(drain=True)

    def kill(self) -> None:
        """End it now; what it ran is given back as by a drain."""
        self.is_killed = True
        self._popen.kill()

    def kill_if_hung(self) -> None:
        """End it if it hangs. A step that is known to hang has timed out; otherwise all of them are suspects."""
        if not self.has_hung and self.hangs.looks_hung():
            self.has_hung = True
            self.guilty = self.hangs.guilty()
            log.warning("process_hangs", pid=self.pid)
            self._popen.kill()

    def _hear(self, message: Message) -> None:
        self.hangs.hear(message)
        match message:
            case {"session": session_id}:
                self.session_id = session_id
            case {"drained": True}:
                self._has_drained = True

    def _wait(self) -> None:
        self._popen.wait()
        # What it said last names the session to end.
        self._link.close()
        self._on_exit.put(self)
