"""The whole of REST in a thread of its own, over a real server, for clients that block: its URL, and jobs in it."""

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from queue import Queue
from typing import Any

import grpc.aio

from gateway.served import http_server
from jobcontrol_server.gateway.application import Gateway
from jobcontrol_server.rest.contract import BODY_STREAMS, EVENT_STREAMS, IDEMPOTENCY_FIELD, SERVICES
from jobcontrol_server.rest.reference import Reference
from rpc.serving import Serving, serving


@dataclass(frozen=True)
class LivingSite:
    """`url` is where HTTP is served, with a slash at its end; `server` is what answers behind it."""

    url: str
    server: Serving


@contextmanager
def living_site(database_url: str) -> Iterator[LivingSite]:
    """A site that serves while the block runs, and in between."""
    started: Queue[tuple[LivingSite, asyncio.AbstractEventLoop, asyncio.Event] | BaseException] = Queue()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(database_url, started)))
    thread.start()
    got = started.get()
    if isinstance(got, BaseException):
        raise got
    site, loop, stopping = got
    try:
        yield site
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


async def _serve(database_url: str, started: Queue[Any]) -> None:
    stopping = asyncio.Event()
    try:
        async with _site(database_url) as site:
            started.put((site, asyncio.get_running_loop(), stopping))
            await stopping.wait()
    except BaseException as error:
        started.put(error)
        raise


@asynccontextmanager
async def _site(database_url: str) -> AsyncIterator[LivingSite]:
    async with serving(database_url) as server, grpc.aio.insecure_channel(server.address) as channel:
        gateway = Gateway(
            channel,
            SERVICES,
            event_streams=EVENT_STREAMS,
            body_streams=BODY_STREAMS,
            idempotency_field=IDEMPOTENCY_FIELD,
        )
        reference = Reference(needs_token=False)

        async def application(scope: Any, receive: Any, send: Any) -> None:
            await (reference if scope["path"] in reference.paths else gateway)(scope, receive, send)

        async with http_server(application) as port:
            yield LivingSite(f"http://127.0.0.1:{port}/", server)
