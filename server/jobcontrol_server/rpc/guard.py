"""The guard around every call: requests are checked before it, and what it raises becomes a status."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, NoReturn

import grpc
import grpc.aio
import structlog
from google.protobuf.message import Message
from google.rpc import status_pb2

from jobcontrol_core.domain.errors import DomainError, FieldInvalid, NotServedYet
from jobcontrol_server.request_ids import REQUEST_ID, request_id_of
from jobcontrol_server.rpc.errors import internal_status, to_status
from jobcontrol_server.rpc.validation import not_yet, violations

log = structlog.get_logger(__name__)

CODES = {code.value[0]: code for code in grpc.StatusCode}
DETAILS_KEY = "grpc-status-details-bin"

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Any]


class Guard(grpc.aio.ServerInterceptor):
    """Wraps unary and response-streaming calls of every service. No exception's text leaves it."""

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        handler: Any = await continuation(handler_call_details)
        method = str(handler_call_details.method)
        if handler is None or handler.request_streaming:
            return handler  # type: ignore[no-any-return]
        wrap, behaviour, make = (
            (_guard_stream, handler.unary_stream, grpc.unary_stream_rpc_method_handler)
            if handler.response_streaming
            else (_guard_unary, handler.unary_unary, grpc.unary_unary_rpc_method_handler)
        )
        return make(
            wrap(method, behaviour),
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def check(request: Message) -> None:
    """Raise FieldInvalid with all that is wrong with `request`, or NotServedYet naming what it asks too early."""
    if found := violations(request):
        raise FieldInvalid(found)
    if (field := not_yet(request)) is not None:
        raise NotServedYet(field)


def _guard_unary(method: str, behaviour: Behaviour) -> Behaviour:
    async def guarded(request: Message, context: Context) -> Any:
        try:
            check(request)
            return await behaviour(request, context)
        except Exception as error:  # noqa: BLE001 - the one place that tells callers of exceptions
            await _refuse(method, error, context)

    return guarded


def _guard_stream(method: str, behaviour: Behaviour) -> Behaviour:
    async def guarded(request: Message, context: Context) -> None:
        try:
            check(request)
            answers = behaviour(request, context)
            if isinstance(answers, Awaitable):
                await answers
            else:
                await _send(answers, context)
        except Exception as error:  # noqa: BLE001 - the one place that tells callers of exceptions
            await _refuse(method, error, context)

    return guarded


async def _send(answers: AsyncIterator[Any], context: Context) -> None:
    # Written from here, and closed here, so that a caller who goes away in the middle of a message ends the
    # generator at once and not when somebody collects it.
    async with aclosing(answers) as messages:  # type: ignore[type-var]
        async for message in messages:
            await context.write(message)


async def _refuse(method: str, error: Exception, context: Context) -> NoReturn:
    if isinstance(error, grpc.aio.AbortError):
        raise error
    if isinstance(error, DomainError):
        log.debug("rpc_refused", method=method, reason=error.reason, error=str(error))
        await abort(context, to_status(error))
    told: dict[str, Any] = dict(context.invocation_metadata() or ())
    request_id = request_id_of(told.get(REQUEST_ID))
    log.error("rpc_failed", method=method, request_id=request_id, exc_info=error)
    await abort(context, internal_status(request_id))


async def abort(context: Context, status: status_pb2.Status) -> NoReturn:
    """End the call with `status`, details included."""
    await context.abort(
        CODES[status.code], status.message, trailing_metadata=((DETAILS_KEY, status.SerializeToString()),)
    )
    raise AssertionError("abort raises")
