"""The shape of the built-in pipeline: what the queues, weights and limits of its stages are."""

import asyncio
from typing import Any

import jsonschema
import pytest

from jobcontrol.pipeline import InvalidInput
from jobcontrol_workers.pipelines import BUILT_IN
from jobcontrol_workers.pipelines.learning_path import learning_path
from jobcontrol_workers.pipelines.learning_path.pipeline import generate_concepts
from unit.learning_path.in_process import FakeContext, build

BY_NAME = {stage.name: stage for stage in learning_path.stages}


def test_the_learning_path_is_built_in() -> None:
    assert learning_path in BUILT_IN


@pytest.mark.parametrize(
    ("stage", "queue", "weight", "concurrency"),
    [
        ("concepts", "build-path", 0.2, 10),
        ("sub-concepts", "decompose-concept", 0.3, 3),
        ("knowledge-units", "generate-ku", 0.5, 5),
        ("finalize", "build-path", 0.0, 1),
    ],
)
def test_each_stage_has_its_queue_weight_and_concurrency(
    stage: str, queue: str, weight: float, concurrency: int
) -> None:
    found = BY_NAME[stage]
    assert (found.queue, found.weight, found.concurrency) == (queue, weight, concurrency)


def test_every_step_is_tried_three_times_after_one_and_two_seconds() -> None:
    retries = {(stage.retry.max_attempts, stage.retry.base, stage.retry.factor) for stage in learning_path.stages}
    assert retries == {(3, 1.0, 2.0)}


def test_a_document_is_required_and_the_sample_is_one() -> None:
    assert learning_path.document == "required"
    assert learning_path.media_types == ("text/markdown", "text/plain")
    assert learning_path.sample is not None
    assert learning_path.sample().decode().startswith("# ")


@pytest.mark.parametrize("parameters", [{}, {"title": "Rust"}, {"pace": 0}, {"pace": 2.5, "title": "T"}])
def test_title_and_pace_are_accepted(parameters: dict[str, object]) -> None:
    jsonschema.validate(parameters, learning_path.input_schema)


@pytest.mark.parametrize("parameters", [{"pace": -1}, {"pace": 11}, {"title": ""}, {"speed": 1}, {"pace": "fast"}])
def test_other_parameters_are_refused(parameters: dict[str, object]) -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(parameters, learning_path.input_schema)


async def test_every_step_but_the_last_waits_for_its_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    async def note(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", note)
    built = await build("# A\n\nSome text to read.\n", parameters={"pace": 3})
    assert waits == [3.0] * sum(len(outputs) for outputs in built.outputs.values())


async def test_without_a_pace_no_step_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    async def refuse(seconds: float) -> None:
        raise AssertionError(f"waited {seconds} s")

    monkeypatch.setattr(asyncio, "sleep", refuse)
    await build("# A\n\nSome text to read.\n")


async def test_a_build_without_a_document_is_invalid_input() -> None:
    with pytest.raises(InvalidInput, match="document"):
        await generate_concepts(FakeContext(None), {})


@pytest.mark.parametrize(
    ("context", "title"),
    [
        ({"parameters": {"title": "Asked for"}, "title": "Of the build"}, "Asked for"),
        ({"title": "Of the build"}, "Of the build"),
        ({}, "Of the document"),
    ],
)
async def test_the_title_is_the_one_asked_for_before_the_documents_own(context: dict[str, Any], title: str) -> None:
    built = await build("# Of the document\n\nText.\n\n## One\n\nText.\n\n## Two\n\nText.\n", **context)
    assert built.path["title"] == title
    assert built.markdown.startswith(f"# {title}\n")


async def test_a_document_without_a_title_lends_its_name() -> None:
    built = await build("Only a paragraph of text.")
    assert built.path["title"] == "document"
