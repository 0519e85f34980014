"""What the gateway serves here, and what it cannot read in the contract by itself."""

from jobcontrol.v1 import service_pb2
from jobcontrol_server.gateway.events import EventStream
from jobcontrol_server.gateway.framing import BodyStream

SERVICES = (service_pb2.DESCRIPTOR.services_by_name["JobControl"],)
EVENT_STREAMS = {
    "jobcontrol.v1.JobControl.WatchProgress": EventStream(
        id="sequence", resume="after_sequence", heartbeat="heartbeat", end="finished"
    )
}
BODY_STREAMS = {"jobcontrol.v1.JobControl.GetResult": BodyStream(content_type="media_type", data="chunk")}
IDEMPOTENCY_FIELD = "request_id"
