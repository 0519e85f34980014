"""/healthz: the process lives. /readyz: calls get through to a server that takes them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import grpc.aio
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse  # type: ignore[import-untyped]
from grpc_health.v1.health_pb2_grpc import HealthStub  # type: ignore[import-untyped]

from jobcontrol_server.gateway.answers import JSON, to_json
from jobcontrol_server.gateway.exchange import Exchange, Receive, Scope, Send
from jobcontrol_server.gateway.failures import method_refused
from jobcontrol_server.rest.asgi import Application

#: Seconds that the server has to say that it serves.
PATIENCE = 2.0
_HEADERS = [(b"content-type", JSON.encode()), (b"cache-control", b"no-store")]


class Health:
    """Answers at both paths, to everyone: they tell nothing of any job."""

    def __init__(self, channel: grpc.aio.Channel, is_draining: Callable[[], bool]) -> None:
        self._stub = HealthStub(channel)
        self._is_draining = is_draining

    @property
    def pages(self) -> dict[str, Application]:
        """Each of the two by its path."""
        return {"/healthz": _reading(self._live), "/readyz": _reading(self._ready)}

    async def _live(self, exchange: Exchange) -> None:
        await exchange.answer(200, to_json({"status": "alive"}), _HEADERS)

    async def _ready(self, exchange: Exchange) -> None:
        if (why := await self._trouble()) is None:
            await exchange.answer(200, to_json({"status": "ready"}), _HEADERS)
        else:
            await exchange.answer(503, to_json({"status": "not ready", "why": why}), _HEADERS)

    async def _trouble(self) -> str | None:
        if self._is_draining():
            return "shutting down"
        try:
            told = await self._stub.Check(HealthCheckRequest(), timeout=PATIENCE)
        except grpc.aio.AioRpcError as error:
            return f"the server does not answer ({error.code().name})"
        return None if told.status == HealthCheckResponse.SERVING else "the server takes no calls"


def _reading(page: Callable[[Exchange], Awaitable[None]]) -> Application:
    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        exchange = Exchange(scope, receive, send)
        if exchange.method in ("GET", "HEAD"):
            await page(exchange)
        else:
            await exchange.refuse(method_refused(["GET", "HEAD"]))

    return guarded
