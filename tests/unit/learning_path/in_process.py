"""Runs the learning-path pipeline in this process, step by step, as a worker would."""

from __future__ import annotations

import dataclasses
import json
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from jobcontrol.pipeline import Child, FanOut, Result, SkipStep
from jobcontrol_workers.pipelines.learning_path import learning_path


@dataclass(frozen=True)
class Text:
    """A document as handlers see it."""

    text: str
    name: str = "document.md"
    media_type: str = "text/markdown"


@dataclass(frozen=True)
class FakeContext:
    """What a handler knows of its step."""

    document: Text | None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    title: str = "p1"
    path_id: str = "p1"
    job_id: str = "job"
    step_id: str = "step"
    stage: str = ""
    key: str = ""
    attempt: int = 1
    cancelled: bool = False
    idempotency_key: str = "key"
    last_checkpoint: Any = None

    def checkpoint(self, value: Any) -> None:
        """Nobody tries again here."""

    def progress(self, fraction: float | None, note: str = "") -> None:
        """Nobody watches here."""

    def log(self, message: str) -> None:
        """Nobody reads it here."""

    def fan_out(
        self,
        stage: str,
        values: Iterable[Any],
        *,
        key: Callable[[Any], str],
        label: Callable[[Any], str] | None = None,
        output: Any = None,
    ) -> FanOut:
        """Children whose keys are unique and whose inputs have been through JSON."""
        children = tuple(Child(key(value), through_json(value), (label or key)(value)) for value in values)
        assert len({child.key for child in children}) == len(children), "keys are unique among siblings"
        return FanOut(stage, children, through_json(output))

    def skip(self, reason: str) -> NoReturn:
        """End the step SKIPPED."""
        raise SkipStep(reason)


@dataclass(frozen=True)
class Build:
    """A finished build: the outputs by stage, and the result."""

    outputs: Mapping[str, list[Any]]
    result: Result

    @property
    def path(self) -> Any:
        """The JSON result."""
        return through_json(self.result.output)

    @property
    def markdown(self) -> str:
        """The rendering for readers."""
        return self.result.renderings["text/markdown"]

    @property
    def sub_concepts(self) -> list[Any]:
        """All sub-concepts of the path, in order."""
        return [sub for concept in self.path["concepts"] for sub in concept["sub_concepts"]]

    @property
    def units(self) -> list[Any]:
        """All knowledge units of the path, in order."""
        return [unit for sub in self.sub_concepts for unit in sub["units"]]


async def build(text: str, *, failing: Collection[tuple[str, str]] = (), **context: Any) -> Build:
    """Build the path of `text`; the steps (stage, key) in `failing` fail, and their children never come to be."""
    ctx = FakeContext(Text(text), **context)
    handlers = {stage.name: stage.handler for stage in learning_path.stages}
    outputs: dict[str, list[Any]] = defaultdict(list)
    waiting: list[tuple[str, str, Any]] = [("concepts", "", {})]
    while waiting:
        stage, key, value = waiting.pop(0)
        if (stage, key) in failing:
            continue
        answer = await handlers[stage](ctx, value)
        outputs[stage].append(answer.output if isinstance(answer, FanOut) else through_json(answer))
        if isinstance(answer, FanOut):
            waiting += [(answer.stage, child.key, child.input) for child in answer.children]
    result = await handlers["finalize"](ctx, {}, outputs)
    assert isinstance(result, Result)
    return Build(outputs, result)


def through_json(value: Any) -> Any:
    """`value` as it arrives on the other side of the store."""
    plain = dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else value
    return json.loads(json.dumps(plain))
