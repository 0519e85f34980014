"""What a text in a path or in a query says of a field, strictly: digits are ASCII digits, and that is all of them."""

import base64
import math
import re
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.fields import (
    DURATION,
    FIELD_MASK,
    FLOATS,
    INTEGERS,
    TEXTUAL,
    TIMESTAMP,
    WRAPPERS,
    descriptor_of,
    enum_value_named,
)

#: RFC 3339 as proto3 JSON narrows it.
TIME = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
SECONDS = re.compile(r"-?[0-9]+(?:\.[0-9]{1,9})?s")
NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
INFINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}

_BASE64 = re.compile(r"([A-Za-z0-9+/_-]*)(={0,2})")
_INTEGER = re.compile(r"-?[0-9]+")
_CAPITAL = re.compile(r"[A-Z]")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


class TextInvalid(ValueError):
    """A text that says nothing of the field's type; the sentence says what was expected."""


def is_textual(field: FieldDescriptor) -> bool:
    """Whether a text can say one value of the field."""
    return field.message_type is None or field.message_type.full_name in TEXTUAL


def value_from_text(field: FieldDescriptor, text: str) -> Any:
    """The value for a field without a message type. Raises TextInvalid."""
    if field.enum_type is not None:
        return _enum_number(field.enum_type, text)
    if field.type in INTEGERS:
        return _integer(text, *INTEGERS[field.type])
    if field.type in FLOATS:
        return _float(text, is_single=field.type == FieldDescriptor.TYPE_FLOAT)
    return _PLAIN[field.type](text)


def fill_from_text(message: Message, text: str) -> None:
    """Make `message`, of a type in TEXTUAL, say what the text says, whatever it said. Raises TextInvalid."""
    kind = message.DESCRIPTOR.full_name
    message.Clear()
    if kind in WRAPPERS:
        field = descriptor_of(message).fields_by_name["value"]
        message.SetInParent()
        setattr(message, "value", value_from_text(field, text))  # noqa: B010 - the type is known only at run time
    elif kind == FIELD_MASK:
        message.SetInParent()
        message.paths.extend(_paths(text))  # type: ignore[attr-defined]
    else:
        _fill_time(message, kind, text)


def _fill_time(message: Message, kind: str, text: str) -> None:
    pattern, expected = _TIMES[kind]
    if not pattern.fullmatch(text):
        raise TextInvalid(expected)
    message.SetInParent()
    try:
        json_format.ParseDict(text, message)  # type: ignore[arg-type]
    except (json_format.ParseError, ValueError) as error:
        raise TextInvalid(expected) from error


def _paths(text: str) -> list[str]:
    return [_CAPITAL.sub(lambda capital: f"_{capital[0].lower()}", path) for path in text.split(",") if path]


def _integer(text: str, least: int, greatest: int) -> int:
    # A number of thousands of digits is refused before Python refuses to read it.
    if not _INTEGER.fullmatch(text) or len(text) > 40 or not least <= (number := int(text)) <= greatest:
        raise TextInvalid(f"expected a whole number from {least} to {greatest}")
    return number


def _float(text: str, *, is_single: bool) -> float:
    if text in INFINITE:
        return INFINITE[text]
    number = float(text) if NUMBER.fullmatch(text) else math.inf
    if math.isinf(number) or (is_single and abs(number) > _GREATEST_SINGLE):
        raise TextInvalid("expected a number")
    return number


def _enum_number(enum: EnumDescriptor, text: str) -> int:
    if _INTEGER.fullmatch(text) and len(text) <= 11:
        value = enum.values_by_number.get(int(text))
    else:
        value = enum_value_named(enum, text)
    if value is None:
        raise TextInvalid(f"expected one of {', '.join(known.name for known in enum.values)}")
    return int(value.number)


def _bool(text: str) -> bool:
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    raise TextInvalid("expected true or false")


def is_base64(text: str) -> bool:
    """Whether it is base64 of either alphabet, with all of its padding or with none."""
    found = _BASE64.fullmatch(text)
    if found is None:
        return False
    bare, padding = len(found[1]), len(found[2])
    return bare % 4 != 1 and padding in (0, -bare % 4)


def bytes_from_base64(text: str) -> bytes:
    """Decode base64 of either alphabet, padded or not. Raises TextInvalid."""
    if not is_base64(text):
        raise TextInvalid("expected base64")
    bare = text.rstrip("=")
    return base64.urlsafe_b64decode(bare.replace("+", "-").replace("/", "_") + "=" * (-len(bare) % 4))


_GREATEST_SINGLE = (2 - 2**-23) * 2.0**127

_PLAIN: dict[int, Callable[[str], Any]] = {
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_STRING: str,
    FieldDescriptor.TYPE_BYTES: bytes_from_base64,
}

_TIMES = {
    TIMESTAMP: (TIME, "expected a time like 2030-01-31T23:59:59Z"),
    DURATION: (SECONDS, "expected seconds like 90s or 0.5s"),
}
