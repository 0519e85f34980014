"""REST for annotated gRPC services: google.api.http obeyed to the letter. It knows no service by name."""

from jobcontrol_server.gateway.application import Gateway
from jobcontrol_server.gateway.bindings import Binding, BindingInvalid, RpcMethod, bindings_of
from jobcontrol_server.gateway.events import EventStream
from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.framing import BodyStream, StreamUnfit
from jobcontrol_server.gateway.matching import RoutesAmbiguous

__all__ = [
    "Binding",
    "BindingInvalid",
    "BodyStream",
    "EventStream",
    "Failure",
    "Gateway",
    "RoutesAmbiguous",
    "RpcMethod",
    "StreamUnfit",
    "bindings_of",
]
