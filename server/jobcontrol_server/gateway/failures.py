"""Refusals: what a request gets instead of an answer, as a google.rpc.Status with its HTTP status."""

from collections.abc import Iterable

from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2

HTTP_STATUS = {
    code_pb2.OK: 200,
    code_pb2.CANCELLED: 499,
    code_pb2.UNKNOWN: 500,
    code_pb2.INVALID_ARGUMENT: 400,
    code_pb2.DEADLINE_EXCEEDED: 504,
    code_pb2.NOT_FOUND: 404,
    code_pb2.ALREADY_EXISTS: 409,
    code_pb2.PERMISSION_DENIED: 403,
    code_pb2.RESOURCE_EXHAUSTED: 429,
    code_pb2.FAILED_PRECONDITION: 400,
    code_pb2.ABORTED: 409,
    code_pb2.OUT_OF_RANGE: 400,
    code_pb2.UNIMPLEMENTED: 501,
    code_pb2.INTERNAL: 500,
    code_pb2.UNAVAILABLE: 503,
    code_pb2.DATA_LOSS: 500,
    code_pb2.UNAUTHENTICATED: 401,
}
"""The HTTP status of every code, as google.rpc.Code gives it."""


class Failure(Exception):
    """A request that gets a status instead of an answer. `http_status` is that of the code where none is given."""

    def __init__(
        self,
        code: int,
        message: str,
        *,
        details: Iterable[any_pb2.Any] = (),
        http_status: int | None = None,
        headers: Iterable[tuple[bytes, bytes]] = (),
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = tuple(details)
        self.http_status = http_status if http_status is not None else HTTP_STATUS.get(code, 500)
        self.headers = tuple(headers)


class FieldRefused(Failure):
    """A field of the request that cannot be what was sent; 400, with a BadRequest that names it."""

    def __init__(self, field: str, reason: str) -> None:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=reason)
        super().__init__(
            code_pb2.INVALID_ARGUMENT,
            f"{field}: {reason}",
            details=[_packed(error_details_pb2.BadRequest(field_violations=[violation]))],
        )


def malformed(reason: str) -> Failure:
    """A request that cannot be read; 400."""
    return Failure(code_pb2.INVALID_ARGUMENT, reason)


def not_found() -> Failure:
    """No route takes the path; 404."""
    return Failure(code_pb2.NOT_FOUND, "no such path")


def method_refused(allowed: Iterable[str]) -> Failure:
    """The path is known, the method is not one of its own; 405."""
    names = ", ".join(sorted(allowed))
    return Failure(
        code_pb2.UNIMPLEMENTED,
        f"this path takes {names}",
        http_status=405,
        headers=[(b"allow", names.encode("ascii"))],
    )


def type_refused(content_type: str) -> Failure:
    """A body that is not JSON; 415."""
    return Failure(code_pb2.INVALID_ARGUMENT, f"send application/json, not {content_type}", http_status=415)


def too_large(limit: int) -> Failure:
    """A body of more than `limit` bytes; 413."""
    return Failure(code_pb2.RESOURCE_EXHAUSTED, f"the body is larger than {limit} bytes", http_status=413)


def too_many(limit: int) -> Failure:
    """A body of more than `limit` values; 413."""
    return Failure(code_pb2.RESOURCE_EXHAUSTED, f"the body holds more than {limit} values", http_status=413)


def other_origin(origin: str) -> Failure:
    """A page of another site that would change something; 403."""
    return Failure(code_pb2.PERMISSION_DENIED, f"pages of {origin} may not call; see CORS")


def _packed(message: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(message)
    return packed
