"""How one attempt of a step can end, as values."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from jobcontrol_core.domain.lifecycle import FailureReason, StopReceipt
from jobcontrol_core.domain.values import ErrorInfo

MAX_STEP_OUTPUT = 1 << 20
MAX_STEP_INPUT = 1 << 20
MAX_RESULT = 32 << 20
MAX_CHILDREN = 50_000
#: Steps of one job, all stages together, the one that finalizes left out.
MAX_JOB_STEPS = 1_000_000
MAX_KEY = 512
MAX_ERROR_TEXT = 64 << 10

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_ESCAPED_UNSTORABLE = re.compile(r"(?<!\\)(?:\\\\)*\\u(?:0000|[dD][89a-fA-F][0-9a-fA-F]{2})")


class BadResult(Exception):
    """A handler's answer that cannot be kept, and why."""


@dataclass(frozen=True, slots=True)
class NewChild:
    """A step to be born in the transaction that completes its parent. `input` is JSON text."""

    stage_no: int
    key: str
    label: str
    input: str


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The handler answered. `output` is JSON text; `renderings` are the result by media type (finalize only)."""

    output: str
    item_count: int = 1
    children: tuple[NewChild, ...] = ()
    renderings: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """The handler raised. `is_final` = no further try would help; `retry_after` = not before, in seconds.

    `receipt` is how it let go, which is told if its job is stopping.
    """

    reason: FailureReason
    error: ErrorInfo
    is_final: bool = False
    retry_after: float | None = None
    receipt: StopReceipt = StopReceipt.STOPPED


@dataclass(frozen=True, slots=True)
class Skipped:
    """The handler found that this step is not needed."""

    reason: str


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The attempt was cut off through no fault of its own; it uses up no try."""

    cause: str


@dataclass(frozen=True, slots=True)
class Crashed:
    """The process that ran the attempt ended under it, as its supervisor saw; `how` says "killed by SIGSEGV"."""

    how: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The lease of the process that ran the attempt ran out, or nobody knows the process any more."""


Outcome = Succeeded | Failed | Skipped | Interrupted | Crashed | Lost


def timed_out(seconds: float, receipt: StopReceipt = StopReceipt.STOPPED) -> Failed:
    """What becomes of an attempt that ran longer than its stage allows: it uses up a try."""
    error = ErrorInfo("TimedOut", f"still running after the stage's {seconds:g} s")
    return Failed(FailureReason.TIMED_OUT, error, receipt=receipt)


def bad_result(message: str) -> Failed:
    """What becomes of an attempt whose answer cannot be kept: no further try would help."""
    return Failed(FailureReason.BAD_RESULT, ErrorInfo("BadResult", message), is_final=True)


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """The end of attempt `attempt` of step `step_id`."""

    job_id: str
    step_id: str
    attempt: int
    outcome: Outcome


def encode_json(value: Any, *, what: str, limit: int) -> str:
    """`value` as JSON text that every database keeps as it is. Raises BadResult naming `what`."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise BadResult(f"{what} is not JSON: {error}") from None
    if _UNSTORABLE.search(text) or _ESCAPED_UNSTORABLE.search(text):
        raise BadResult(f"{what} holds a NUL or half a surrogate pair, which JSON stores do not keep")
    size = len(text.encode())
    if size > limit:
        raise BadResult(f"{what} is {size:,} bytes; at most {limit:,} are kept")
    return text


def check_children(children: tuple[NewChild, ...]) -> None:
    """Raise BadResult unless the children are few enough and their keys unique per stage."""
    if len(children) > MAX_CHILDREN:
        raise BadResult(f"{len(children):,} children; at most {MAX_CHILDREN:,} are allowed")
    seen: set[tuple[int, str]] = set()
    for child in children:
        if not child.key or len(child.key) > MAX_KEY or _UNSTORABLE.search(child.key + child.label):
            raise BadResult(f"child key {child.key[:80]!r} must be 1 to {MAX_KEY} characters without NUL")
        if (child.stage_no, child.key) in seen:
            raise BadResult(f"two children have the key {child.key!r}; keys are unique among siblings")
        seen.add((child.stage_no, child.key))


def storable_text(text: str, limit: int = MAX_ERROR_TEXT) -> str:
    """`text` as every database keeps it: no NUL, no half surrogates, at most `limit` bytes, the end kept."""
    clean = _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    encoded = clean.encode()
    if len(encoded) <= limit:
        return clean
    return "[…] " + encoded[-(limit - 8) :].decode(errors="ignore")
