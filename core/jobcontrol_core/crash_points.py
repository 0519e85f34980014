"""Crash points: named places between two effects, at which a test has this process die as if by the kernel."""

from __future__ import annotations

import os
import signal
from enum import StrEnum
from pathlib import Path

from jobcontrol_core.settings import crash_fuses

#: None outside of tests: a crash point then costs one comparison.
_FUSES: Path | None = crash_fuses()


class CrashPoint(StrEnum):
    """Where a death leaves the most behind."""

    #: The claim is committed; nobody runs the step.
    AFTER_CLAIM = "after_claim"
    #: The handler has returned; its outcome is in memory alone.
    AFTER_HANDLER = "after_handler"
    #: The whole fact is written; its transaction is open.
    BEFORE_COMMIT = "before_commit"
    #: The fact is committed; neither its caller nor a watcher or worker has heard of it.
    AFTER_COMMIT_BEFORE_PUBLISH = "after_commit_before_publish"


def crash_at(point: CrashPoint) -> None:
    """Die by SIGKILL if a fuse of this name lies ready. A fuse burns once: of many processes one dies."""
    if _FUSES is None:
        return
    try:
        (_FUSES / point).unlink()
    except FileNotFoundError:
        return
    os.kill(os.getpid(), signal.SIGKILL)
