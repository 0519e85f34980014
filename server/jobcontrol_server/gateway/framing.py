"""How the messages of a stream look on the wire: lines of JSON, or the bytes of one body."""

from dataclasses import dataclass
from typing import Protocol

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.answers import content_type_header, json_value, to_json
from jobcontrol_server.gateway.bindings import Binding
from jobcontrol_server.gateway.errors import document_of
from jobcontrol_server.gateway.exchange import failure_headers
from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.fields import HTTP_BODY, descriptor_of
from jobcontrol_server.gateway.headers import Header
from jobcontrol_server.gateway.remembering import Remembered

NDJSON = "application/x-ndjson"


@dataclass(frozen=True)
class BodyStream:
    """A stream whose messages are parts of one body: the names of the fields that hold its media type and its bytes."""

    content_type: str
    data: str


_HTTP_BODY = BodyStream(content_type="content_type", data="data")


class StreamUnfit(ValueError):
    """Facts about a stream that its messages contradict."""


Refusal = tuple[int, bytes, list[Header]]
"""Status, content and headers of an answer."""


class Framing(Protocol):
    """One way to put a stream of serialized messages on the wire."""

    def headers(self, first: bytes | None) -> list[Header]:
        """Of the answer, once the first message is there; None if the stream has none."""

    @property
    def opening(self) -> bytes:
        """What goes before the first message."""

    def frame(self, raw: bytes) -> bytes:
        """One message."""

    @property
    def ending(self) -> bytes:
        """What goes after the last message of a stream that ended well."""

    def failure(self, failure: Failure) -> bytes | None:
        """What tells a failure after messages; None if only a broken connection can."""

    def is_over(self, first: bytes, last_id: str) -> bool:
        """Whether the first message says that a caller who has seen `last_id` has seen everything."""

    def refusal(self, failure: Failure, *, is_resumed: bool) -> Refusal | None:
        """The whole answer for a failure before any message; None if it is the one that unary calls get."""


class Lines:
    """Newline-delimited JSON: `{"result":…}` for a message, `{"error":…}` for a failure, each on its own line."""

    opening = b""
    ending = b""

    def __init__(self, binding: Binding) -> None:
        self._binding = binding
        self.frame = Remembered(self._line)

    def headers(self, first: bytes | None) -> list[Header]:
        return [(b"content-type", NDJSON.encode("ascii")), (b"x-accel-buffering", b"no")]

    def failure(self, failure: Failure) -> bytes:
        return to_json({"error": document_of(failure)}) + b"\n"

    def is_over(self, first: bytes, last_id: str) -> bool:
        return False

    def refusal(self, failure: Failure, *, is_resumed: bool) -> Refusal:
        return failure.http_status, self.failure(failure), failure_headers(failure, NDJSON)

    def _line(self, raw: bytes) -> bytes:
        message = self._binding.method.response.FromString(raw)
        return to_json({"result": json_value(message, self._binding.response_body)}) + b"\n"


class Parts:
    """The bytes that the messages hold, one after the other, as the body that they are parts of."""

    opening = b""
    ending = b""

    def __init__(self, binding: Binding, fields: BodyStream | None) -> None:
        self._response = binding.method.response
        self._fields = fields or _HTTP_BODY
        _refuse_unfit(binding, self._fields)

    def headers(self, first: bytes | None) -> list[Header]:
        message = self._response.FromString(first) if first is not None else None
        return [content_type_header(str(getattr(message, self._fields.content_type, "")))]

    def frame(self, raw: bytes) -> bytes:
        message: Message = self._response.FromString(raw)
        data: bytes = getattr(message, self._fields.data)
        return data

    def failure(self, failure: Failure) -> None:
        return None

    def is_over(self, first: bytes, last_id: str) -> bool:
        return False

    def refusal(self, failure: Failure, *, is_resumed: bool) -> None:
        return None


def _refuse_unfit(binding: Binding, fields: BodyStream) -> None:
    response = descriptor_of(binding.method.response)
    for name, kind in ((fields.content_type, FieldDescriptor.TYPE_STRING), (fields.data, FieldDescriptor.TYPE_BYTES)):
        field = response.fields_by_name.get(name)
        if field is None or field.is_repeated or field.type != kind:
            raise StreamUnfit(f"{binding.method.full_name}: {response.full_name}.{name} is no field of a body")


def is_http_body(message: type[Message]) -> bool:
    """Whether the message is a google.api.HttpBody, which holds a body and its media type."""
    return descriptor_of(message).full_name == HTTP_BODY
