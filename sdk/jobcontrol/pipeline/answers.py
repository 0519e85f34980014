"""What a handler may say: a value, more steps, a result, or one of the exceptions here."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

JsonValue = Any


class GiveUp(Exception):
    """Raised by a handler: this step has failed and no further try would help."""


class InvalidInput(GiveUp):
    """Raised by the first stage: the build's input is unusable, and why. The job fails at once."""


class RetryAfter(Exception):
    """Raised by a handler: try again, but not before `seconds` have passed. Uses up one try."""

    def __init__(self, seconds: float, reason: str = "") -> None:
        super().__init__(reason or f"asked to be tried again after {seconds:g} s")
        self.seconds = seconds


class SkipStep(Exception):
    """Raised by `Context.skip`: the step ends SKIPPED, which is no failure."""


class StepStopped(BaseException):
    """Raised into a plain function on a thread that has been told to stop and goes on; let it pass.

    No Exception, so that a handler that catches those ends all the same.
    """


@dataclass(frozen=True, slots=True)
class Child:
    """One step to come: `key` is unique among its siblings, `input` is what its handler receives."""

    key: str
    input: JsonValue
    label: str


@dataclass(frozen=True, slots=True)
class FanOut:
    """A handler's answer that creates steps in a later stage; `output` is kept on the step itself."""

    stage: str
    children: tuple[Child, ...]
    output: JsonValue = None


@dataclass(frozen=True, slots=True)
class Result:
    """The answer of a `finish` handler: the JSON result, and the same for readers by media type."""

    output: JsonValue
    renderings: Mapping[str, str] = field(default_factory=dict)


def to_json_value(value: Any) -> JsonValue:
    """A step input as JSON: dataclasses become objects, everything else is taken as it is."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return value
