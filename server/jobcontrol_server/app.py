"""The server put together: settings, store, doorbells, dispatcher, hub and services, started and stopped in order."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import structlog

from jobcontrol_core.bus.listener import Listener
from jobcontrol_core.bus.postman import JOBS_CHANNEL, Postman
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.schema import require_tables
from jobcontrol_server.access import require_token
from jobcontrol_server.dispatch import Dispatcher
from jobcontrol_server.rpc.auditing import Refusals
from jobcontrol_server.rpc.batches import Batches
from jobcontrol_server.rpc.builds import Builds
from jobcontrol_server.rpc.dead_letters import DeadLetters
from jobcontrol_server.rpc.encoding.watches import WatchEncoder
from jobcontrol_server.rpc.listening import Listening
from jobcontrol_server.rpc.operating import Writes
from jobcontrol_server.rpc.pages import PageTokens
from jobcontrol_server.rpc.queues import Queues
from jobcontrol_server.rpc.service import JobControl
from jobcontrol_server.rpc.workers import Workers
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.feed import Pace
from jobcontrol_server.watch.hub import Hub

log = structlog.get_logger(__name__)

#: Seconds that calls under way get to end. Watchers are told at once and need none of it.
GRACE = 10.0


@asynccontextmanager
async def running_server(settings: Settings, *, pace: Pace | None = None) -> AsyncIterator[str]:
    """A server that serves while the block runs; it yields the address, with the port that it really got.

    Raises SettingsError where a token is needed and none set, AddressTaken, NotMigrated, or Unavailable if the
    database is out of reach. Leaving the block drains:
    health says NOT_SERVING, watches end, calls under way end, then everything that was opened is closed.
    """
    require_token(settings, settings.listen)
    async with AsyncExitStack() as opened:
        store = Store(settings.database_url)
        opened.push_async_callback(asyncio.to_thread, store.close)
        await asyncio.to_thread(store.read, require_tables)
        postman = Postman(settings.redis)
        opened.push_async_callback(asyncio.to_thread, postman.close)
        calls = StoreCalls(store)
        opened.push_async_callback(asyncio.to_thread, calls.close)
        hub = Hub(calls, WatchEncoder(), max_watchers=settings.max_watchers, pace=pace)
        opened.push_async_callback(hub.close)
        writes = Writes(
            builds=Builds(store, postman),
            batches=Batches(store, postman),
            queues=Queues(store),
            letters=DeadLetters(store, postman),
            workers=Workers(store),
            refusals=Refusals(store),
        )
        service = JobControl(calls, writes, hub, PageTokens(settings.database_url))
        listening = Listening(service, settings.listen, token=settings.token)
        opened.push_async_callback(listening.stop, GRACE)
        listener = Listener(settings.redis, JOBS_CHANNEL, hub.hear)
        opened.push_async_callback(asyncio.to_thread, listener.close)
        dispatcher = Dispatcher(store, settings, postman)
        opened.push_async_callback(asyncio.to_thread, dispatcher.stop)
        dispatcher.start()
        await listening.start()
        opened.push_async_callback(_drain, listening, hub)
        log.info("server_started", listen=listening.address)
        yield listening.address


async def serve(settings: Settings) -> None:
    """Run a server until SIGTERM or SIGINT, then drain it. A second signal ends the process at once."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    async with running_server(settings):
        for signum in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signum, _stop_once, loop, stopping)
        await stopping.wait()
    log.info("server_stopped")


async def _drain(listening: Listening, hub: Hub) -> None:
    log.info("server_draining")
    await listening.announce_end()
    hub.drain()


def _stop_once(loop: asyncio.AbstractEventLoop, stopping: asyncio.Event) -> None:
    stopping.set()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(signum)
