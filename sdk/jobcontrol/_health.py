"""gRPC's own question for a server's health, without a package for its two messages."""

from __future__ import annotations

from google.protobuf.wrappers_pb2 import Int32Value, StringValue

from jobcontrol._rpcs import Rpc

#: Of grpc.health.v1.HealthCheckResponse.ServingStatus.
SERVING = 1

#: The messages of grpc.health.v1 have one field each: a text and an enum under the same number as these.
CHECK_HEALTH = Rpc("Check", StringValue, Int32Value, service="grpc.health.v1.Health")
