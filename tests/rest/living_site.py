"""A server with REST in a thread of its own, for clients that block."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import Queue

from rpc.serving import Serving, serving

Started = tuple[Serving, asyncio.AbstractEventLoop, asyncio.Event]


@dataclass(frozen=True)
class LivingSite:
    """`url` is where REST is served, without a slash at its end; `server` is what answers behind it."""

    url: str
    server: Serving


@contextmanager
def living_site(database_url: str) -> Iterator[LivingSite]:
    """A site that serves while the block runs."""
    started: Queue[Started | BaseException] = Queue()
    thread = threading.Thread(target=lambda: asyncio.run(_serve(database_url, started)))
    thread.start()
    got = started.get()
    if isinstance(got, BaseException):
        raise got
    server, loop, stopping = got
    try:
        yield LivingSite(f"http://{server.http}", server)
    finally:
        loop.call_soon_threadsafe(stopping.set)
        thread.join()


async def _serve(database_url: str, started: Queue[Started | BaseException]) -> None:
    stopping = asyncio.Event()
    try:
        async with serving(database_url, http="127.0.0.1:0") as server:
            started.put((server, asyncio.get_running_loop(), stopping))
            await stopping.wait()
    except BaseException as error:
        started.put(error)
        raise
