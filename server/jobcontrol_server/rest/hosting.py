"""HTTP on an address: uvicorn in the loop that runs already, with signals and logs left to us."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
import socket

import structlog
import uvicorn

from jobcontrol_server.addresses import AddressTaken, split
from jobcontrol_server.rest.asgi import Application
from jobcontrol_server.rest.connections import Connection
from jobcontrol_server.wire import MOST_CALLS

log = structlog.get_logger(__name__)

#: Connections at once; whoever comes after gets 503. As many as the server takes calls of one connection, which is the
#: gateway's to it, so that no call waits for the end of another.
MOST_CONNECTIONS = MOST_CALLS
#: Seconds that a connection may be idle between two requests: longer than balancers keep theirs, or they would send a
#: request into one that is just being closed.
KEEP_ALIVE_SECONDS = 75
#: Seconds that a client gets, at the end, to take what was written to it.
UNREAD_SECONDS = 1.0
#: What was sent may go unread for as long, until the kernel takes the peer for gone.
UNACKNOWLEDGED_MILLISECONDS = 60_000
#: Connections that wait to be accepted; when watchers come back after a restart they come all together.
BACKLOG = 4_096


class Hosting:
    """An HTTP address. `address` has the port that it really got. Raises AddressTaken."""

    def __init__(self, address: str) -> None:
        self._sockets = _bound(address)
        self.address = f"{address.rpartition(':')[0]}:{self._sockets[0].getsockname()[1]}"
        self._server: _Server | None = None

    async def start(self, application: Application, *, grace: int) -> None:
        """Serve `application` from here on; when it is stopped, what is under way has `grace` seconds to end."""
        _allow_many_files()
        _hear_uvicorn()
        self._server = _Server(_config(application, grace))
        await self._server.begin(self._sockets)

    async def stop(self) -> None:
        """Accept nothing more, close idle connections, and return when what was under way has ended."""
        if self._server is not None:
            await self._server.end()
        for listening in self._sockets:
            listening.close()


class _Server(uvicorn.Server):
    """Begun and ended by us. Its own `serve` would take the signals, and raise them again at its end."""

    async def begin(self, sockets: list[socket.socket]) -> None:
        self.config.load()
        self.lifespan = self.config.lifespan_class(self.config)
        await self.startup(sockets)
        self._running = asyncio.create_task(self._go_on(sockets), name="http")

    async def end(self) -> None:
        self.should_exit = True
        while not self._running.done():
            await asyncio.wait({self._running}, timeout=UNREAD_SECONDS)
            for connection in list(self.server_state.connections):
                if connection.transport.is_closing():
                    connection.transport.abort()
        self._running.result()

    async def _go_on(self, sockets: list[socket.socket]) -> None:
        await self.main_loop()
        await self.shutdown(sockets)


def _config(application: Application, grace: int) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=Connection,
        ws="none",
        lifespan="off",
        interface="asgi3",
        workers=1,
        log_config=None,
        access_log=False,
        server_header=False,
        # Who forwards for whom is the gateway's to say.
        proxy_headers=False,
        limit_concurrency=MOST_CONNECTIONS,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=grace,
    )


def _bound(address: str) -> list[socket.socket]:
    """A socket on each address of the host. Port 0 takes a free port, the same one for all."""
    host, port = split(address)
    bound: list[socket.socket] = []
    refusals: list[OSError] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise AddressTaken(address, error.strerror or str(error), "--http") from None
    for family, kind, protocol, _, place in found:
        try:
            listening = socket.socket(family, kind, protocol)
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if hasattr(socket, "TCP_USER_TIMEOUT"):
                # Connections have it from here. Without, one that nobody reads stays for as long as the peer answers.
                listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNACKNOWLEDGED_MILLISECONDS)
            listening.bind((place[0], port, *place[2:]))
            port = listening.getsockname()[1]
            bound.append(listening)
        except OSError as error:
            listening.close()
            refusals.append(error)
    # A machine may lack one kind of address; a port that somebody has is refused for all.
    if not bound or any(error.errno == errno.EADDRINUSE for error in refusals):
        for listening in bound:
            listening.close()
        raise AddressTaken(address, refusals[0].strerror or str(refusals[0]), "--http")
    return bound


def _allow_many_files() -> None:
    """Every stream is a file; the usual bound of 1,024 is there for programs that use select(), which we do not."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * MOST_CONNECTIONS if hard == resource.RLIM_INFINITY else min(2 * MOST_CONNECTIONS, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class _IntoOurLog(logging.Handler):
    """What raised is ours; of what else uvicorn tells, some client was the cause."""

    def emit(self, record: logging.LogRecord) -> None:
        tell = log.error if record.exc_info else log.debug
        tell("http_trouble", what=record.getMessage().strip(), exc_info=record.exc_info)


def _hear_uvicorn() -> None:
    said = logging.getLogger("uvicorn.error")
    said.propagate, said.handlers = False, [_IntoOurLog(logging.WARNING)]
    said.setLevel(logging.WARNING)
