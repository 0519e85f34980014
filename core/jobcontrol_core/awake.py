"""The clock by which leases are trusted and others are judged."""

from __future__ import annotations

import time


def awake_clock() -> float:
    """Seconds that also count while the machine sleeps, where the system has such a clock.

    All processes of a machine share it.
    """
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
