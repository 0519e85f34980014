"""How a process ended, in words."""

from __future__ import annotations

import signal


def how_it_ended(exit_code: int | None) -> str:
    """`killed by SIGKILL` or `exit code 3`, from the return code of a Popen."""
    if exit_code is None or exit_code >= 0:
        return f"exit code {exit_code}"
    try:
        return f"killed by {signal.Signals(-exit_code).name}"
    except ValueError:
        # The real-time signals have no names.
        return f"killed by signal {-exit_code}"
