"""One attempt of a step: call its handler, and make a value of however it ends."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import Any

from jobcontrol.pipeline import FanOut, GiveUp, Result, RetryAfter, SkipStep
from jobcontrol_core.domain.lifecycle import FailureReason
from jobcontrol_core.domain.outcomes import (
    MAX_RESULT,
    MAX_STEP_INPUT,
    MAX_STEP_OUTPUT,
    BadResult,
    Failed,
    Interrupted,
    NewChild,
    Outcome,
    Skipped,
    Succeeded,
    check_children,
    encode_json,
    storable_text,
)
from jobcontrol_core.domain.values import Build, ClaimedStep, ErrorInfo
from jobcontrol_workers.context import StepContext, StoredResults
from jobcontrol_workers.registry import Served


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything that one attempt needs."""

    claimed: ClaimedStep
    build: Build
    served: Served
    context: StepContext
    results: StoredResults


async def perform(attempt: Attempt, threads: Executor) -> Outcome:
    """Run the handler to its end. Always answers with an outcome, whatever the handler does."""
    try:
        answer = await _call(attempt, threads)
        return to_outcome(attempt, answer)
    except asyncio.CancelledError:
        if attempt.context.stop_cause is None:
            # Nobody asked for it: something inside the handler cancelled it.
            return _failed(asyncio.CancelledError("the handler was cancelled from within"))
        return Interrupted(attempt.context.stop_cause)
    except BadResult as error:
        return Failed(FailureReason.BAD_RESULT, ErrorInfo("BadResult", str(error)), is_final=True)
    except SkipStep as skip:
        return Skipped(str(skip))
    except BaseException as error:  # noqa: BLE001 - around a handler: whatever it raises is its step's failure
        return _failed(error)


async def _call(attempt: Attempt, threads: Executor) -> Any:
    handler = attempt.served.stage.handler
    arguments = _arguments(attempt)
    if inspect.iscoroutinefunction(handler):
        return await handler(*arguments)
    # A thread cannot be cancelled: the step goes on until its function returns, having been told by ctx.cancelled.
    return await asyncio.shield(asyncio.get_running_loop().run_in_executor(threads, handler, *arguments))


def _arguments(attempt: Attempt) -> tuple[Any, ...]:
    if attempt.claimed.step.stage_no == 0:
        return (attempt.context, _build_input(attempt))
    if attempt.served.spec.is_finalize:
        return (attempt.context, _build_input(attempt), attempt.results)
    return (attempt.context, json.loads(attempt.claimed.input))


def _build_input(attempt: Attempt) -> Any:
    parameters: Mapping[str, Any] = attempt.build.parameters
    kind = attempt.served.pipeline.input
    return dict(parameters) if kind is None else kind(**parameters)


def to_outcome(attempt: Attempt, answer: Any) -> Outcome:
    """What a handler's answer makes of its step. Raises BadResult for one that cannot be kept."""
    match answer:
        case FanOut():
            children = _children(attempt, answer)
            output = answer.output if answer.output is not None else {"children": len(children)}
            text = encode_json(output, what="the step's output", limit=MAX_STEP_OUTPUT)
            return Succeeded(text, item_count=len(children), children=children)
        case Result() if attempt.served.spec.is_finalize:
            text = encode_json(answer.output, what="the result", limit=MAX_RESULT)
            return Succeeded(text, renderings=_renderings(answer.renderings))
        case _:
            limit = MAX_RESULT if attempt.served.spec.is_finalize else MAX_STEP_OUTPUT
            text = encode_json(answer, what="the step's output", limit=limit)
            return Succeeded(text, item_count=len(answer) if isinstance(answer, list) else 1)


def _children(attempt: Attempt, answer: FanOut) -> tuple[NewChild, ...]:
    numbers = {stage.name: stage.number for stage in attempt.build.stages if not stage.is_finalize}
    own = attempt.claimed.step.stage_no
    stage_no = numbers.get(answer.stage)
    if stage_no is None or stage_no <= own:
        later = ", ".join(name for name, number in numbers.items() if number > own) or "none"
        raise BadResult(f"fan_out to {answer.stage!r}; the later stages are: {later}")
    children = tuple(
        NewChild(
            stage_no,
            child.key,
            storable_text(child.label),
            encode_json(child.input, what=f"the input of {child.key[:80]!r}", limit=MAX_STEP_INPUT),
        )
        for child in answer.children
    )
    check_children(children)
    return children


def _renderings(renderings: Mapping[str, str]) -> dict[str, bytes]:
    encoded = {media_type: text.encode(errors="replace") for media_type, text in renderings.items()}
    if sum(map(len, encoded.values())) > MAX_RESULT:
        raise BadResult(f"the result's renderings are more than {MAX_RESULT:,} bytes")
    return encoded


def _failed(error: BaseException) -> Failed:
    message = storable_text(str(error) or type(error).__name__)
    trace = storable_text("".join(traceback.format_exception(error)))
    return Failed(
        FailureReason.HANDLER_ERROR,
        ErrorInfo(type(error).__name__, message, trace),
        is_final=isinstance(error, GiveUp),
        retry_after=error.seconds if isinstance(error, RetryAfter) else None,
    )
