"""From gRPC's errors to ours: the mirror of the server's error table."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from jobcontrol._decoding import to_seconds
from jobcontrol.errors import (
    AlreadyRunning,
    ApiError,
    ConnectionFailed,
    InvalidInput,
    InvalidState,
    JobControlError,
    NotAuthenticated,
    NotFound,
    NotServed,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    ServerError,
)

#: Every reason of the contract and the class that stands for it.
REASONS: Mapping[str, type[ApiError]] = {
    "FIELD_INVALID": InvalidInput,
    "FILTER_INVALID": InvalidInput,
    "JOB_ID_AMBIGUOUS": InvalidInput,
    "PAGE_TOKEN_INVALID": InvalidInput,
    "PAGE_TOKEN_MISMATCH": InvalidInput,
    "REQUEST_ID_REUSED": InvalidInput,
    "DEAD_LETTER_NOT_FOUND": NotFound,
    "JOB_NOT_FOUND": NotFound,
    "PIPELINE_NOT_FOUND": NotFound,
    "QUEUE_NOT_FOUND": NotFound,
    "STEP_NOT_FOUND": NotFound,
    "WORKER_NOT_FOUND": NotFound,
    "PATH_BUILD_ACTIVE": AlreadyRunning,
    "DEAD_LETTER_NOT_REQUEUEABLE": InvalidState,
    "ETAG_MISMATCH": InvalidState,
    "JOB_NOT_PAUSABLE": InvalidState,
    "JOB_NOT_RETRYABLE": InvalidState,
    "JOB_NOT_TERMINAL": InvalidState,
    "JOB_TERMINAL": InvalidState,
    "RESULT_NOT_READY": InvalidState,
    "QUEUE_FULL": RateLimited,
    "TOO_MANY_WATCHERS": RateLimited,
    "BACKEND_UNAVAILABLE": ServerError,
    "SERVER_DRAINING": ServerError,
    "STORAGE_FULL": ServerError,
    "NOT_IMPLEMENTED": NotServed,
    "TOKEN_INVALID": NotAuthenticated,
    "TOKEN_MISSING": NotAuthenticated,
    "NOT_ALLOWED": PermissionDenied,
}

#: For answers without a reason, and for reasons that came after this version.
CODES: Mapping[str, type[ApiError]] = {
    "INVALID_ARGUMENT": InvalidInput,
    "OUT_OF_RANGE": InvalidInput,
    "NOT_FOUND": NotFound,
    "ALREADY_EXISTS": AlreadyRunning,
    "FAILED_PRECONDITION": InvalidState,
    "ABORTED": InvalidState,
    "RESOURCE_EXHAUSTED": RateLimited,
    "UNAVAILABLE": ServerError,
    "UNIMPLEMENTED": NotServed,
    "UNAUTHENTICATED": NotAuthenticated,
    "PERMISSION_DENIED": PermissionDenied,
}

HINTS: Mapping[type[ApiError], str] = {
    AlreadyRunning: 'follow it with error.existing_job, or start with if_running="attach"',
    NotAuthenticated: "set JOBCONTROL_TOKEN, or pass token=",
}

_STATUS_KEY = "grpc-status-details-bin"
#: What the transport says when the link broke in the middle, under whatever code.
_BROKEN_LINK = re.compile(r"RST_STREAM|GOAWAY|Stream removed|[Ss]ocket closed|[Cc]onnection reset|transport", re.ASCII)
_CAUSES = (
    (re.compile(r"CERTIFICATE_VERIFY_FAILED|[Hh]ostname [Vv]erification"), "its certificate is not to be trusted"),
    (re.compile(r"WRONG_VERSION_NUMBER"), "it does not speak TLS"),
    (re.compile(r"handshake", re.IGNORECASE), "no secure connection was agreed on"),
    (re.compile(r"refused", re.IGNORECASE), "refused"),
    (re.compile(r"name not found|lookup failed|resolv|not known", re.IGNORECASE), "unknown host"),
    (re.compile(r"HTTP/2|SETTINGS|Trying to connect an http1", re.IGNORECASE), "it does not speak gRPC"),
    (re.compile(r"No such file", re.IGNORECASE), "no such socket"),
    (re.compile(r"timed? ?out", re.IGNORECASE), "timed out"),
)


@dataclass(frozen=True, slots=True)
class _Refusal:
    """What the server put into its status, unpacked."""

    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None
    request_id: str = ""


def translate(error: grpc.RpcError, address: str) -> JobControlError:
    """The SDK's error for a failed call to `address`."""
    # What a call raises is the call itself, which its type does not say.
    call = cast(grpc.Call, error)
    code, details = call.code().name, call.details() or ""
    if code == "DEADLINE_EXCEEDED":
        return RequestTimeout(f"the server at {address} did not answer in time", "it may have done it all the same")
    refusal = _unpack(_status_of(call))
    if not refusal.reason and _is_broken_link(code, details):
        return _connection_failed(address, details)
    return _api_error(code, " ".join(details.split()), refusal)


def _is_broken_link(code: str, details: str) -> bool:
    # Nobody reads a call that we cancelled ourselves, so a CANCELLED that is read was not our doing.
    if code in ("UNAVAILABLE", "CANCELLED"):
        return True
    return code in ("INTERNAL", "UNKNOWN") and _BROKEN_LINK.search(details) is not None


def _connection_failed(address: str, details: str) -> ConnectionFailed:
    why = next((cause for pattern, cause in _CAUSES if pattern.search(details)), "the connection broke")
    return ConnectionFailed(f"no server at {address} ({why})", address=address, why=why)


def _api_error(code: str, details: str, refusal: _Refusal) -> ApiError:
    kind = REASONS.get(refusal.reason) or CODES.get(code, ServerError)
    error = kind(
        details or f"the server answered {code}",
        HINTS.get(kind, ""),
        code=code,
        reason=refusal.reason,
        metadata=refusal.metadata,
        request_id=refusal.request_id,
    )
    if isinstance(error, InvalidInput):
        error.fields = dict(refusal.fields)
    if isinstance(error, RateLimited | ServerError):
        error.retry_after = refusal.retry_after
        error.retryable = error.retryable or code == "UNAVAILABLE"
    return error


def _unpack(status: Status) -> _Refusal:
    info, bad, retry, request = ErrorInfo(), BadRequest(), RetryInfo(), RequestInfo()
    for detail in status.details:
        for target in (info, bad, retry, request):
            if detail.Is(target.DESCRIPTOR):
                detail.Unpack(target)
    return _Refusal(
        reason=info.reason,
        metadata=dict(info.metadata),
        fields={violation.field: violation.description for violation in bad.field_violations},
        retry_after=to_seconds(retry.retry_delay) if retry.HasField("retry_delay") else None,
        request_id=request.request_id,
    )


def _status_of(call: grpc.Call) -> Status:
    """The status that the server sent beside its code; empty if it sent none, or one that is not readable."""
    for key, value in call.trailing_metadata() or ():
        if key == _STATUS_KEY and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                break
    return Status()
