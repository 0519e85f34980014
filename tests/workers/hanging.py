"""A pipeline whose handlers hang in their first attempt: letting the interpreter run on meanwhile, or not."""

import ctypes
import os
from collections.abc import Callable, Mapping
from typing import Any

from jobcontrol.pipeline import Pipeline, Retry

pipeline = Pipeline("hanging")


@pipeline.stage("split", weight=0.2)
async def split(ctx: Any, given: Any) -> Any:
    return ctx.fan_out("hang", [given["how"]], key=str)


@pipeline.stage("hang", weight=0.8, retry=Retry(base=0.0), timeout=0.5)
def hang(ctx: Any, how: str) -> int:
    if ctx.attempt == 1:
        _HANGS[how]()
    return os.getpid()


@pipeline.finish
async def join(_ctx: Any, _given: Any, results: Any) -> list[int]:
    return list(results["hang"])


def _swallow() -> None:
    while True:
        try:
            ctypes.CDLL(None).pause()
        except BaseException:  # noqa: BLE001 - what this handler is about
            continue


_HANGS: Mapping[str, Callable[[], object]] = {
    "in C": lambda: ctypes.CDLL(None).pause(),
    "in C, swallowing every exception": _swallow,
    "holding the interpreter": lambda: ctypes.PyDLL(None).pause(),
}
