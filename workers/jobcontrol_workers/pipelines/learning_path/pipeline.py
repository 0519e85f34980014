"""The stages of the learning-path pipeline and what each of their steps does."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Mapping
from importlib import resources
from typing import Any

from jobcontrol.pipeline import Context, Document, FanOut, InvalidInput, Pipeline, Result, Results, Retry

from .assembly import assemble
from .generator import Concept, Generator, Outline, SubConcept
from .outline import OutlineGenerator
from .rendering import render

INPUT_SCHEMA: Mapping[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "properties": {
        "title": {
            "type": "string",
            "minLength": 1,
            "maxLength": 200,
            "title": "Title",
            "description": "The title of the path; without it, the document's own.",
        },
        "pace": {
            "type": "number",
            "minimum": 0,
            "maximum": 10,
            "default": 0,
            "title": "Pace",
            "description": "Seconds that each step waits before it works, so that a person can watch.",
        },
    },
}
RETRY = Retry(max_attempts=3, base=1.0, factor=2.0)


def _read_primer() -> bytes:
    """The sample document: a primer on the subject of this product."""
    return resources.files(__package__).joinpath("primer.md").read_bytes()


learning_path = Pipeline(
    "learning-path",
    description="Turns a document into a path of concepts, sub-concepts and knowledge units with questions for recall.",
    input_schema=INPUT_SCHEMA,
    document="required",
    media_types=("text/markdown", "text/plain"),
    sample=_read_primer,
)
generator: Generator = OutlineGenerator()


@learning_path.stage("concepts", weight=0.2, queue="build-path", retry=RETRY)
async def generate_concepts(ctx: Context, input: Mapping[str, Any]) -> FanOut:
    """One step: find the concepts of the document. Raises InvalidInput where it teaches nothing."""
    await _keep_pace(ctx)
    outline = await asyncio.to_thread(generator.outline, _document(ctx).text)
    return ctx.fan_out(
        "sub-concepts",
        outline.concepts,
        key=lambda concept: concept.key,
        label=lambda concept: concept.title,
        output=dataclasses.asdict(outline),
    )


@learning_path.stage("sub-concepts", weight=0.3, queue="decompose-concept", concurrency=3, retry=RETRY)
async def decompose_concept(ctx: Context, input: Mapping[str, Any]) -> FanOut:
    """One step per concept: divide it into sub-concepts."""
    await _keep_pace(ctx)
    found = await asyncio.to_thread(generator.sub_concepts, _document(ctx).text, Concept.of(input))
    return ctx.fan_out(
        "knowledge-units",
        found,
        key=lambda sub_concept: sub_concept.key,
        label=lambda sub_concept: sub_concept.title,
        output=[dataclasses.asdict(sub_concept) for sub_concept in found],
    )


@learning_path.stage("knowledge-units", weight=0.5, queue="generate-ku", concurrency=5, retry=RETRY)
async def generate_ku(ctx: Context, input: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One step per sub-concept: its knowledge units, as a list."""
    await _keep_pace(ctx)
    units = await asyncio.to_thread(generator.units, _document(ctx).text, SubConcept.of(input))
    return [dataclasses.asdict(unit) for unit in units]


async def finalize_build(ctx: Context, input: Mapping[str, Any], results: Results) -> Result:
    """Once: put together what the steps found, say what is missing, and write it out for readers."""
    return await asyncio.to_thread(_finalize, ctx, results)


learning_path.finish(finalize_build, queue="build-path", retry=RETRY)


def _finalize(ctx: Context, results: Results) -> Result:
    (outline,) = results["concepts"]
    document = _document(ctx)
    source = {"name": document.name, "media_type": document.media_type}
    path = assemble(
        outline,
        sub_concepts=results["sub-concepts"],
        units=results["knowledge-units"],
        title=_title(ctx, outline),
        source=source,
    )
    return Result(path, {"text/markdown": render(path)})


def _title(ctx: Context, outline: Mapping[str, Any]) -> str:
    """The title asked for, else the document's own, else its name."""
    given = ctx.parameters.get("title") or (ctx.title if ctx.title != ctx.path_id else "")
    name = _document(ctx).name.rpartition("/")[2].rpartition(".")[0]
    return str(given or outline["title"] or name or ctx.path_id)


def _document(ctx: Context) -> Document:
    if ctx.document is None:
        raise InvalidInput("a learning path is made from a document, and this build has none")
    return ctx.document


async def _keep_pace(ctx: Context) -> None:
    if seconds := float(ctx.parameters.get("pace") or 0):
        await asyncio.sleep(seconds)


__all__ = ["Outline", "decompose_concept", "finalize_build", "generate_concepts", "generate_ku", "learning_path"]
