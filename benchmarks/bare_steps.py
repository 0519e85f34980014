"""A pipeline whose handlers do nothing: what is left is the engine. `jobctl worker` serves it for throughput.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobcontrol.pipeline import Context, FanOut, Pipeline, Results

bare = Pipeline(
    "bare-steps",
    description="Does nothing, in the shape that is asked for.",
    input_schema={
        "type": "object",
        "properties": {"concepts": {"type": "integer"}, "units": {"type": "integer"}},
        "required": ["concepts", "units"],
    },
)


@bare.stage("concepts", weight=0.2)
async def concepts(ctx: Context, parameters: Mapping[str, Any]) -> FanOut:
    return ctx.fan_out("sub-concepts", range(parameters["concepts"]), key=str)


@bare.stage("sub-concepts", weight=0.3, concurrency=50)
async def sub_concepts(ctx: Context, concept: int) -> FanOut:
    return ctx.fan_out("units", range(ctx.parameters["units"]), key=str)


@bare.stage("units", weight=0.5, concurrency=50)
async def units(ctx: Context, unit: int) -> int:
    return unit


def _count(ctx: Context, parameters: Mapping[str, Any], results: Results) -> int:
    return sum(1 for _ in results["units"])


bare.finish(_count)
