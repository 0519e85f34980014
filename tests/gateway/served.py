"""A gateway over real sockets: a browser's HTTP on one side, a gRPC server of the tests on the other."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import grpc.aio
import uvicorn

from gateway import raw_http, zoo
from gateway.raw_http import Answer, Ask, Exchange
from gateway.zookeeper import Script, Zookeeper, grpc_server
from jobcontrol_server.gateway import EventStream, Gateway
from services.waiting import wait_until_async

WATCH = EventStream(id="number", resume="after", heartbeat="heartbeat", end="finished")
ORIGIN = "https://zoo.example"
MIB = 1 << 20


@dataclass(frozen=True)
class Site:
    """`port` is where HTTP is served; `keeper` answers behind it."""

    port: int
    keeper: Zookeeper
    gateway: Gateway

    async def ask(self, asked: Ask | str, script: Script | None = None) -> Answer:
        """The whole answer to a request, while the keeper does as the script says."""
        self.keeper.told(script or Script())
        return await raw_http.ask(self.port, Ask(asked) if isinstance(asked, str) else asked)

    def exchange(
        self, asked: Ask | bytes, script: Script | None = None, *, buffer: int = 1 << 16
    ) -> AbstractAsyncContextManager[Exchange]:
        """A request whose answer is read as it comes."""
        self.keeper.told(script or Script())
        return raw_http.exchange(self.port, asked, buffer=buffer)


@asynccontextmanager
async def site(channel: grpc.aio.Channel | None = None, **options: Any) -> AsyncIterator[Site]:
    """A gateway for the zoo's service, with the defaults of a gateway but for `options`.

    It asks the keeper, unless there is a channel to another server.
    """
    keeper = Zookeeper()
    async with grpc_server(keeper) as to_keeper:
        gateway = Gateway(
            channel or to_keeper,
            [zoo.SERVICE],
            **{"event_streams": {"zoo.v1.Zoo.Watch": WATCH}, "idempotency_field": "request_id", **options},
        )
        async with http_server(gateway) as port:
            yield Site(port, keeper, gateway)


@asynccontextmanager
async def http_server(application: Any) -> AsyncIterator[int]:
    """The port of the loopback address at which an ASGI application is served."""
    # Who the caller is, the gateway tells by itself, of the headers that uvicorn would put in the peer's place.
    config = uvicorn.Config(
        application, log_config=None, access_log=False, lifespan="off", ws="none", proxy_headers=False
    )
    server = uvicorn.Server(config)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        try:
            await wait_until_async(lambda: _is_up(server, serving), "HTTP is served")
            yield listener.getsockname()[1]
        finally:
            server.should_exit = server.force_exit = True
            await serving


async def _is_up(server: uvicorn.Server, serving: asyncio.Task[None]) -> bool:
    return server.started or serving.done()
