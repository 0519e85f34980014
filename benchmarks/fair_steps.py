"""A pipeline whose steps take their time and nothing else. `jobctl worker` serves it for fairness.py."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from jobcontrol.pipeline import Context, FanOut, Pipeline, Results

#: Seconds that each step takes.
STEP_SECONDS = 0.1

fair = Pipeline(
    "fair-steps",
    description="Takes its time, in the shape that is asked for.",
    input_schema={
        "type": "object",
        "properties": {"concepts": {"type": "integer"}, "units": {"type": "integer"}},
        "required": ["concepts", "units"],
    },
)


@fair.stage("concepts", weight=0.1, concurrency=8)
async def concepts(ctx: Context, parameters: Mapping[str, Any]) -> FanOut:
    await asyncio.sleep(STEP_SECONDS)
    return ctx.fan_out("sub-concepts", range(parameters["concepts"]), key=str)


@fair.stage("sub-concepts", weight=0.2, concurrency=8)
async def sub_concepts(ctx: Context, concept: int) -> FanOut:
    await asyncio.sleep(STEP_SECONDS)
    return ctx.fan_out("units", range(ctx.parameters["units"]), key=str)


@fair.stage("units", weight=0.7, concurrency=8)
async def units(_ctx: Context, unit: int) -> int:
    await asyncio.sleep(STEP_SECONDS)
    return unit


async def _count(_ctx: Context, _parameters: Mapping[str, Any], results: Results) -> int:
    await asyncio.sleep(STEP_SECONDS)
    return sum(1 for _ in results["units"])


fair.finish(_count)
