"""Parameters: the input of a pipeline, from protobuf's Struct to plain values and against its schema."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from typing import Any

from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from jsonschema import Draft202012Validator

from jobcontrol_core.domain.errors import Violation
from jobcontrol_core.domain.values import PipelineSpec
from jobcontrol_server.rpc.validation.checks import Fault, shortened, told_by

MAX_BYTES = 64 << 10
MAX_LEVELS = 32
#: From here on a double does not tell neighbouring integers apart: 2^53 + 1 arrives as 2^53.
FIRST_UNSAFE = 2**53
#: A Struct on the wire is less than this many times as long as its JSON, whatever it holds.
WIRE_FACTOR = 8
MOST_SCHEMA_ERRORS, MOST_WORDS = 8, 256


def to_dict(parameters: Struct) -> dict[str, Any]:
    """`parameters` as plain values, by key, as a Struct keeps no order.

    Integral numbers, which it keeps as doubles, are ints again.
    """
    return {key: _plain(value) for key, value in sorted(parameters.fields.items())}


@told_by()
def parameter_faults(parameters: Struct, _: Message) -> Iterator[Fault]:
    """What keeps `parameters` from being stored and given back unchanged."""
    if parameters.ByteSize() > WIRE_FACTOR * MAX_BYTES:
        yield Fault(f"must be at most {MAX_BYTES} bytes as JSON")
        return
    faults = list(_object_faults(parameters, "", 1))
    yield from faults
    if not faults and (size := _json_size(to_dict(parameters))) > MAX_BYTES:
        yield Fault(f"must be at most {MAX_BYTES} bytes as JSON, not {size}")


def parameter_violations(parameters: Mapping[str, Any], pipeline: PipelineSpec) -> list[Violation]:
    """Where `parameters`, as plain values, break the input schema of `pipeline`; at most the first few places."""
    errors = Draft202012Validator(dict(pipeline.input_schema)).iter_errors(dict(parameters))
    ordered = sorted(errors, key=lambda error: [str(part) for part in error.absolute_path])
    return [
        Violation("parameters" + "".join(map(_place, error.absolute_path)), shortened(error.message, MOST_WORDS))
        for error in ordered[:MOST_SCHEMA_ERRORS]
    ]


def _plain(value: Value) -> Any:
    match value.WhichOneof("kind"):
        case "number_value":
            number = value.number_value
            return int(number) if number.is_integer() else number
        case "string_value":
            return value.string_value
        case "bool_value":
            return value.bool_value
        case "struct_value":
            return to_dict(value.struct_value)
        case "list_value":
            return [_plain(item) for item in value.list_value.values]
    return None


def _object_faults(fields: Struct, place: str, level: int) -> Iterator[Fault]:
    for key, value in sorted(fields.fields.items()):
        if "\x00" in key:
            yield Fault("the key must not hold a NUL character", place + _place(key))
        yield from _value_faults(value, place + _place(key), level)


def _value_faults(value: Value, place: str, level: int) -> Iterator[Fault]:
    match value.WhichOneof("kind"):
        case None:
            yield Fault("has no value", place)
        case "number_value":
            yield from _number_faults(value.number_value, place)
        case "string_value":
            if "\x00" in value.string_value:
                yield Fault("must not hold a NUL character", place)
        case "struct_value" | "list_value" if level == MAX_LEVELS:
            yield Fault(f"is too deep: at most {MAX_LEVELS} levels", place)
        case "struct_value":
            yield from _object_faults(value.struct_value, place, level + 1)
        case "list_value":
            for index, item in enumerate(value.list_value.values):
                yield from _value_faults(item, f"{place}[{index}]", level + 1)


def _number_faults(number: float, place: str) -> Iterator[Fault]:
    if not math.isfinite(number):
        yield Fault("must be a finite number", place)
    elif abs(number) >= FIRST_UNSAFE:
        yield Fault("is 2^53 or more, where digits get lost; send it as a string", place)


def _json_size(parameters: Mapping[str, Any]) -> int:
    return len(json.dumps(parameters, ensure_ascii=False, separators=(",", ":")).encode())


def _place(part: str | int) -> str:
    return f"[{part}]" if isinstance(part, int) else f".{shortened(part)}"
