"""What the fields of messages are, as far as REST must tell them apart."""

import re
from functools import cache
from typing import cast

from google.protobuf.descriptor import Descriptor, EnumDescriptor, EnumValueDescriptor, FieldDescriptor
from google.protobuf.message import Message

TIMESTAMP = "google.protobuf.Timestamp"
DURATION = "google.protobuf.Duration"
FIELD_MASK = "google.protobuf.FieldMask"
STRUCT = "google.protobuf.Struct"
VALUE = "google.protobuf.Value"
LIST_VALUE = "google.protobuf.ListValue"
ANY = "google.protobuf.Any"
HTTP_BODY = "google.api.HttpBody"
NULL_VALUE = "google.protobuf.NullValue"

WRAPPERS = frozenset(
    f"google.protobuf.{name}Value"
    for name in ("Double", "Float", "Int64", "UInt64", "Int32", "UInt32", "Bool", "String", "Bytes")
)

TEXTUAL = WRAPPERS | {TIMESTAMP, DURATION, FIELD_MASK}
"""The messages that a path or a query can fill, because one text says all of them."""

MAX_DEPTH = 100
"""How deep messages may be nested in each other: deeper ones protobuf does not read."""

INTEGERS = {
    FieldDescriptor.TYPE_INT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SINT32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_SFIXED32: (-(1 << 31), (1 << 31) - 1),
    FieldDescriptor.TYPE_UINT32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_FIXED32: (0, (1 << 32) - 1),
    FieldDescriptor.TYPE_INT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SINT64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_SFIXED64: (-(1 << 63), (1 << 63) - 1),
    FieldDescriptor.TYPE_UINT64: (0, (1 << 64) - 1),
    FieldDescriptor.TYPE_FIXED64: (0, (1 << 64) - 1),
}
"""The least and the greatest value of each integral type."""

FLOATS = frozenset({FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE})


def descriptor_of(message: Message | type[Message]) -> Descriptor:
    """The descriptor of a message, as the type that says what it can do."""
    return cast(Descriptor, message.DESCRIPTOR)


def is_map(field: FieldDescriptor) -> bool:
    """Whether it maps keys to values; such a field is repeated too."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def field_named(message: Descriptor, name: str) -> FieldDescriptor | None:
    """The field of this name in JSON, else the one of this name in the proto file."""
    return _fields_by_json_name(message).get(name) or message.fields_by_name.get(name)


@cache
def _fields_by_json_name(message: Descriptor) -> dict[str, FieldDescriptor]:
    return {field.json_name: field for field in message.fields}


def has_bytes(message: Descriptor) -> bool:
    """Whether some field of the message, or of a message in it, is bytes."""
    seen, open_ends = {message.full_name}, [message]
    while open_ends:
        for field in open_ends.pop().fields:
            if field.type == FieldDescriptor.TYPE_BYTES:
                return True
            if field.message_type is not None and field.message_type.full_name not in seen:
                seen.add(field.message_type.full_name)
                open_ends.append(field.message_type)
    return False


def enum_value_named(enum: EnumDescriptor, text: str) -> EnumValueDescriptor | None:
    """The value of this name: in full, or without the type's prefix, in any case, with `-` for `_`.

    `failed` is JOB_STATUS_FAILED of an enum JobStatus.
    """
    if text in enum.values_by_name:
        return enum.values_by_name[text]
    if not text.isascii():
        # Letters of other scripts have capitals that are ASCII.
        return None
    name = text.upper().replace("-", "_")
    return enum.values_by_name.get(name) or enum.values_by_name.get(_prefix_of(enum) + name)


def _prefix_of(enum: EnumDescriptor) -> str:
    # A word begins with a capital after a small letter, or before one: HTTPMode is HTTP_MODE.
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", enum.name).upper() + "_"
