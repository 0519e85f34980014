"""The message that a request says, of its path, its query and its body together."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.bindings import METHODS_WITHOUT_BODY, WHOLE, Binding
from jobcontrol_server.gateway.bodies import fill_from_body, refuse_body
from jobcontrol_server.gateway.exchange import Exchange
from jobcontrol_server.gateway.failures import FieldRefused, malformed, type_refused
from jobcontrol_server.gateway.fields import HTTP_BODY, descriptor_of, has_bytes
from jobcontrol_server.gateway.headers import Metadata
from jobcontrol_server.gateway.query import fields_on, fill_from_query, set_text
from jobcontrol_server.gateway.texts import TextInvalid

_JSON_TYPE = re.compile(r"application/json|[^/;\s]+/[^/;\s]+\+json", re.IGNORECASE)
_CHARSET = re.compile(r"charset\s*=\s*\"?([^\s;\"]+)", re.IGNORECASE)

Admit = Callable[[Metadata], None]
"""Raises Failure for a request that may not call, by the metadata of its call. It is asked before a body is read."""


@dataclass(frozen=True)
class Reading:
    """How requests are read: what a body may weigh, which field an Idempotency-Key fills, and who is let in."""

    body_limit: int
    body_limit_with_bytes: int
    idempotency_field: str | None
    admit: Admit | None = None


class Reader:
    """Reads the requests of one binding."""

    def __init__(self, binding: Binding, reading: Reading) -> None:
        self._binding = binding
        request = descriptor_of(binding.method.request)
        self._limit = reading.body_limit_with_bytes if has_bytes(request) else reading.body_limit
        self._admit = reading.admit
        self._key_field = idempotency_field_of(request, reading.idempotency_field)

    def admit(self, metadata: Metadata) -> None:
        """Raise Failure for a request that may not call. To be asked before its body is read."""
        if self._admit is not None:
            self._admit(metadata)

    async def read(self, exchange: Exchange, path_values: Mapping[str, str]) -> Message:
        """The request of the binding's RPC. What the path says wins over the body.

        Raises Failure for everything that does not bind exactly, ClientGone if the body breaks off.
        """
        body = b"" if exchange.method in METHODS_WITHOUT_BODY else await exchange.body(self._limit)
        message = self._binding.method.request()
        if body and exchange.header(b"content-encoding").lower() not in ("", "identity"):
            raise type_refused(f"what is {exchange.header(b'content-encoding')} encoded")
        _fill(message, self._binding, body, exchange.header(b"content-type"))
        fill_from_query(message, exchange.raw_query, self._binding)
        for path, text in path_values.items():
            _set_from_path(message, path, text)
        key = exchange.header(b"idempotency-key")
        if key and self._key_field is not None and not getattr(message, self._key_field.name):
            setattr(message, self._key_field.name, key)
        if not message.IsInitialized():
            raise malformed("a field that is required is missing")
        return message


def idempotency_field_of(request: Descriptor, name: str | None) -> FieldDescriptor | None:
    """The field of a request that an Idempotency-Key fills, None if it has no such string."""
    field = request.fields_by_name.get(name or "")
    is_text = field is not None and field.type == FieldDescriptor.TYPE_STRING and not field.is_repeated
    return field if is_text else None


def _fill(message: Message, binding: Binding, body: bytes, content_type: str) -> None:
    if takes_raw_body(binding):
        _fill_raw(_held(message, binding), body, content_type)
    elif body:
        _refuse_other_types(content_type)
        if binding.body is None:
            refuse_body(body)
        else:
            fill_from_body(message, body, binding.body if isinstance(binding.body, FieldDescriptor) else None)


def _refuse_other_types(content_type: str) -> None:
    media_type, _, parameters = content_type.partition(";")
    if media_type.strip() and not _JSON_TYPE.fullmatch(media_type.strip()):
        raise type_refused(media_type.strip())
    charset = _CHARSET.search(parameters)
    if charset is not None and charset[1].lower() not in ("utf-8", "utf8"):
        raise type_refused(content_type)


def takes_raw_body(binding: Binding) -> bool:
    """Whether a google.api.HttpBody takes the body, which may be any bytes of any type."""
    if isinstance(binding.body, FieldDescriptor):
        kind = binding.body.message_type
        return kind is not None and kind.full_name == HTTP_BODY and not binding.body.is_repeated
    return binding.body is WHOLE and descriptor_of(binding.method.request).full_name == HTTP_BODY


def _held(message: Message, binding: Binding) -> Message:
    if isinstance(binding.body, FieldDescriptor):
        held: Message = getattr(message, binding.body.name)
        return held
    return message


def _fill_raw(held: Message, body: bytes, content_type: str) -> None:
    held.data = body  # type: ignore[attr-defined]
    held.content_type = content_type  # type: ignore[attr-defined]


def _set_from_path(message: Message, path: str, text: str) -> None:
    fields = fields_on(descriptor_of(message), path)
    assert fields is not None, "bindings are refused at start-up unless their variables are fields"
    try:
        set_text(message, fields, text)
    except TextInvalid as error:
        raise FieldRefused(path, str(error)) from error
