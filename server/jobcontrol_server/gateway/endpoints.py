"""What a route leads to: one RPC, called with what the request says, and answered as REST answers."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Protocol

import grpc

from jobcontrol_server.gateway.answers import answer_of
from jobcontrol_server.gateway.bindings import Binding
from jobcontrol_server.gateway.errors import failure_of
from jobcontrol_server.gateway.events import EVENT_STREAM, Events, EventStream, resume
from jobcontrol_server.gateway.exchange import Exchange
from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.framing import BodyStream, Framing, Lines, Parts, is_http_body
from jobcontrol_server.gateway.headers import headers_of, metadata_of, timeout_of
from jobcontrol_server.gateway.requests import Reader, Reading
from jobcontrol_server.gateway.streams import draining_failure, serve_stream

_REFUSED = re.compile(r"\bq\s*=\s*0(?:\.0*)?\s*(?:;|$)", re.IGNORECASE)


class Endpoint(Protocol):
    """Serves the requests of one binding."""

    binding: Binding

    async def serve(self, exchange: Exchange, path_values: Mapping[str, str]) -> None:
        """Answer one request. Raises Failure, or ClientGone."""


class Unary:
    """A binding of an RPC that answers once. A call without Grpc-Timeout ends after `timeout` seconds."""

    def __init__(self, binding: Binding, channel: grpc.aio.Channel, reading: Reading, *, timeout: float) -> None:
        self.binding = binding
        self._reader = Reader(binding, reading)
        self._timeout = timeout
        method = binding.method
        self._call: Any = channel.unary_unary(
            method.path, request_serializer=_serialized, response_deserializer=method.response.FromString
        )

    async def serve(self, exchange: Exchange, path_values: Mapping[str, str]) -> None:
        metadata = metadata_of(exchange.headers, exchange.client)
        self._reader.admit(metadata)
        request = await self._reader.read(exchange, path_values)
        timeout = timeout_of(exchange.headers)
        call = self._call(
            request.SerializeToString(),
            metadata=metadata,
            timeout=self._timeout if timeout is None else timeout,
        )
        try:
            message = await exchange.unless_gone(call)
            told = [*(await call.initial_metadata()), *(await call.trailing_metadata())]
        except grpc.aio.AioRpcError as error:
            raise failure_of(error) from error
        answer = answer_of(message, self.binding.response_body)
        await exchange.answer(200, answer.content, [*answer.headers, *headers_of(told)])


class Stream:
    """A binding of an RPC that answers with a stream: lines of JSON, events if asked for, or parts of one body."""

    def __init__(
        self,
        binding: Binding,
        channel: grpc.aio.Channel,
        reading: Reading,
        *,
        draining: asyncio.Event,
        events: EventStream | None = None,
        body: BodyStream | None = None,
    ) -> None:
        self.binding = binding
        self._reader = Reader(binding, reading)
        self._draining = draining
        self._facts = events
        self._parts = Parts(binding, body) if body is not None or is_http_body(binding.method.response) else None
        self._lines = Lines(binding)
        self._events = Events(binding, events)
        method = binding.method
        # Messages stay bytes: many streams send the same ones, and what they look like is worked out once.
        self._call: Any = channel.unary_stream(method.path, request_serializer=_serialized)

    async def serve(self, exchange: Exchange, path_values: Mapping[str, str]) -> None:
        framing = self._framing_for(exchange)
        try:
            await self._serve(exchange, path_values, framing)
        except Failure as failure:
            refusal = framing.refusal(failure, is_resumed=bool(exchange.header(b"last-event-id")))
            if refusal is None:
                raise
            await exchange.answer(*refusal)

    async def _serve(self, exchange: Exchange, path_values: Mapping[str, str], framing: Framing) -> None:
        metadata = metadata_of(exchange.headers, exchange.client)
        self._reader.admit(metadata)
        request = await self._reader.read(exchange, path_values)
        last_id = exchange.header(b"last-event-id") if framing is self._events else ""
        if last_id and self._facts is not None:
            last_id = resume(request, self._facts, last_id)
        timeout = timeout_of(exchange.headers)
        if self._draining.is_set():
            raise draining_failure()
        call = self._call(request.SerializeToString(), metadata=metadata, timeout=timeout)
        await serve_stream(call, framing, exchange, self._draining, last_id=last_id)

    def _framing_for(self, exchange: Exchange) -> Framing:
        if self._parts is not None:
            return self._parts
        return self._events if any(map(_is_event_stream, exchange.listed(b"accept"))) else self._lines


def _serialized(request: bytes) -> bytes:
    # Given as bytes: grpc sends an empty message in place of one that it cannot serialize.
    return request


def _is_event_stream(accepted: str) -> bool:
    media_type, _, parameters = accepted.partition(";")
    return media_type.strip().lower() == EVENT_STREAM and not _REFUSED.search(parameters)
