"""The pipelines that chaos builds: failures of every kind, skips, checkpoints, limits and failure policies."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from chaos.diary import complain, written_down
from jobcontrol.pipeline import Context, FanOut, GiveUp, Pipeline, Rate, Results, Retry, RetryAfter, Tolerate
from services.waiting import take_a_while

SOWN, GROWN = 12, 3
PACE = 0.08
#: Seconds that a step may run, and that one which is too slow would.
TIMEOUT, TOO_LONG = 1.5, 30.0
MAX_RUNNING, RATE = 3, Rate(12, per=2.0)
LIMITED_QUEUE = "drizzle-drop"
QUICK = Retry(max_attempts=3, base=0.2, max_delay=1.0)

storm = Pipeline("storm", description="Fans out twice; some steps fail once, some always, some are skipped.")
gale = Pipeline("gale", description="One step that fails for good fails the build.")
drizzle = Pipeline("drizzle", description="Starts few steps at once and in a while, and bears some that fail.")


async def sow(ctx: Context, parameters: Mapping[str, Any]) -> FanOut:
    with written_down(ctx):
        await take_a_while(PACE)
        return ctx.fan_out("grow", range(SOWN), key=str, output=ctx.attempt)


async def grow(ctx: Context, number: int) -> FanOut:
    with written_down(ctx):
        _go_on_from_checkpoint(ctx)
        await take_a_while(PACE)
        if number % 5 == 2 and ctx.attempt == 1:
            raise RuntimeError(f"the first try of {number}")
        if number == 6 and ctx.attempt == 1:
            raise RetryAfter(0.5, "not yet")
        if number == 9 and ctx.attempt == 1:
            await take_a_while(TOO_LONG)
        return ctx.fan_out("reap", range(GROWN * number, GROWN * (number + 1)), key=str, output=ctx.attempt)


def reap(ctx: Context, number: int) -> list[Any]:
    with written_down(ctx):
        ctx.progress(0.5, f"half of {number}")
        ctx.log(f"reaping {number}")
        threading.Event().wait(PACE)
        if ctx.cancelled:
            return ["stopped"]
        if number % 11 == 4:
            ctx.skip("nothing grew here")
        if number % 17 == 9:
            raise GiveUp(f"{number} is no good")
        if number % 19 == 3:
            raise RuntimeError(f"{number} never works")
        return [ctx.attempt, "x" * (10_000 if number % 7 == 0 else 10)]


async def drip(ctx: Context, parameters: Mapping[str, Any]) -> FanOut:
    with written_down(ctx):
        return ctx.fan_out("drop", range(SOWN), key=str, output=ctx.attempt)


async def drop(ctx: Context, number: int) -> int:
    with written_down(ctx):
        await take_a_while(PACE)
        if number == 5:
            raise GiveUp("one of twelve may fail")
        return ctx.attempt


async def bring_home(ctx: Context, parameters: Mapping[str, Any], results: Results) -> int:
    with written_down(ctx):
        await take_a_while(PACE)
        return ctx.attempt


def _go_on_from_checkpoint(ctx: Context) -> None:
    """A checkpoint is of this very step, and of an attempt before this one."""
    kept = ctx.last_checkpoint
    if kept is not None and not (kept["step"] == ctx.step_id and kept["attempt"] < ctx.attempt):
        complain(ctx, f"was given the checkpoint {kept}")
    ctx.checkpoint({"step": ctx.step_id, "attempt": ctx.attempt})


storm.stage("sow", weight=0.2, retry=QUICK)(sow)
storm.stage("grow", weight=0.3, concurrency=4, retry=QUICK, timeout=TIMEOUT)(grow)
storm.stage("reap", weight=0.5, concurrency=6, retry=QUICK)(reap)
gale.stage("sow", weight=0.2, retry=QUICK)(sow)
gale.stage("grow", weight=0.3, concurrency=4, retry=QUICK, timeout=TIMEOUT)(grow)
gale.stage("reap", weight=0.5, concurrency=6, retry=QUICK, on_failure="fail_fast")(reap)
drizzle.stage("drip", weight=0.1, retry=QUICK)(drip)
drizzle.stage(
    "drop",
    weight=0.9,
    queue=LIMITED_QUEUE,
    retry=QUICK,
    max_running=MAX_RUNNING,
    rate=RATE,
    on_failure=Tolerate(0.1),
)(drop)
for pipeline in (storm, gale, drizzle):
    pipeline.finish(bring_home, retry=QUICK)
PIPELINES = ("storm", "gale", "drizzle")
