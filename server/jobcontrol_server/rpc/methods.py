"""The methods of the service, bound by the contract's descriptor to what serves them."""

from __future__ import annotations

from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message_factory import GetMessageClass

from jobcontrol.v1 import service_pb2
from jobcontrol_core.domain.errors import NotServedYet
from jobcontrol_server.rpc.service import JobControl
from jobcontrol_server.rpc.validation import SERVED

SERVICE = service_pb2.DESCRIPTOR.services_by_name["JobControl"]
#: Methods that answer with messages encoded already, once for all who listen.
ENCODED = frozenset({"WatchJobs", "WatchProgress"})


def add_service(server: grpc.aio.Server, service: JobControl) -> None:
    """Serve every method of the contract; those not served yet refuse by name."""
    handlers = {method.name: _handler(method, service) for method in SERVICE.methods}
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE.full_name, handlers),))


def _handler(method: MethodDescriptor, service: JobControl) -> grpc.RpcMethodHandler[Any, Any]:
    make = grpc.unary_stream_rpc_method_handler if method.server_streaming else grpc.unary_unary_rpc_method_handler
    encode = None if method.name in ENCODED else GetMessageClass(method.output_type).SerializeToString
    return make(
        getattr(service, method.name) if method.name in SERVED else _refusal(method),
        request_deserializer=GetMessageClass(method.input_type).FromString,
        response_serializer=encode,
    )


def _refusal(method: MethodDescriptor) -> Any:
    async def refuse(_request: object, _context: object) -> NoReturn:
        raise NotServedYet(method.name, kind="rpc")

    return refuse
