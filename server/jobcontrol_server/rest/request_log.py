"""Around every request: its id, its line in the log, and an answer if nothing else gives one."""

from __future__ import annotations

import time
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from typing import Any

import structlog
from google.rpc import code_pb2

from jobcontrol_server.gateway.exchange import Exchange, Receive, Scope, Send
from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.headers import Header
from jobcontrol_server.request_ids import REQUEST_ID, request_id_of
from jobcontrol_server.rest.asgi import ROUTE, Application

log = structlog.get_logger(__name__)

HEADER = REQUEST_ID.encode()
#: The gateway makes metadata of it, so the server finds the id where a caller over gRPC would have put it.
AS_METADATA = b"grpc-metadata-" + HEADER
#: Asked all the time by machines, so told only to who asks for everything (-v).
QUIET = frozenset({"/healthz", "/readyz"})
#: What is logged where a client left before there was an answer, as nginx does.
CLIENT_LEFT = 499


class RequestLog:
    """Wraps an application. The line comes at the end of the answer, of a stream too; it holds no query and no body.

    Of the path it says what the application put into the scope: the template, which names no job.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = request_id_of(_given(scope["headers"]))
        others = [header for header in scope["headers"] if header[0] not in (HEADER, AS_METADATA)]
        inner = {**scope, "headers": [*others, (AS_METADATA, request_id.encode())]}
        told = _Answer(send, request_id)
        try:
            await self._application(inner, receive, told.send)
        except Exception as error:
            log.error("http_failed", request_id=request_id, exc_info=error)
            await told.fail(Exchange(inner, receive, told.send))
        finally:
            self._log(inner, told)

    def _log(self, scope: Scope, told: _Answer) -> None:
        tell = log.debug if scope["path"] in QUIET else log.info
        tell(
            "http_request",
            method=scope["method"],
            route=scope.get(ROUTE, "-"),
            status=told.status,
            ms=round((time.monotonic() - told.begun_at) * 1000, 1),
            bytes=told.length,
            request_id=told.request_id,
        )


@dataclass
class _Answer:
    """The answer as it goes by."""

    forward: Send
    request_id: str
    status: int = CLIENT_LEFT
    length: int = 0
    begun_at: float = field(default_factory=time.monotonic)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            mine: Header = (HEADER, self.request_id.encode())
            message = {**message, "headers": [*message.get("headers", ()), mine]}
        else:
            self.length += len(message.get("body", b""))
        await self.forward(message)

    async def fail(self, exchange: Exchange) -> None:
        """Answer in place of an application that failed; an answer that has begun is broken off."""
        if self.status != CLIENT_LEFT:
            raise ConnectionAbortedError("the answer had begun")
        text = f"internal error; the server's log tells more under request_id {self.request_id}"
        await exchange.refuse(Failure(code_pb2.INTERNAL, text))


def _given(headers: list[Header]) -> str | None:
    told = [value for name, value in headers if name == HEADER]
    return told[0].decode("latin-1") if len(told) == 1 else None
