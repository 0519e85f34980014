"""The gRPC server itself: its limits, its services beside our own, and the address that it listens on."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_health.v1.health_pb2 import HealthCheckResponse  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]

from jobcontrol_server.addresses import AddressTaken, split
from jobcontrol_server.rpc.doorkeeper import Doorkeeper
from jobcontrol_server.rpc.guard import Guard
from jobcontrol_server.rpc.health import Health
from jobcontrol_server.rpc.methods import SERVICE, add_service
from jobcontrol_server.rpc.service import JobControl
from jobcontrol_server.wire import MOST_CALLS, MOST_MESSAGE_BYTES, MOST_METADATA_BYTES

#: Calls that wait to be looked at; when watchers come back after a restart they come all together.
MOST_PENDING, MOST_PENDING_HARD = 20_000, 50_000

OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MOST_METADATA_BYTES),
    ("grpc.absolute_max_metadata_size", 2 * MOST_METADATA_BYTES),
    ("grpc.max_concurrent_streams", MOST_CALLS),
    ("grpc.server.max_pending_requests", MOST_PENDING),
    ("grpc.server.max_pending_requests_hard_limit", MOST_PENDING_HARD),
    # A client that pings more often than this loses its connection, and all its streams with it.
    ("grpc.http2.min_recv_ping_interval_without_data_ms", 5_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Else a second server would share the port in silence.
    ("grpc.so_reuseport", 0),
)


class Listening:
    """A server with health and reflection. `address` has the port that it really got.

    Where there is a `token`, every call must say it. `has_redis` is asked when the health of "redis" is.
    """

    def __init__(self, service: JobControl, address: str, *, has_redis: Callable[[], bool], token: str = "") -> None:
        door = (Doorkeeper(token),) if token else ()
        self._server = grpc.aio.server(interceptors=(*door, Guard()), options=OPTIONS)
        self._health = Health(has_redis)
        add_service(self._server, service)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection(
            (SERVICE.full_name, health.SERVICE_NAME, reflection.SERVICE_NAME), self._server
        )
        self.address = _bind(self._server, address)

    async def start(self) -> None:
        """Accept calls, and say so to whoever asks for the health."""
        await self._server.start()
        for name in ("", SERVICE.full_name):
            await self._health.set(name, HealthCheckResponse.SERVING)

    async def announce_end(self) -> None:
        """NOT_SERVING from here on, so that nobody is sent here any more."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace: float) -> None:
        """Accept no call; those under way have `grace` seconds to end."""
        await self._server.stop(grace)


def _bind(server: grpc.aio.Server, address: str) -> str:
    _require_free(*split(address), address)
    try:
        return f"{address.rpartition(':')[0]}:{server.add_insecure_port(address)}"
    except RuntimeError as error:
        raise AddressTaken(address, str(error)) from None


def _require_free(host: str, port: int, address: str) -> None:
    """Raise AddressTaken if `host` has no address with this port free: gRPC's own words would be several lines."""
    refusals = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise AddressTaken(address, error.strerror or str(error)) from None
    for family, kind, protocol, _, place in found:
        try:
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(place)
        except OSError as error:
            refusals.append(error)
    # A machine may lack one kind of address; a port that somebody has is refused for each of them.
    if len(refusals) == len(found) or any(error.errno == errno.EADDRINUSE for error in refusals):
        raise AddressTaken(address, refusals[0].strerror or str(refusals[0]))
