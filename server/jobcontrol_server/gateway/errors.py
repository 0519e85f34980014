"""What an RPC raised, as the failure that a caller of REST is told, and as the JSON that tells it."""

import base64
import re
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, json_format
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from jobcontrol_server.gateway.failures import Failure

DETAILS_KEY = "grpc-status-details-bin"

#: What grpc says of a handler that raised, and of a server out of reach: its innards, not words for callers.
_RAISED = re.compile(r"(Exception calling application|Exception iterating responses|Unexpected <class )")
_UNREACHED = re.compile(r"(failed to connect|.*last error:|Socket closed|.*recvmsg:|DNS resolution failed)", re.DOTALL)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """The failure that an RPC's status is, with the details of google.rpc.Status if it carries one."""
    code = int(error.code().value[0])
    text = error.details() or ""
    status = _rich_status(error)
    if status is not None and status.code == code:
        return _told(code, status.message or text, list(status.details))
    if _RAISED.match(text):
        return Failure(code, "the service failed while it answered")
    if code == code_pb2.UNAVAILABLE and _UNREACHED.match(text):
        return Failure(code, "the service is out of reach")
    return _told(code, text, [])


def document_of(failure: Failure) -> dict[str, Any]:
    """The failure as the JSON form of google.rpc.Status."""
    return {
        "code": failure.code,
        "message": failure.message,
        "details": [_detail(packed) for packed in failure.details],
    }


def _told(code: int, message: str, details: list[any_pb2.Any]) -> Failure:
    headers = []
    for packed in details:
        info = error_details_pb2.RetryInfo()
        if packed.Is(info.DESCRIPTOR) and _unpacks(packed, info):
            headers.append(("retry-after", str(_whole_seconds(info.retry_delay))))
            break
    if code == code_pb2.UNAUTHENTICATED:
        headers.append(("www-authenticate", "Bearer"))
    return Failure(code, message, details=details, headers=headers)


def _whole_seconds(delay: duration_pb2.Duration) -> int:
    return max(0, delay.seconds + (1 if delay.nanos > 0 else 0))


def _rich_status(error: grpc.aio.AioRpcError) -> status_pb2.Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status = status_pb2.Status()
            try:
                status.ParseFromString(value)
            except DecodeError:
                return None
            return status
    return None


def _unpacks(packed: any_pb2.Any, message: error_details_pb2.RetryInfo) -> bool:
    try:
        return bool(packed.Unpack(message))
    except DecodeError:
        return False


def _detail(packed: any_pb2.Any) -> dict[str, Any]:
    try:
        return json_format.MessageToDict(packed, always_print_fields_with_no_presence=True)
    except (TypeError, ValueError, DecodeError):
        # Of a type that nobody here knows: its bytes are told, and code and message stay readable.
        return {"@type": packed.type_url, "value": base64.b64encode(packed.value).decode("ascii")}
