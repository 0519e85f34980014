"""A message as a JSON value, as json_format.MessageToDict would have it, several times as fast.

What each type's fields need is worked out once per type; types with a JSON form of their own are left to json_format.
"""

import base64
import math
import struct
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.fields import (
    ANY,
    DURATION,
    FIELD_MASK,
    INTEGERS,
    LIST_VALUE,
    NULL_VALUE,
    STRUCT,
    TIMESTAMP,
    VALUE,
    WRAPPERS,
    descriptor_of,
    is_map,
)

Write = Callable[[Any], Any]

_GREATEST_EXACT = 1 << 32


def written(message: Message) -> Any:
    """The JSON value of a message: 64-bit numbers are strings, enums names, fields without presence always there.

    Raises TypeError, ValueError or OverflowError for what has no JSON form.
    """
    return _message_writer(descriptor_of(message))(message)


@cache
def _message_writer(message: Descriptor) -> Write:
    name = message.full_name
    if name in (TIMESTAMP, DURATION, FIELD_MASK):
        return lambda held: held.ToJsonString()
    if name in WRAPPERS:
        write = _value_writer(message.fields_by_name["value"])
        return lambda held: write(held.value)
    if name in (ANY, STRUCT, VALUE, LIST_VALUE):
        return lambda held: json_format.MessageToDict(held, always_print_fields_with_no_presence=True)
    return _Fields(message)


class _Fields:
    """Writes the messages of one type, field by field."""

    def __init__(self, message: Descriptor) -> None:
        self._message = message
        self._plan: list[tuple[str, str, bool, Write]] | None = None

    def __call__(self, held: Message) -> dict[str, Any]:
        if self._plan is None:
            # Not when it is made: a message may hold others of its own type.
            self._plan = [(f.name, f.json_name, f.has_presence, _field_writer(f)) for f in self._message.fields]
        return {
            json_name: write(getattr(held, name))
            for name, json_name, has_presence, write in self._plan
            if not has_presence or held.HasField(name)
        }


def _field_writer(field: FieldDescriptor) -> Write:
    if is_map(field):
        assert field.message_type is not None, "a map has an entry type"
        write_key = _key_writer(field.message_type.fields_by_name["key"])
        write_value = _value_writer(field.message_type.fields_by_name["value"])
        return lambda entries: {write_key(key): write_value(entries[key]) for key in entries}
    write = _value_writer(field)
    return (lambda values: [write(value) for value in values]) if field.is_repeated else write


def _value_writer(field: FieldDescriptor) -> Write:
    if field.message_type is not None:
        return _message_writer(field.message_type)
    if field.enum_type is not None:
        return _enum_writer(field.enum_type)
    if field.type in INTEGERS:
        return str if INTEGERS[field.type][1] >= _GREATEST_EXACT else _same
    return _PLAIN[field.type]


def _enum_writer(enum: EnumDescriptor) -> Write:
    if enum.full_name == NULL_VALUE:
        return lambda number: None
    names = {number: value.name for number, value in enum.values_by_number.items()}
    return lambda number: names.get(number, number)


def _key_writer(field: FieldDescriptor) -> Write:
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda key: "true" if key else "false"
    return str


def _same(value: Any) -> Any:
    return value


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode("ascii")


def _double(value: float) -> float | str:
    if math.isfinite(value):
        return value
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _single(value: float) -> float | str:
    """The shortest digits that stand for the same 32-bit number: 0.1, and not 0.10000000149011612."""
    if not math.isfinite(value):
        return _double(value)
    exact = struct.pack("<f", value)
    candidates = (float(f"{value:.{digits}g}") for digits in range(6, 9))
    return next((short for short in candidates if _packs_to(short, exact)), float(f"{value:.9g}"))


def _packs_to(value: float, exact: bytes) -> bool:
    try:
        return struct.pack("<f", value) == exact
    except OverflowError:
        return False


_PLAIN: dict[int, Write] = {
    FieldDescriptor.TYPE_BOOL: _same,
    FieldDescriptor.TYPE_STRING: _same,
    FieldDescriptor.TYPE_BYTES: _base64,
    FieldDescriptor.TYPE_DOUBLE: _double,
    FieldDescriptor.TYPE_FLOAT: _single,
}
