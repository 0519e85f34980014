"""The pipeline that chaos builds: three stages, coroutines and a function, failures, skips and dead letters."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

from jobcontrol.pipeline import Context, FanOut, GiveUp, Pipeline, Results, Retry
from services.waiting import take_a_while

SOWN, GROWN = 12, 3
PACE = 0.08
QUICK = Retry(max_attempts=3, base=0.2, max_delay=1.0)

storm = Pipeline("storm", description="Fans out twice; some steps fail once, some always, some are skipped.")


@storm.stage("sow", weight=0.2, retry=QUICK)
async def sow(ctx: Context, parameters: Mapping[str, Any]) -> FanOut:
    await take_a_while(PACE)
    return ctx.fan_out("grow", range(SOWN), key=str)


@storm.stage("grow", weight=0.3, concurrency=4, retry=QUICK)
async def grow(ctx: Context, number: int) -> FanOut:
    await take_a_while(PACE)
    if number % 5 == 2 and ctx.attempt == 1:
        raise RuntimeError(f"the first try of {number}")
    return ctx.fan_out("reap", range(GROWN * number, GROWN * (number + 1)), key=str)


@storm.stage("reap", weight=0.5, concurrency=6, retry=QUICK)
def reap(ctx: Context, number: int) -> str:
    threading.Event().wait(PACE)
    if ctx.cancelled:
        return "stopped"
    if number % 11 == 4:
        ctx.skip("nothing grew here")
    if number % 17 == 9:
        raise GiveUp(f"{number} is no good")
    return "x" * (10_000 if number % 7 == 0 else 10)


async def bring_home(ctx: Context, parameters: Mapping[str, Any], results: Results) -> int:
    await take_a_while(PACE)
    return sum(1 for _ in results["reap"])


storm.finish(bring_home, retry=QUICK)
