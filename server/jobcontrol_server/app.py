"""The server put together: settings, store, doorbells, dispatcher, hub and services, started and stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from jobcontrol_core.bus.listener import Listener
from jobcontrol_core.bus.postman import JOBS_CHANNEL, Postman
from jobcontrol_core.settings import HTTP_OFF, Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.schema import require_tables
from jobcontrol_server.access import require_token
from jobcontrol_server.addresses import dialled
from jobcontrol_server.dispatch import Dispatcher
from jobcontrol_server.rest.composition import Rest
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
from jobcontrol_server.stopping import told_to_stop
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.feed import Pace
from jobcontrol_server.watch.hub import Hub

log = structlog.get_logger(__name__)

#: Seconds that calls under way get to end. Watchers are told at once and need none of it.
GRACE = 10.0


@dataclass(frozen=True, slots=True)
class Addresses:
    """host:port of gRPC and of REST, with the ports that they really got; `http` is None where REST is off."""

    grpc: str
    http: str | None = None


@asynccontextmanager
async def running_server(settings: Settings, *, pace: Pace | None = None) -> AsyncIterator[Addresses]:
    """A server that serves while the block runs; it yields where it listens.

    Raises SettingsError where a token is needed and none set, AddressTaken, NotMigrated, or Unavailable if the
    database is out of reach. Leaving the block drains:
    health says NOT_SERVING, watches end, REST ends, calls under way end, then everything that was opened is closed.
    """
    require_token(settings, settings.listen, *([] if settings.http == HTTP_OFF else [settings.http]))
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
        listener = Listener(settings.redis, JOBS_CHANNEL, hub.hear)
        opened.push_async_callback(asyncio.to_thread, listener.close)
        listening = Listening(service, settings.listen, has_redis=lambda: listener.is_connected, token=settings.token)
        opened.push_async_callback(listening.stop, GRACE)
        dispatcher = Dispatcher(store, settings, postman)
        opened.push_async_callback(asyncio.to_thread, dispatcher.stop)
        dispatcher.start()
        await listening.start()
        rest = None
        if settings.http != HTTP_OFF:
            rest = Rest(settings, dialled(listening.address))
            opened.push_async_callback(rest.stop)
            await rest.start()
        opened.push_async_callback(_drain, listening, hub, rest)
        addresses = Addresses(listening.address, None if rest is None else rest.address)
        log.info("server_started", http=addresses.http or HTTP_OFF, listen=addresses.grpc)
        yield addresses


async def serve(settings: Settings) -> None:
    """Run a server until SIGTERM or SIGINT, then drain it. A second signal ends the process at once."""
    async with running_server(settings):
        await told_to_stop()
    log.info("server_stopped")


async def _drain(listening: Listening, hub: Hub, rest: Rest | None) -> None:
    log.info("server_draining")
    await listening.announce_end()
    hub.drain()
    if rest is not None:
        rest.drain()
