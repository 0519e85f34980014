"""The gateway: an ASGI application that serves annotated gRPC services as REST, built from their descriptors alone."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

import grpc
import structlog
from google.protobuf.descriptor import ServiceDescriptor
from google.rpc import code_pb2

from jobcontrol_server.gateway.bindings import Binding, bindings_of
from jobcontrol_server.gateway.cors import Cors
from jobcontrol_server.gateway.endpoints import Endpoint, Stream, Unary
from jobcontrol_server.gateway.events import EventStream, refuse_unfit
from jobcontrol_server.gateway.exchange import BrokenOff, ClientGone, Exchange, Receive, Scope, Send
from jobcontrol_server.gateway.failures import Failure, malformed, method_refused, not_found
from jobcontrol_server.gateway.framing import BodyStream, StreamUnfit
from jobcontrol_server.gateway.matching import Match, PathMalformed, Route, Routes
from jobcontrol_server.gateway.requests import Admit, Reading

log = structlog.get_logger(__name__)

_NOTHING: Mapping[str, Any] = MappingProxyType({})


class Gateway:
    """An ASGI application for services annotated with google.api.http, itself a client of their server.

    `event_streams` and `body_streams` say by the full name of an RPC what its messages cannot say themselves.
    `idempotency_field` is the string field of requests that an Idempotency-Key header fills if it is empty.
    A body has at most `body_limit` bytes, or `body_limit_with_bytes` where the request has a bytes field. A unary call
    ends after `timeout` seconds unless Grpc-Timeout says otherwise. Pages of `cors_origins` may call, others may not.
    `admit` refuses requests before their bodies are read; the server behind may do so too.

    Raises ValueError at once (BindingInvalid, RoutesAmbiguous, StreamUnfit) for what could never work.
    """

    def __init__(
        self,
        channel: grpc.aio.Channel,
        services: Iterable[ServiceDescriptor],
        *,
        event_streams: Mapping[str, EventStream] = _NOTHING,
        body_streams: Mapping[str, BodyStream] = _NOTHING,
        idempotency_field: str | None = None,
        body_limit: int = 1 << 20,
        body_limit_with_bytes: int = 8 << 20,
        timeout: float = 30.0,
        cors_origins: Collection[str] = (),
        admit: Admit | None = None,
    ) -> None:
        self.bindings = bindings_of(services)
        _refuse_unserved(self.bindings, [*event_streams, *body_streams])
        self._cors = Cors(cors_origins)
        self._draining = asyncio.Event()
        reading = Reading(body_limit, body_limit_with_bytes, idempotency_field, admit)
        endpoints: list[Endpoint] = []
        for binding in self.bindings:
            if not binding.method.is_stream:
                endpoints.append(Unary(binding, channel, reading, timeout=timeout))
                continue
            events = event_streams.get(binding.method.full_name)
            if events is not None:
                refuse_unfit(binding.method, events)
            body = body_streams.get(binding.method.full_name)
            endpoints.append(Stream(binding, channel, reading, draining=self._draining, events=events, body=body))
        self._routes = Routes(Route(end.binding.http_method, end.binding.template, end) for end in endpoints)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            raise ValueError(f"the gateway serves HTTP, not {scope['type']}")
        exchange = Exchange(scope, receive, self._cors.sender(scope["headers"], send))
        with suppress(ClientGone):
            try:
                await self._serve(exchange)
            except ClientGone:
                raise
            except Failure as failure:
                await exchange.refuse(failure)
            except BrokenOff as broken:
                log.warning(
                    "answer_broken_off", route=scope.get("http.route"), code=broken.failure.code, why=str(broken)
                )
            except Exception:
                # A request is answered whatever happens, unless it is being answered already: then it breaks off.
                log.exception("gateway_failed", route=scope.get("http.route"))
                if not exchange.has_begun:
                    await exchange.refuse(Failure(code_pb2.INTERNAL, "the gateway failed on this request"))

    def drain(self) -> None:
        """End every stream within a second, and refuse new ones: UNAVAILABLE. Unary calls go on."""
        self._draining.set()

    async def _serve(self, exchange: Exchange) -> None:
        self._cors.refuse_foreign_write(exchange)
        match = self._match(exchange)
        if match is not None:
            endpoint = match.route.target
            exchange.note_route(endpoint.binding.template.text)
            await endpoint.serve(exchange, match.values)
        else:
            await self._serve_unmatched(exchange)

    async def _serve_unmatched(self, exchange: Exchange) -> None:
        methods = self._methods_of(exchange.raw_path)
        if not methods:
            raise not_found()
        if self._cors.is_preflight(exchange):
            await self._cors.answer_preflight(exchange, methods)
        elif exchange.method == "OPTIONS":
            await exchange.answer(204, b"", [(b"allow", ", ".join(sorted(methods)).encode("ascii"))])
        else:
            raise method_refused(methods)

    def _match(self, exchange: Exchange) -> Match[Endpoint] | None:
        try:
            found = self._routes.find(exchange.method, exchange.raw_path)
            if found is None and exchange.method == "HEAD":
                return self._match_of_head(exchange.raw_path)
        except PathMalformed as error:
            raise malformed(str(error)) from error
        return found

    def _match_of_head(self, raw_path: bytes) -> Match[Endpoint] | None:
        found = self._routes.find("GET", raw_path)
        return None if found is None or found.route.target.binding.method.is_stream else found

    def _methods_of(self, raw_path: bytes) -> set[str]:
        methods = set(self._routes.methods_of(raw_path))
        if "GET" in methods and self._match_of_head(raw_path) is not None:
            methods.add("HEAD")
        return methods | {"OPTIONS"} if methods else methods


def _refuse_unserved(bindings: Iterable[Binding], names: Iterable[str]) -> None:
    streams = {binding.method.full_name for binding in bindings if binding.method.is_stream}
    for name in names:
        if name not in streams:
            raise StreamUnfit(f"{name} is no stream that is served here")
