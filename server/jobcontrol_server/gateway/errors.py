"""What an RPC raised, as the failure that a caller of REST is told, and as the JSON that tells it."""

import base64
import re
from collections.abc import Iterator
from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2, json_format
from google.protobuf.message import DecodeError
from google.rpc import code_pb2, error_details_pb2, status_pb2

from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.headers import Header, headers_of

DETAILS_KEY = "grpc-status-details-bin"

#: What grpc says of a handler that raised, and of a server out of reach: its innards, not words for callers.
_RAISED = re.compile(r"(Exception calling application|Exception iterating responses|Unexpected <class )")
_UNREACHED = re.compile(r"(failed to connect|.*last error:|Socket closed|.*recvmsg:|DNS resolution failed)", re.DOTALL)


def failure_of(error: grpc.aio.AioRpcError) -> Failure:
    """The failure that an RPC's status is, with the details of google.rpc.Status if it carries one."""
    code = int(error.code().value[0])
    text = error.details() or ""
    details: list[any_pb2.Any] = []
    status = _rich_status(error)
    if status is not None and status.code == code:
        text, details = status.message or text, list(status.details)
    elif _RAISED.match(text):
        text = "the service failed while it answered"
    elif code == code_pb2.UNAVAILABLE and _UNREACHED.match(text):
        text = "the service is out of reach"
    metadata = headers_of([*(error.initial_metadata() or ()), *(error.trailing_metadata() or ())])
    return Failure(code, text, details=details, headers=[*_advice(code, details), *metadata])


def document_of(failure: Failure) -> dict[str, Any]:
    """The failure as the JSON form of google.rpc.Status."""
    return {
        "code": failure.code,
        "message": failure.message,
        "details": [_detail(packed) for packed in failure.details],
    }


def _advice(code: int, details: list[any_pb2.Any]) -> Iterator[Header]:
    for packed in details:
        info = error_details_pb2.RetryInfo()
        if packed.Is(info.DESCRIPTOR) and _unpacks(packed, info):
            yield (b"retry-after", str(_whole_seconds(info.retry_delay)).encode("ascii"))
            break
    if code == code_pb2.UNAUTHENTICATED:
        yield (b"www-authenticate", b"Bearer")


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
    except (TypeError, ValueError, OverflowError, DecodeError):
        # Of a type that nobody here knows: its bytes are told, and code and message stay readable.
        return {"@type": packed.type_url, "value": base64.b64encode(packed.value).decode("ascii")}
