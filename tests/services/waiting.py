"""Waiting for what must become true: the one place of the tests that may sleep."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest

_SECONDS = 30.0
_FIRST_PAUSE, _LONGEST_PAUSE = 0.002, 0.1


def wait_until(holds: Callable[[], object], claim: str, *, timeout: float = _SECONDS) -> None:
    """Return as soon as `holds()` is true; fail the test, naming the `claim`, after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not true after {timeout:g} s: {claim}")
        time.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def wait_until_async(holds: Callable[[], Awaitable[object]], claim: str, *, timeout: float = _SECONDS) -> None:
    """`wait_until` for a condition that is awaited, leaving the loop free between two looks."""
    deadline = time.monotonic() + timeout
    pause = _FIRST_PAUSE
    while not await holds():
        if time.monotonic() > deadline:
            pytest.fail(f"not true after {timeout:g} s: {claim}")
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, _LONGEST_PAUSE)


async def take_a_while(seconds: float = 0.01) -> None:
    """What a handler does whose step is to have a duration; nothing may be concluded from how long it is."""
    await asyncio.sleep(seconds)
