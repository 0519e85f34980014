"""Messages become the JSON that protobuf's own json_format makes of them, whatever they hold."""

import random
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor import FieldDescriptor

from gateway import zoo
from jobcontrol_server.gateway.fields import INTEGERS, descriptor_of, is_map
from jobcontrol_server.gateway.writing import written

DOUBLES = [0.0, -0.0, 1.0, 0.1, 1 / 3, -2.5e-300, 1e300, float("inf"), float("-inf")]
SINGLES = [
    0.0,
    0.1,
    0.3,
    1 / 3,
    16777217.0,
    3.4028234663852886e38,
    1e-45,
    1.17549435e-38,
    -123456.789,
    1e10,
    float("inf"),
]
TEXTS = ["", "a", "é🦁", '\0\n"\\', "\u2028"]


def scalar(rng: random.Random, field: FieldDescriptor) -> Any:
    if field.enum_type is not None:
        return rng.choice([0, 1, 2, 77, -1])
    if field.type in INTEGERS:
        return rng.choice([*INTEGERS[field.type], 0, 1, rng.randint(*INTEGERS[field.type])])
    among: dict[int, list[Any]] = {
        FieldDescriptor.TYPE_BOOL: [True, False],
        FieldDescriptor.TYPE_STRING: TEXTS,
        FieldDescriptor.TYPE_BYTES: [b"", b"\xfb\xff", b"a"],
        FieldDescriptor.TYPE_DOUBLE: [*DOUBLES, rng.uniform(-1e9, 1e9)],
        FieldDescriptor.TYPE_FLOAT: [*SINGLES, rng.uniform(-1e6, 1e6)],
    }
    return rng.choice(among[field.type])


def fill(rng: random.Random, message: Any, depth: int) -> None:
    """Set about half of the fields, messages in messages down to `depth`."""
    kind = descriptor_of(message).full_name
    if kind in SPECIAL:
        SPECIAL[kind](rng, message)
        return
    for field in descriptor_of(message).fields:
        if rng.random() < 0.5 or (field.message_type is not None and depth == 0):
            continue
        held = getattr(message, field.name)
        if is_map(field):
            fill_map(rng, held, field, depth)
        elif field.message_type is not None:
            for _ in range(rng.randint(0, 2) if field.is_repeated else 1):
                inner = held.add() if field.is_repeated else held
                inner.SetInParent()
                fill(rng, inner, depth - 1)
        elif field.is_repeated:
            held.extend(scalar(rng, field) for _ in range(rng.randint(0, 3)))
        else:
            setattr(message, field.name, scalar(rng, field))


def fill_map(rng: random.Random, held: Any, field: FieldDescriptor, depth: int) -> None:
    assert field.message_type is not None
    keyed, valued = (field.message_type.fields_by_name[name] for name in ("key", "value"))
    for _ in range(rng.randint(0, 3)):
        if valued.message_type is not None:
            fill(rng, held[scalar(rng, keyed)], depth - 1)
        else:
            held[scalar(rng, keyed)] = scalar(rng, valued)


def fill_any(rng: random.Random, message: Any) -> None:
    message.Pack(zoo.Animal(legs=rng.randint(0, 4)))


SPECIAL: dict[str, Any] = {
    "google.protobuf.Timestamp": lambda rng, message: message.FromNanoseconds(rng.randint(-(10**18), 10**18)),
    "google.protobuf.Duration": lambda rng, message: message.FromNanoseconds(rng.randint(-(10**18), 10**18)),
    "google.protobuf.FieldMask": lambda rng, message: message.paths.extend(["a_string", "inner.string_list"]),
    "google.protobuf.Struct": lambda rng, message: message.update({"a": [1, None, {"b": rng.random()}], "é": True}),
    "google.protobuf.Value": lambda rng, message: json_format.ParseDict(rng.choice([None, 1, "a", [2], {}]), message),
    "google.protobuf.ListValue": lambda rng, message: message.extend([1, "x", None]),
    "google.protobuf.Any": fill_any,
}


@pytest.mark.parametrize("seed", range(60))
def test_any_message_is_written_as_json_format_writes_it(seed: int) -> None:
    rng = random.Random(seed)
    for kind in (zoo.Everything, zoo.PartsRequest, zoo.ListAnimalsResponse, zoo.Event):
        message = kind()
        fill(rng, message, 3)

        assert written(message) == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def test_so_are_messages_that_are_special_by_themselves() -> None:
    for message in (Packed(), zoo.Everything().free, zoo.Everything().at, zoo.Everything().wrapped_int64):
        assert written(message) == json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


def test_every_single_precision_number_is_written_in_its_shortest_form() -> None:
    rng = random.Random(7)
    for _ in range(2_000):
        message = zoo.Everything(a_float=rng.uniform(-1, 1) * 10 ** rng.randint(-40, 38))

        assert written(message)["aFloat"] == json_format.MessageToDict(message).get("aFloat", 0.0)
