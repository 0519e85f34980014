"""A JSON document against a message's type: refused where proto3 JSON refuses it, with short enum names written out.

What google.protobuf.json_format checks by itself (ranges, unknown names, depth) is left to it.
"""

import math
import re
from collections.abc import Callable
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

from jobcontrol_server.gateway.fields import (
    ANY,
    DURATION,
    FIELD_MASK,
    FLOATS,
    INTEGERS,
    LIST_VALUE,
    MAX_DEPTH,
    NULL_VALUE,
    STRUCT,
    TIMESTAMP,
    VALUE,
    WRAPPERS,
    enum_value_named,
    field_named,
    is_map,
)
from jobcontrol_server.gateway.texts import INFINITE, NUMBER, SECONDS, TIME, is_base64

_MASK = re.compile(r"(?:[A-Za-z0-9.]+(?:,[A-Za-z0-9.]+)*)?")


class JsonRefused(ValueError):
    """A place in a document that proto3 JSON refuses: the path of its field, and what was expected there."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def checked_message(message: Descriptor, value: Any, *, at: str = "", depth: int = 0) -> Any:
    """The document as json_format may read it. Raises JsonRefused."""
    if depth > MAX_DEPTH:
        raise JsonRefused(at, f"is nested deeper than {MAX_DEPTH} levels")
    special = _SPECIAL.get(message.full_name)
    if special is not None:
        return special(message, value, at, depth)
    if not isinstance(value, dict):
        raise JsonRefused(at, "expected an object")
    return _checked_fields(message, value, at, depth)


def _checked_fields(message: Descriptor, value: dict[str, Any], at: str, depth: int) -> dict[str, Any]:
    checked: dict[str, Any] = {}
    chosen: dict[str, str] = {}
    for name, part in value.items():
        place = f"{at}.{name}" if at else name
        field = field_named(message, name)
        if field is None:
            raise JsonRefused(place, "the request has no such field")
        if field.json_name in checked:
            raise JsonRefused(place, f"stands there as {field.name} and as {field.json_name}")
        checked[field.json_name] = _checked_field(field, part, place, depth)
        if field.containing_oneof is not None and part is not None:
            other = chosen.setdefault(field.containing_oneof.name, field.name)
            if other != field.name:
                raise JsonRefused(place, f"cannot be given beside {other}")
    return checked


def _checked_field(field: FieldDescriptor, value: Any, at: str, depth: int) -> Any:
    if value is None and not _takes_null(field):
        return None
    if is_map(field):
        return _checked_map(field, value, at, depth)
    if not field.is_repeated:
        return _checked_single(field, value, at, depth)
    if not isinstance(value, list):
        raise JsonRefused(at, "expected a list")
    for position, part in enumerate(value):
        if part is None and not _takes_null(field):
            raise JsonRefused(f"{at}[{position}]", "null cannot stand in a list")
    return [_checked_single(field, part, f"{at}[{position}]", depth) for position, part in enumerate(value)]


def _checked_map(field: FieldDescriptor, value: Any, at: str, depth: int) -> Any:
    if not isinstance(value, dict):
        raise JsonRefused(at, "expected an object")
    assert field.message_type is not None, "a map has an entry type"
    keyed, valued = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    checked = {}
    for key, part in value.items():
        place = f"{at}[{key}]"
        if keyed.type in INTEGERS and not _DIGITS.fullmatch(key):
            raise JsonRefused(place, "expected a whole number for a key")
        if part is None and not _takes_null(valued):
            raise JsonRefused(place, "null cannot stand in a map")
        checked[key] = _checked_single(valued, part, place, depth)
    if keyed.type in INTEGERS and len({int(key) for key in value}) < len(value):
        raise JsonRefused(at, "a key stands there twice")
    return checked


def _checked_single(field: FieldDescriptor, value: Any, at: str, depth: int) -> Any:
    if field.message_type is not None:
        return checked_message(field.message_type, value, at=at, depth=depth + 1)
    if field.enum_type is not None:
        return _checked_enum(field.enum_type, value, at)
    fits, expected = _expectation(field)
    if not fits(value):
        raise JsonRefused(at, expected)
    return value


def _checked_enum(enum: EnumDescriptor, value: Any, at: str) -> Any:
    if enum.full_name == NULL_VALUE and value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        if _DIGITS.fullmatch(value):
            return int(value)
        if (named := enum_value_named(enum, value)) is not None:
            return named.name
    raise JsonRefused(at, f"expected one of {', '.join(known.name for known in enum.values)}")


def _takes_null(field: FieldDescriptor) -> bool:
    if field.message_type is not None:
        return bool(field.message_type.full_name == VALUE)
    return field.enum_type is not None and bool(field.enum_type.full_name == NULL_VALUE)


def _expectation(field: FieldDescriptor) -> tuple[Callable[[Any], bool], str]:
    if field.type in INTEGERS:
        least, greatest = INTEGERS[field.type]
        return _is_number, f"expected a whole number from {least} to {greatest}"
    if field.type in FLOATS:
        return lambda value: _is_number(value) or (isinstance(value, str) and value in INFINITE), "expected a number"
    if field.type == FieldDescriptor.TYPE_BOOL:
        return lambda value: isinstance(value, bool), "expected true or false"
    if field.type == FieldDescriptor.TYPE_BYTES:
        return lambda value: isinstance(value, str) and is_base64(value), "expected base64"
    return lambda value: isinstance(value, str), "expected a string"


def _is_number(value: Any) -> bool:
    if isinstance(value, str):
        return NUMBER.fullmatch(value) is not None and len(value) <= 400 and math.isfinite(float(value))
    return isinstance(value, int | float) and not isinstance(value, bool)


def _text_of(pattern: re.Pattern[str], expected: str) -> Callable[[Descriptor, Any, str, int], Any]:
    def checked(message: Descriptor, value: Any, at: str, depth: int) -> Any:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise JsonRefused(at, expected)
        return value

    return checked


def _of_type(kind: type, expected: str) -> Callable[[Descriptor, Any, str, int], Any]:
    def checked(message: Descriptor, value: Any, at: str, depth: int) -> Any:
        if not isinstance(value, kind):
            raise JsonRefused(at, expected)
        return value

    return checked


def _wrapper(message: Descriptor, value: Any, at: str, depth: int) -> Any:
    return _checked_single(message.fields_by_name["value"], value, at, depth)


def _any(message: Descriptor, value: Any, at: str, depth: int) -> Any:
    if not isinstance(value, dict):
        raise JsonRefused(at, "expected an object")
    if not value:
        return value
    url = value.get("@type")
    try:
        packed = message.file.pool.FindMessageTypeByName(str(url).rpartition("/")[2])
    except KeyError:
        raise JsonRefused(f"{at}.@type", "names no known message type") from None
    rest = {name: part for name, part in value.items() if name != "@type"}
    if packed.full_name in _SPECIAL:
        if beside := rest.keys() - {"value"}:
            raise JsonRefused(f"{at}.{min(beside)}", "the request has no such field")
        inner = {"value": checked_message(packed, rest.get("value"), at=f"{at}.value", depth=depth + 1)}
    else:
        inner = checked_message(packed, rest, at=at, depth=depth + 1)
    return {"@type": url, **inner}


_DIGITS = re.compile(r"-?(?:0|[1-9][0-9]{0,19})")

_SPECIAL: dict[str, Callable[[Descriptor, Any, str, int], Any]] = {
    **dict.fromkeys(WRAPPERS, _wrapper),
    ANY: _any,
    DURATION: _text_of(SECONDS, "expected seconds like 90s or 0.5s"),
    FIELD_MASK: _text_of(_MASK, "expected field names in camelCase, separated by commas"),
    LIST_VALUE: _of_type(list, "expected a list"),
    STRUCT: _of_type(dict, "expected an object"),
    TIMESTAMP: _text_of(TIME, "expected a time like 2030-01-31T23:59:59Z"),
    VALUE: _of_type(object, "expected any JSON value"),
}
