"""The doorkeeper before every call: who does not say the token gets no further."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import structlog

from jobcontrol_core.domain.errors import TokenInvalid, TokenMissing
from jobcontrol_server.access import check_token
from jobcontrol_server.rpc.errors import to_status
from jobcontrol_server.rpc.guard import Context, abort

log = structlog.get_logger(__name__)

#: Whoever watches over the server's health has no token: balancers, probes of a cluster, the gateway's /readyz. One
#: question tells nothing of any job. A stream of health would hold a place for ever, so that one needs the token; so
#: does reflection, whose questions are a stream, too, and for which grpcurl sends its -H just the same.
OPEN = frozenset({"/grpc.health.v1.Health/Check"})


class Doorkeeper(grpc.aio.ServerInterceptor):
    """Refuses calls without `authorization: Bearer TOKEN` before anything is read of them, unknown methods included."""

    def __init__(self, token: str) -> None:
        self._token = token

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[grpc.RpcMethodHandler[Any, Any] | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> grpc.RpcMethodHandler[Any, Any] | None:
        if handler_call_details.method not in OPEN:
            try:
                check_token(self._token, handler_call_details.invocation_metadata or ())
            except (TokenMissing, TokenInvalid) as error:
                log.debug("rpc_refused", method=handler_call_details.method, reason=error.reason)
                return _refusal(error)
        return await continuation(handler_call_details)


def _refusal(error: TokenMissing | TokenInvalid) -> grpc.RpcMethodHandler[Any, Any]:
    async def refuse(_request: Any, context: Context) -> None:
        await abort(context, to_status(error))

    # On the wire an end without an answer is the same for calls of every shape.
    return grpc.unary_unary_rpc_method_handler(refuse)
