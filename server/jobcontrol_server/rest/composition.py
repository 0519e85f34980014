"""The gateway with what is ours: the service and its streams, the token, health, the reference, and their places."""

from __future__ import annotations

from typing import Any

import grpc.aio

from jobcontrol_core.settings import Settings
from jobcontrol_server.gateway import Gateway
from jobcontrol_server.rest.admission import Admission
from jobcontrol_server.rest.contract import BODY_STREAMS, EVENT_STREAMS, IDEMPOTENCY_FIELD, SERVICES
from jobcontrol_server.rest.health import Health
from jobcontrol_server.rest.hosting import Hosting
from jobcontrol_server.rest.reference import Reference
from jobcontrol_server.rest.request_log import RequestLog
from jobcontrol_server.rest.site import Site
from jobcontrol_server.wire import MOST_MESSAGE_BYTES, MOST_METADATA_BYTES

#: Seconds that a unary call may take unless the caller says otherwise.
TIMEOUT = 30.0
#: Seconds that calls under way get to end when it stops. Streams are told at once and need none of it.
GRACE = 10

OPTIONS: tuple[tuple[str, Any], ...] = (
    ("grpc.max_receive_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MOST_MESSAGE_BYTES),
    ("grpc.max_metadata_size", MOST_METADATA_BYTES),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # By default a channel waits up to two minutes before it looks for a server that went away.
    ("grpc.initial_reconnect_backoff_ms", 200),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 1_000),
    # The server is dialled as it is named; a proxy of the environment is for calls to the outside.
    ("grpc.enable_http_proxy", 0),
)


class Rest:
    """REST at the settings' HTTP address, for the gRPC server at another. Raises AddressTaken.

    Made, started, drained and stopped in this order, in one running loop.
    """

    def __init__(self, settings: Settings, server: str) -> None:
        self._hosting = Hosting(settings.http)
        self._channel = grpc.aio.insecure_channel(server, options=OPTIONS)
        self._is_draining = False
        self._gateway = Gateway(
            self._channel,
            SERVICES,
            event_streams=EVENT_STREAMS,
            body_streams=BODY_STREAMS,
            idempotency_field=IDEMPOTENCY_FIELD,
            timeout=TIMEOUT,
            cors_origins=settings.cors_origins,
            admit=Admission(settings.token) if settings.token else None,
        )
        health = Health(self._channel, lambda: self._is_draining)
        reference = Reference(needs_token=bool(settings.token))
        self._site = Site({**health.pages, **dict.fromkeys(reference.paths, reference)}, self._gateway)

    @property
    def address(self) -> str:
        """host:port of HTTP, with the port that it really got."""
        return self._hosting.address

    async def start(self) -> None:
        """Serve requests."""
        await self._hosting.start(RequestLog(self._site), grace=GRACE)

    def drain(self) -> None:
        """Say at /readyz that nothing more is taken, and end every stream within a second."""
        self._is_draining = True
        self._gateway.drain()

    async def stop(self) -> None:
        """Accept nothing more; return when the requests under way have ended."""
        await self._hosting.stop()
        await self._channel.close()
