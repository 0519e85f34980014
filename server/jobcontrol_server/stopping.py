"""Until a process is told to stop."""

from __future__ import annotations

import asyncio
import signal

SIGNALS = (signal.SIGTERM, signal.SIGINT)


async def told_to_stop() -> None:
    """Return at the first SIGTERM or SIGINT. A second one ends the process at once, as if nobody listened."""
    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for signum in SIGNALS:
        loop.add_signal_handler(signum, told.set)
    try:
        await told.wait()
    finally:
        for signum in SIGNALS:
            loop.remove_signal_handler(signum)
