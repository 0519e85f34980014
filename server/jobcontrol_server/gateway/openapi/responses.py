"""What an operation answers: a message, lines or events of a stream, bytes, or an error."""

from collections.abc import Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor

from jobcontrol_server.gateway.answers import JSON
from jobcontrol_server.gateway.bindings import Binding
from jobcontrol_server.gateway.events import EVENT_STREAM, EventStream
from jobcontrol_server.gateway.fields import HTTP_BODY, descriptor_of
from jobcontrol_server.gateway.framing import NDJSON, BodyStream
from jobcontrol_server.gateway.openapi.scalars import Schema
from jobcontrol_server.gateway.openapi.schemas import STATUS, Schemas, Way

#: Bytes of any media type, which OpenAPI 3.1 says with no schema.
ANY_BYTES: Schema = {"*/*": {}}

_EVENTS = "Server-sent events: `data` holds what is the `result` of a line."
_EVENT_ID = " `id` is what to resume after."
_EVENT_ENDS = " `event: end` ends the stream; `event: stream-error` tells, with a google.rpc.Status, why it broke off."


@dataclass(frozen=True)
class Responses:
    """Writes the responses of bindings. The streams are as the gateway was told of them."""

    schemas: Schemas
    event_streams: Mapping[str, EventStream]
    body_streams: Mapping[str, BodyStream]

    def of(self, binding: Binding) -> Schema:
        """The responses by status; every error is `default`."""
        if not binding.method.is_stream:
            return {"200": _ok(self._unary(binding)), "default": _reference("Error")}
        if binding.method.full_name in self.body_streams or _is_http_body(binding.method.descriptor.output_type):
            return {"200": _ok(ANY_BYTES), "default": _reference("Error")}
        return self._messages(binding)

    def components(self) -> Schema:
        """The responses that operations refer to."""
        status = self.schemas.of_message(STATUS, Way.ANSWERED)
        whole, line = {JSON: {"schema": status}}, {NDJSON: {"schema": _line("error", status)}}
        wait = {"description": "Seconds after which to try again.", "schema": {"type": "integer"}}
        told = {"description": "An error, as a google.rpc.Status.", "headers": {"Retry-After": wait}}
        return {"Error": {**told, "content": whole}, "StreamError": {**told, "content": {**line, **whole}}}

    def _unary(self, binding: Binding) -> Schema:
        field = binding.response_body
        message = field.message_type if field is not None else binding.method.descriptor.output_type
        if message is not None and _is_http_body(message) and not (field is not None and field.is_repeated):
            return ANY_BYTES
        return {JSON: {"schema": self._message(binding)}}

    def _messages(self, binding: Binding) -> Schema:
        events = self.event_streams.get(binding.method.full_name)
        text = _EVENTS + (_EVENT_ID if events is not None else "") + _EVENT_ENDS
        lines = [_line("result", self._message(binding)), _line("error", self.schemas.of_message(STATUS, Way.ANSWERED))]
        content = {
            NDJSON: {"schema": {"description": "One such object on each line.", "oneOf": lines}},
            EVENT_STREAM: {"schema": {"type": "string", "description": text}},
        }
        responses = {"200": _ok(content), "default": _reference("StreamError")}
        if events is not None and events.end is not None:
            responses["204"] = {"description": "To an EventSource that has seen the end: there is nothing more."}
        return responses

    def _message(self, binding: Binding) -> Schema:
        if binding.response_body is not None:
            return self.schemas.of_field(binding.response_body, Way.ANSWERED)
        return self.schemas.of_message(descriptor_of(binding.method.response), Way.ANSWERED)


def _ok(content: Schema) -> Schema:
    return {"description": "OK", "content": content}


def _line(name: str, schema: Schema) -> Schema:
    return {"type": "object", "properties": {name: schema}, "required": [name]}


def _reference(name: str) -> Schema:
    return {"$ref": f"#/components/responses/{name}"}


def _is_http_body(message: Descriptor) -> bool:
    return bool(message.full_name == HTTP_BODY)
