"""One attempt of a step: call its handler, and make a value of however it ends."""

from __future__ import annotations

import asyncio
import inspect
import json
import traceback
from collections.abc import Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Any

from jobcontrol.pipeline import FanOut, GiveUp, InvalidInput, Result, RetryAfter, SkipStep
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.lifecycle import FailureReason, StopReceipt
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
    bad_result,
    check_children,
    encode_json,
    storable_text,
    timed_out,
)
from jobcontrol_core.domain.values import Build, ClaimedStep, ErrorInfo
from jobcontrol_workers.context import StepContext, StoredResults
from jobcontrol_workers.documents import Documents
from jobcontrol_workers.interrupts import HandlerCall
from jobcontrol_workers.registry import Served


@dataclass(frozen=True, slots=True)
class Attempt:
    """Everything that one attempt needs."""

    claimed: ClaimedStep
    build: Build
    served: Served
    context: StepContext
    results: StoredResults
    documents: Documents
    call: HandlerCall = field(default_factory=HandlerCall)

    @property
    def is_async(self) -> bool:
        """True if the handler is a coroutine function; a plain one runs on a thread."""
        return inspect.iscoroutinefunction(self.served.stage.handler)


async def perform(attempt: Attempt, threads: Executor) -> Outcome:
    """Run the handler to its end. Always answers with an outcome, whatever the handler does."""
    try:
        answer, error = await _call(attempt, threads)
        if error is not None:
            return _of_raised(attempt, error)
        if attempt.context.has_seen_stop:
            # It was told to stop and returned for that: what it returned is no result.
            return outcome_of_stop(attempt)
        return to_outcome(attempt, answer)
    except BadResult as error:
        return bad_result(str(error))
    except BaseException as error:  # noqa: BLE001 - around a handler: whatever it raises is its step's failure
        return _of_raised(attempt, error)


def outcome_of_stop(attempt: Attempt, receipt: StopReceipt = StopReceipt.STOPPED) -> Outcome:
    """What becomes of an attempt that was told to stop: only running out of time uses up a try.

    `receipt` ABANDONED = its handler does not stop.
    """
    cause, timeout = attempt.context.stop_cause, attempt.served.stage.timeout
    if cause == FailureReason.TIMED_OUT and timeout is not None:
        return timed_out(timeout, receipt)
    return Interrupted(receipt if receipt is StopReceipt.ABANDONED else cause or receipt)


def _of_raised(attempt: Attempt, error: BaseException) -> Outcome:
    cause = attempt.context.stop_cause
    if cause is not None and (attempt.context.has_seen_stop or attempt.is_async or attempt.call.is_interrupted):
        # Whatever a handler raises once it knows that it is to stop, it raises for that.
        return outcome_of_stop(attempt)
    if isinstance(error, Unavailable):
        # Reading documents and results needs the database; that it is away is not the handler's failure.
        return Interrupted("LOST")
    if isinstance(error, SkipStep):
        return Skipped(_text_of(error))
    # What a checkpoint was given on a thread.
    return bad_result(str(error)) if isinstance(error, BadResult) else _failed(error)


async def _call(attempt: Attempt, threads: Executor) -> tuple[Any, BaseException | None]:
    """The handler's answer; or what it raised on its thread."""
    handler = attempt.served.stage.handler
    attempt.context.document = await attempt.documents.load(attempt.build.document)
    if attempt.context.cancelled:
        return None, None
    arguments = _arguments(attempt)
    if attempt.is_async:
        return await handler(*arguments), None
    # A thread cannot be cancelled: the step goes on until its function returns, having been told by ctx.cancelled.
    loop = asyncio.get_running_loop()
    return await asyncio.shield(loop.run_in_executor(threads, attempt.call.run, handler, arguments))


def _arguments(attempt: Attempt) -> tuple[Any, ...]:
    if attempt.claimed.step.stage_no == 0:
        return (attempt.context, _build_input(attempt))
    if attempt.served.spec.is_finalize:
        return (attempt.context, _build_input(attempt), attempt.results)
    return (attempt.context, json.loads(attempt.claimed.input))


def _build_input(attempt: Attempt) -> Any:
    parameters: Mapping[str, Any] = attempt.build.parameters
    kind = attempt.served.pipeline.input
    if kind is None:
        return dict(parameters)
    try:
        return kind(**parameters)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"the parameters do not fit the pipeline's input: {error}") from error


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
    message = storable_text(_text_of(error) or type(error).__name__)
    trace = storable_text("".join(traceback.format_exception(error)))
    return Failed(
        FailureReason.HANDLER_ERROR,
        ErrorInfo(type(error).__name__, message, trace),
        is_final=isinstance(error, GiveUp),
        retry_after=_retry_after(error),
    )


def _retry_after(error: BaseException) -> float | None:
    if not isinstance(error, RetryAfter):
        return None
    try:
        return float(error.seconds)
    except (TypeError, ValueError):
        return None


def _text_of(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - a handler's own exception, whose text is the handler's code, too
        return f"{type(error).__name__} (its text cannot be told)"
