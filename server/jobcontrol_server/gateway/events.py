"""Streams as server-sent events, which a browser's EventSource reads, resumes after a break and ends: R15 and R16."""

import re
from dataclasses import dataclass

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from jobcontrol_server.gateway.answers import json_value, to_json
from jobcontrol_server.gateway.bindings import Binding, RpcMethod
from jobcontrol_server.gateway.errors import document_of
from jobcontrol_server.gateway.failures import Failure, FieldRefused
from jobcontrol_server.gateway.fields import INTEGERS, descriptor_of
from jobcontrol_server.gateway.framing import Refusal, StreamUnfit
from jobcontrol_server.gateway.headers import Header
from jobcontrol_server.gateway.remembering import Remembered
from jobcontrol_server.gateway.texts import TextInvalid, value_from_text

EVENT_STREAM = "text/event-stream"

_NO_ID = re.compile(r"[\0\r\n]")


@dataclass(frozen=True)
class EventStream:
    """What server-sent events must know of a stream: names of fields in its request and its messages."""

    id: str
    """The field of a message that says how far the stream has come, and so resumes it."""
    resume: str
    """The field of the request that takes such an id, to go on after it."""
    heartbeat: str | None = None
    """The field of a message that is set if it says only that the stream lives."""
    end: str | None = None
    """The field of a message that is set if it is the last for good."""


class Events:
    """A stream as events: `id` and one line of `data` each; no name, so that browsers take them for messages.

    Heartbeats are comments, and tell no id. A good end is the event `end`, a failure the event `stream-error`; so is,
    with status 200, a service out of reach to a browser that resumes, which tries again then.
    """

    opening = b"retry: 2000\n\n"
    # An event without data is never dispatched.
    ending = b"event: end\ndata: {}\n\n"

    def __init__(self, binding: Binding, facts: EventStream | None) -> None:
        self._binding = binding
        self._facts = facts
        self.frame = Remembered(self._event)

    def headers(self, first: bytes | None) -> list[Header]:
        return [
            (b"content-type", EVENT_STREAM.encode("ascii")),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        ]

    def failure(self, failure: Failure) -> bytes:
        return b"event: stream-error\ndata: " + to_json(document_of(failure)) + b"\n\n"

    def is_over(self, first: bytes, last_id: str) -> bool:
        if self._facts is None or self._facts.end is None or not last_id:
            return False
        message = self._binding.method.response.FromString(first)
        return message.HasField(self._facts.end) and str(getattr(message, self._facts.id)) == last_id

    def refusal(self, failure: Failure, *, is_resumed: bool) -> Refusal | None:
        # To a browser that comes back any status but 200 says that the stream is over for good (WHATWG HTML, 9.2.3).
        if not is_resumed or failure.code != code_pb2.UNAVAILABLE:
            return None
        return 200, self.opening + self.failure(failure), self.headers(None)

    def _event(self, raw: bytes) -> bytes:
        message = self._binding.method.response.FromString(raw)
        facts = self._facts
        if facts is not None and facts.heartbeat is not None and message.HasField(facts.heartbeat):
            return b": heartbeat\n\n"
        data = b"data: " + to_json(json_value(message, self._binding.response_body)) + b"\n\n"
        return data if facts is None else _id_line(str(getattr(message, facts.id))) + data


def _id_line(text: str) -> bytes:
    # What would break the line, or make browsers forget the id that they have, is no id.
    return b"" if _NO_ID.search(text) else b"id: " + text.encode("utf-8") + b"\n"


def resume(message: Message, facts: EventStream, last_id: str) -> str:
    """Make the request go on after the id that a browser saw last, and return it as a message would tell it.

    Raises Failure for what can be no id.
    """
    field = descriptor_of(message).fields_by_name[facts.resume]
    try:
        # Headers come in Latin-1; browsers send ids in UTF-8.
        value = value_from_text(field, last_id.encode("latin-1").decode("utf-8"))
        if field.type in INTEGERS and value < 0:
            raise TextInvalid("expected a whole number from 0 on")
    except (TextInvalid, UnicodeDecodeError) as error:
        raise FieldRefused("Last-Event-ID", str(error)) from error
    setattr(message, facts.resume, value)
    return str(value)


def refuse_unfit(method: RpcMethod, facts: EventStream) -> None:
    """Raise StreamUnfit if the messages of the RPC have not the fields that the facts name."""
    request, response = descriptor_of(method.request), descriptor_of(method.response)
    named = [(response, facts.id), (request, facts.resume), (response, facts.heartbeat), (response, facts.end)]
    for message, name in named:
        if name is not None and name not in message.fields_by_name:
            raise StreamUnfit(f"{method.full_name}: {message.full_name} has no field {name!r}")
    for message, name in named[:2]:
        field = message.fields_by_name[str(name)]
        if field.is_repeated or (field.type not in INTEGERS and field.type != FieldDescriptor.TYPE_STRING):
            raise StreamUnfit(f"{method.full_name}: {field.full_name} is neither a whole number nor a string")
    for message, name in named[2:]:
        if name is not None and not message.fields_by_name[name].has_presence:
            raise StreamUnfit(f"{method.full_name}: {message.full_name}.{name} is never unset")
