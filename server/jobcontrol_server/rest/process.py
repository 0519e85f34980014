"""The gateway as a process of its own, beside a server or far from it."""

from __future__ import annotations

import structlog

from jobcontrol_core.settings import HTTP_OFF, Settings, SettingsError
from jobcontrol_server.access import require_token
from jobcontrol_server.rest.composition import Rest
from jobcontrol_server.stopping import told_to_stop

log = structlog.get_logger(__name__)


async def serve_gateway(settings: Settings) -> None:
    """Serve the settings' server over HTTP until SIGTERM or SIGINT, then drain. A second signal ends it at once.

    The server may be away when it starts, and go and come back while it runs. Raises SettingsError where a token is
    needed and none set, and AddressTaken.
    """
    if settings.http == HTTP_OFF:
        raise SettingsError(f"JOBCONTROL_HTTP: {HTTP_OFF} leaves a gateway nothing to do; choose: --http HOST:PORT")
    require_token(settings, settings.http)
    rest = Rest(settings, settings.server)
    try:
        await rest.start()
        log.info("gateway_started", grpc=settings.server, http=rest.address)
        await told_to_stop()
        log.info("gateway_draining")
        rest.drain()
    finally:
        await rest.stop()
    log.info("gateway_stopped")
