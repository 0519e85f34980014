"""Ties a process to its parent: when the parent dies, however it dies, the process is told.

As a program, `python -m jobcontrol_workers.leash PARENT_PID COMMAND...` ties itself and becomes COMMAND.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def tie_to_parent(parent_pid: int, signum: signal.Signals) -> None:
    """Have the kernel send `signum` to this process when its parent's spawning thread ends.

    Linux only; elsewhere nothing happens, and the processes notice by the end of their pipes. Raises
    SystemExit if the parent has died already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signum)
    if os.getppid() != parent_pid:
        sys.exit(1)


def main() -> None:
    """Tie and become the command; the tie outlives the exec."""
    # All of it survives a SIGKILL by design, and nothing lingers that could hold a port.
    tie_to_parent(int(sys.argv[1]), signal.SIGKILL)
    os.execvp(sys.argv[2], sys.argv[2:])


if __name__ == "__main__":
    main()
