"""A pipeline of fifty good steps and a bad one among them, whose handler ends its process or never lets go of it."""

import ctypes
import mmap
import os
import re
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobcontrol.pipeline import Pipeline, Retry
from services.waiting import wait_until

GOOD = 50
BAD = "bad"
TIMEOUT = 2.0
#: More than a worker process of these tests ever needs, and what a greedy one takes before it waits to be killed.
GREEDY_BYTES = 256 << 20

pipeline = Pipeline("misbehaving")


@pipeline.stage("split", weight=0.2)
async def split(ctx: Any, given: Any) -> Any:
    names = [BAD, *(f"good-{number:02}" for number in range(GOOD))]
    return ctx.fan_out("work", [{**given, "name": name} for name in names], key=lambda value: value["name"])


@pipeline.stage("work", weight=0.8, timeout=TIMEOUT, concurrency=GOOD + 1, retry=Retry(max_attempts=1))
def work(ctx: Any, value: Any) -> str:
    """The bad step misbehaves once its first neighbours run, which have no time to end before."""
    directory = Path(value["directory"])
    (directory / f"begun.{value['name']}.{ctx.attempt}.{os.getpid()}").touch()
    if value["name"] == BAD:
        if ctx.attempt == 1:
            wait_until(lambda: len(list(directory.glob("begun.good-1?.1.*"))) == 10, "neighbours run")
        _WAYS[value["how"]]()
    if ctx.attempt == 1:
        threading.Event().wait(0.3)
    return str(value["name"])


@pipeline.finish
async def join(_ctx: Any, _given: Any, results: Any) -> list[str]:
    return list(results["work"])


def _swallow() -> None:
    while True:
        try:
            ctypes.CDLL(None).pause()
        except BaseException:  # noqa: BLE001 - what this handler is about
            continue


def _spin() -> None:
    re.match(r"(a+)+$", "a" * 64 + "b")


def _be_greedy() -> None:
    hoard = mmap.mmap(-1, GREEDY_BYTES)
    for page in range(0, GREEDY_BYTES, mmap.PAGESIZE):
        hoard[page] = 1
    ctypes.CDLL(None).pause()


_WAYS: Mapping[str, Callable[[], object]] = {
    "segfaults": lambda: ctypes.string_at(0),
    "exits": lambda: os._exit(7),
    "exits as if all were well": lambda: os._exit(0),
    "hangs in C and swallows every exception": _swallow,
    "spins and holds the interpreter": _spin,
    "allocates until it is killed": _be_greedy,
}
