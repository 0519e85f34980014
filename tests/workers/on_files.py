"""Pipelines whose handlers and whose test, in different processes, speak through files of a directory.

A letter's attempt tells that it has begun, and waits until the test lets its letter go. `failing_fast` is the same
with a capital letter failing for good, and the build with it.
"""

import asyncio
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobcontrol.pipeline import GiveUp, Pipeline, Retry
from services.waiting import wait_until_async

pipeline = Pipeline("letters-on-files")
failing_fast = Pipeline("letters-that-fail-fast")


@dataclass(frozen=True)
class Told:
    """What one attempt has told: its letter, its number, and the process that runs it."""

    key: str
    attempt: int
    pid: int


class Directory:
    def __init__(self, path: Path) -> None:
        self.path = path

    def tell(self, what: str, ctx: Any) -> None:
        (self.path / f"{what}.{ctx.key}.{ctx.attempt}.{os.getpid()}").touch()

    def told(self, what: str) -> list[Told]:
        found = [path.name.split(".") for path in self.path.glob(f"{what}.*")]
        return sorted((Told(key, int(attempt), int(pid)) for _, key, attempt, pid in found), key=lambda one: one.key)

    def let_go(self, *keys: str) -> None:
        for key in keys:
            (self.path / f"go.{key}").touch()

    def may_go(self, key: str) -> bool:
        return (self.path / f"go.{key}").exists()


@pipeline.stage("split", weight=0.2)
@failing_fast.stage("split", weight=0.2)
async def split(ctx: Any, words: Any) -> Any:
    values = [{"directory": words["directory"], "letter": letter} for letter in words["letters"]]
    return ctx.fan_out("spell", values, key=lambda value: value["letter"])


@pipeline.stage("spell", weight=0.8, retry=Retry(base=0.0))
async def spell(ctx: Any, value: Any) -> str:
    directory = Directory(Path(value["directory"]))
    directory.tell("begun", ctx)

    async def may_go() -> bool:
        return directory.may_go(ctx.key)

    try:
        await wait_until_async(may_go, "the test lets the letter go", timeout=60)
    except asyncio.CancelledError:
        directory.tell("cancelled", ctx)
        raise
    return str(value["letter"])


@failing_fast.stage("spell", weight=0.8, concurrency=1, on_failure="fail_fast")
async def spell_small(ctx: Any, value: Any) -> str:
    letter = await spell(ctx, value)
    if letter.isupper():
        raise GiveUp(f"{letter} is a capital letter")
    return letter


@pipeline.finish
@failing_fast.finish
async def join(_ctx: Any, _words: Any, results: Any) -> list[str]:
    return list(results["spell"])
