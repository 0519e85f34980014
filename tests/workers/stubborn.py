"""A pipeline whose handlers tell that they have begun, and end in many ways when they are to stop, or not at all."""

import ctypes
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from jobcontrol.pipeline import Pipeline
from services.waiting import wait_until
from workers.on_files import Directory

pipeline = Pipeline("stubborn")


@pipeline.stage("split", weight=0.2)
async def split(ctx: Any, given: Any) -> Any:
    values = [{"directory": given["directory"], "how": how} for how in given["how"]]
    return ctx.fan_out("hold", values, key=lambda value: value["how"])


@pipeline.stage("hold", weight=0.8)
def hold(ctx: Any, value: Any) -> None:
    Directory(Path(value["directory"])).tell("begun", ctx)
    HOLDS[value["how"]](ctx)


@pipeline.finish
async def join(_ctx: Any, _given: Any, _results: Any) -> None:
    return None


def _listen(ctx: Any) -> None:
    wait_until(lambda: ctx.cancelled, "the step is to stop", timeout=120)


def _compute(_ctx: Any) -> None:
    while True:
        pass


def _swallow(_ctx: Any) -> None:
    while True:
        try:
            ctypes.CDLL(None).pause()
        except BaseException:  # noqa: BLE001 - what this handler is about
            continue


HOLDS: Mapping[str, Callable[[Any], object]] = {
    "listens": _listen,
    "computes": _compute,
    "waits in C": lambda _ctx: ctypes.CDLL(None).pause(),
    "swallows everything": _swallow,
    "holds the interpreter": lambda _ctx: ctypes.PyDLL(None).pause(),
}
