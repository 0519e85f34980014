"""Requests held against the tables."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_core.domain.errors import Violation
from jobcontrol_server.rpc.validation.checks import Constraint, Fault, shortened
from jobcontrol_server.rpc.validation.constraints import CONSTRAINTS
from jobcontrol_server.rpc.validation.served import NOT_YET

PACKAGE = "jobcontrol.v1"
#: Faults told of one field, and characters of a place within it: an answer's trailers hold 8 KiB.
MOST_FAULTS, MOST_PLACE = 5, 120


def violations(request: Message) -> list[Violation]:
    """All that is wrong with `request`, by field path in proto names; a field with many faults tells the first ones."""
    return list(_violations(request, ""))


def not_yet(request: Message) -> str | None:
    """The first field that `request` sets and this version does not serve, with its value if others are served."""
    for field, value in request.ListFields():
        refused = NOT_YET.get((request.DESCRIPTOR.name, field.name))
        if refused is None or (refused and value not in refused):
            continue
        return f"{field.name}={_value_name(field, value)}" if refused else field.name
    return None


def _violations(message: Message, path: str) -> Iterator[Violation]:
    present = {field.name: value for field, value in message.ListFields()}
    for name, constraint in _BY_MESSAGE[message.DESCRIPTOR.name].items():
        if name in present:
            yield from _faults_of(constraint, present[name], message, path + name)
        elif constraint.lacks(message):
            yield Violation(path + name, constraint.missing)
    for name, value in present.items():
        for place, part in _parts(value):
            if part.DESCRIPTOR.file.package == PACKAGE:
                yield from _violations(part, f"{path}{name}{place}.")


def _parts(value: Any) -> Iterator[tuple[str, Message]]:
    """The messages in a field, each with its place: a list of them is looked at one by one."""
    if isinstance(value, Message):
        yield "", value
    elif not isinstance(value, str | bytes | Mapping) and isinstance(value, Sequence):
        yield from ((f"[{index}]", part) for index, part in enumerate(value) if isinstance(part, Message))


def _faults_of(constraint: Constraint, value: object, message: Message, path: str) -> Iterator[Violation]:
    faults: Iterator[Fault] = (fault for check in constraint.checks for fault in check(value, message))
    for fault in islice(faults, MOST_FAULTS):
        yield Violation(path + shortened(fault.place, MOST_PLACE), fault.description)
    if rest := sum(1 for _ in faults):
        yield Violation(path, f"and {rest} more like these")


def _value_name(field: FieldDescriptor, value: int) -> str:
    enum = field.enum_type
    assert enum is not None, f"{field.name} has single values in NOT_YET and is no enum"
    return str(enum.values_by_number[value].name)


def _grouped() -> Mapping[str, Mapping[str, Constraint]]:
    grouped: dict[str, dict[str, Constraint]] = defaultdict(dict)
    for (message, field), constraint in CONSTRAINTS.items():
        grouped[message][field] = constraint
    return grouped


_BY_MESSAGE = _grouped()
