"""Answers as JSON: camelCase, 64-bit numbers as strings, enums by name, fields without presence always there."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import code_pb2

from jobcontrol_server.gateway.failures import Failure
from jobcontrol_server.gateway.fields import HTTP_BODY, descriptor_of
from jobcontrol_server.gateway.headers import Header
from jobcontrol_server.gateway.writing import written

JSON = "application/json"

#: What AIP-158 calls the token of the next page. An answer that is a bare list carries it in a header.
_PAGE_TOKEN = "next_page_token"
_MEDIA_TYPE = re.compile(r"[\x21-\x7e][\x20-\x7e]*/[\x20-\x7e]*[\x21-\x7e]")


@dataclass(frozen=True)
class Answer:
    """The body of a successful answer, and its headers: the content type, and what no body carries."""

    content: bytes
    headers: tuple[Header, ...]


def answer_of(message: Message, response_body: FieldDescriptor | None) -> Answer:
    """The answer of a unary RPC."""
    body = message if response_body is None else _held(message, response_body)
    if body is not None and descriptor_of(body).full_name == HTTP_BODY:
        return _raw_answer(body)
    content = to_json(json_value(message, response_body))
    return Answer(content, (content_type_header(JSON), *_hidden_page_token(message, response_body)))


def json_value(message: Message, response_body: FieldDescriptor | None) -> Any:
    """The message, or one field of it, as a JSON value; a field that is an unset message is null.

    Raises Failure for what has no JSON form: an Any of an unknown type, a time before the year 1, a NaN in a Struct.
    """
    try:
        value = written(message)
    except (TypeError, ValueError, OverflowError) as error:
        raise Failure(code_pb2.INTERNAL, "what the service answered cannot be told in JSON") from error
    return value if response_body is None else value.get(response_body.json_name)


def to_json(value: Any) -> bytes:
    """The value as JSON text on one line, in UTF-8."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def content_type_header(content_type: str) -> Header:
    """The header that names a media type; one that is none names plain bytes."""
    text = content_type if _MEDIA_TYPE.fullmatch(content_type) else "application/octet-stream"
    return (b"content-type", text.encode("ascii"))


def _raw_answer(http_body: Message) -> Answer:
    content_type: str = http_body.content_type  # type: ignore[attr-defined]
    data: bytes = http_body.data  # type: ignore[attr-defined]
    return Answer(data, (content_type_header(content_type),))


def _held(message: Message, field: FieldDescriptor) -> Message | None:
    if field.message_type is None or field.is_repeated:
        return None
    held: Message = getattr(message, field.name)
    return held


def _hidden_page_token(message: Message, response_body: FieldDescriptor | None) -> Iterator[Header]:
    token = getattr(message, _PAGE_TOKEN, "") if response_body is not None and response_body.is_repeated else ""
    if isinstance(token, str) and token.isascii() and token.isprintable() and token:
        yield (b"grpc-metadata-next-page-token", token.encode("ascii"))
