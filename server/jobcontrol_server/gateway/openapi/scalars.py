"""JSON Schemas of scalars and enums, and of the messages that proto3 JSON writes in a way of their own."""

from collections.abc import Sequence
from typing import Any, TypeAlias

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

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
)

Schema: TypeAlias = dict[str, Any]

BASE64 = "^(?:[A-Za-z0-9+/_-]{4})*(?:[A-Za-z0-9+/_-]{2}(?:==)?|[A-Za-z0-9+/_-]{3}=?)?$"
_MASK_PATH = r"[a-z][A-Za-z0-9]*(?:\.[a-z][A-Za-z0-9]*)*"
_INFINITE = ["NaN", "Infinity", "-Infinity"]
_FLOAT_MAX = 3.4028234663852886e38

_SPECIAL: dict[str, Schema] = {
    TIMESTAMP: {"type": "string", "format": "date-time"},
    DURATION: {
        "type": "string",
        "pattern": r"^-?(?:0|[1-9][0-9]{0,10})(?:\.[0-9]{1,9})?s$",
        "examples": ["90s", "0.5s"],
    },
    FIELD_MASK: {
        "type": "string",
        "pattern": rf"^(?:{_MASK_PATH}(?:,{_MASK_PATH})*)?$",
        "examples": ["title,author.name"],
    },
    STRUCT: {"type": "object", "additionalProperties": True},
    VALUE: {},
    LIST_VALUE: {"type": "array", "items": {}},
    ANY: {
        "type": "object",
        "properties": {"@type": {"type": "string", "description": "Which message the rest is."}},
        "additionalProperties": True,
    },
}


def special_schema(message: Descriptor) -> Schema | None:
    """The schema of a message that has a JSON form of its own, None for any other."""
    if message.full_name in WRAPPERS:
        return _or_null(scalar_schema(message.fields_by_name["value"]))
    found = _SPECIAL.get(message.full_name)
    return dict(found) if found is not None else None


def scalar_schema(field: FieldDescriptor) -> Schema:
    """The canonical form of one value of a field that is neither message nor enum."""
    if field.type in INTEGERS:
        return _integer(*INTEGERS[field.type])
    return dict(_PLAIN[field.type])


def query_schema(field: FieldDescriptor) -> Schema:
    """The schema of one value that stands in a path or a query, where there is no null and no type but text."""
    if field.message_type is None:
        return scalar_schema(field)
    if field.message_type.full_name in WRAPPERS:
        return scalar_schema(field.message_type.fields_by_name["value"])
    schema = special_schema(field.message_type)
    assert schema is not None, "only messages that one text says all of come here"
    return schema


def enum_schema(enum: EnumDescriptor, names: Sequence[str]) -> Schema:
    """These names of an enum's values; NullValue is null."""
    if enum.full_name == NULL_VALUE:
        return {"type": "null"}
    return {"type": "string", "enum": list(names)}


def _integer(least: int, greatest: int) -> Schema:
    is_unsigned, is_wide = least == 0, greatest > 1 << 32
    name = f"{'u' if is_unsigned else ''}int{64 if is_wide else 32}"
    if not is_wide:
        return {"type": "integer", "format": name, "minimum": least, "maximum": greatest}
    # A JSON number loses the last digits of such an integer in many a language, so proto3 JSON writes a string.
    most = "^(?:0|[1-9][0-9]{0,19})$" if is_unsigned else "^(?:0|-?[1-9][0-9]{0,18})$"
    return {"type": "string", "format": name, "pattern": most}


def _or_null(schema: Schema) -> Schema:
    if "type" in schema:
        return {**schema, "type": [schema["type"], "null"]}
    return {"anyOf": [*schema["anyOf"], {"type": "null"}]}


_PLAIN: dict[int, Schema] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "contentEncoding": "base64", "pattern": BASE64},
    FieldDescriptor.TYPE_DOUBLE: {"anyOf": [{"type": "number", "format": "double"}, {"enum": _INFINITE}]},
    FieldDescriptor.TYPE_FLOAT: {
        "anyOf": [
            {"type": "number", "format": "float", "minimum": -_FLOAT_MAX, "maximum": _FLOAT_MAX},
            {"enum": _INFINITE},
        ]
    },
}
