"""gRPC's own health: of the server and its API as it is set, of Redis as it is at the moment of the question."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from grpc_health.v1 import health  # type: ignore[import-untyped]
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse  # type: ignore[import-untyped]

#: Asked for under this name. Without Redis nothing is lost, but steps may wait until it is back.
REDIS = "redis"


class Health(health.aio.HealthServicer):  # type: ignore[misc]
    """`has_redis` says whether Redis is there now; it must not wait."""

    def __init__(self, has_redis: Callable[[], bool]) -> None:
        super().__init__()
        self._has_redis = has_redis

    async def Check(self, request: HealthCheckRequest, context: Any) -> HealthCheckResponse:
        if request.service != REDIS:
            return await super().Check(request, context)
        status = HealthCheckResponse.SERVING if self._has_redis() else HealthCheckResponse.NOT_SERVING
        return HealthCheckResponse(status=status)
