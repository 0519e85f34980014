"""Proto3 JSON in full and nothing else: what json_format would let through is refused before it reads."""

import json
import math
import re
from collections.abc import Sequence
from typing import Any, NoReturn

from google.protobuf import json_format
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import EncodeError, Message

from jobcontrol_server.gateway.failures import FieldRefused, malformed, too_many
from jobcontrol_server.gateway.fields import MAX_DEPTH, descriptor_of
from jobcontrol_server.gateway.strictness import JsonRefused, checked_message

#: Values of one body. Each costs microseconds while nobody else is served, so that bytes alone bound too little.
MAX_VALUES = 50_000

_BLANK = b" \t\r\n"
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')
_PLACE = re.compile(r" at [\w.\[\]]+$")


def fill_from_body(message: Message, body: bytes, field: FieldDescriptor | None) -> None:
    """Make `message`, or one field of it, say what a JSON body says; a blank body says nothing.

    Raises Failure for what is not one JSON value in UTF-8, holds more than MAX_VALUES, or does not fit the message.
    """
    if not body.strip(_BLANK):
        return
    if body.count(b",") >= MAX_VALUES and _STRING.sub(b"", body).count(b",") >= MAX_VALUES:
        raise too_many(MAX_VALUES)
    value = _one_value(body)
    if field is not None:
        value = {field.json_name: value}
    elif not isinstance(value, dict):
        raise malformed("the body must be a JSON object")
    try:
        json_format.ParseDict(checked_message(descriptor_of(message), value), message, max_recursion_depth=MAX_DEPTH)
    except JsonRefused as refused:
        raise FieldRefused(refused.field, refused.reason) from refused
    except (json_format.ParseError, EncodeError, TypeError, ValueError, OverflowError, RecursionError) as error:
        raise malformed(f"the body does not fit: {_PLACE.sub('', str(error))}") from error


def refuse_body(body: bytes) -> None:
    """Raise Failure unless a body that can bind to nothing says nothing."""
    if body.strip(_BLANK):
        raise malformed("this path takes no body")


def _one_value(body: bytes) -> Any:
    try:
        text = body.decode("utf-8")
        value = json.loads(text, object_pairs_hook=_object, parse_float=_finite, parse_constant=_refuse_constant)
        if "\\u" in text:
            # Half of a surrogate pair is no character: writing it as UTF-8 tells.
            json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeError as error:
        raise malformed("the body is not UTF-8, or holds half of a surrogate pair") from error
    except RecursionError as error:
        raise malformed("the body is nested too deep") from error
    except ValueError as error:
        raise malformed(f"the body is not one JSON value: {error}") from error
    return value


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ValueError(f"{name!r} stands twice in one object")
        found[name] = value
    return found


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is beyond what a double can hold")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON; in quotes it is a number")
