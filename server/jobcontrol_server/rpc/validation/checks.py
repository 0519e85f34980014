"""The kinds of constraint that fields have: each makes a check, which tells what is wrong with a value."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message

_CONTROL = r"\u0000-\u001f\u007f-\u009f"
_CONTROL_BUT_LINES = r"\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f"
CONTROL = re.compile(f"[{_CONTROL}]")
CONTROL_BUT_LINES = re.compile(f"[{_CONTROL_BUT_LINES}]")
MAX_DURATION = 315_576_000_000


def is_set(message: Message, name: str) -> bool:
    """Whether the field of this name has a value other than its default, or is a message that is there."""
    return any(field.name == name for field, _ in message.ListFields())


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong, and where within the field: empty, `[3]`, `[key]` or `.key[0]`."""

    description: str
    place: str = ""


#: Looks at a value that is set, and at the message that holds it.
Faults = Callable[[Any, Any], Iterator[Fault]]


@dataclass(frozen=True, slots=True)
class Check:
    """What is wrong with a value, and the same as JSON Schema, as far as that can say it of one value by itself."""

    faults: Faults
    schema: Mapping[str, Any]

    def __call__(self, value: Any, message: Any) -> Iterator[Fault]:
        return self.faults(value, message)


def told_by(**schema: Any) -> Callable[[Faults], Check]:
    """Make a check of a function, told by these keywords of JSON Schema."""
    return lambda faults: Check(faults, schema)


@dataclass(frozen=True, slots=True)
class Constraint:
    """What one field must satisfy. `missing` is said when it is unset; empty means that it may be.

    A field may also be unset while the field named `unless` is set.
    """

    checks: tuple[Check, ...] = ()
    missing: str = ""
    unless: str = ""

    def lacks(self, message: Message) -> bool:
        """Whether `message`, in which this field is unset, needs it."""
        return bool(self.missing) and not (self.unless and is_set(message, self.unless))


def optional(*checks: Check) -> Constraint:
    return Constraint(checks)


def required(*checks: Check) -> Constraint:
    return Constraint(checks, "is required")


def text(most: int, *, lines: bool = False) -> Check:
    """At most `most` characters, none of them a control character; with `lines`, but line breaks and tabs."""
    forbidden = CONTROL_BUT_LINES if lines else CONTROL
    exception = " other than line breaks and tabs" if lines else ""

    @told_by(maxLength=most, pattern=f"^[^{_CONTROL_BUT_LINES if lines else _CONTROL}]*$")
    def check(value: str, _: Message) -> Iterator[Fault]:
        yield from _too_long(value, most)
        if forbidden.search(value):
            yield Fault(f"must not hold control characters{exception}")

    return check


def length(most: int) -> Check:
    """At most `most` characters of any kind."""
    return told_by(maxLength=most)(lambda value, _: _too_long(value, most))


def matching(pattern: str, words: str) -> Check:
    """The whole value matches `pattern`, which `words` describe."""
    compiled = re.compile(pattern)

    @told_by(pattern=f"^{pattern}$")
    def check(value: str, _: Message) -> Iterator[Fault]:
        if not compiled.fullmatch(value):
            yield Fault(f"must be {words}")

    return check


@told_by(pattern=r"\S")
def not_blank(value: str, _: Message) -> Iterator[Fault]:
    if not value.strip():
        yield Fault("must not be blank")


def between(least: float, most: float) -> Check:
    """A finite number from `least` to `most`."""

    @told_by(minimum=least, maximum=most)
    def check(value: float, _: Message) -> Iterator[Fault]:
        if not (math.isfinite(value) and least <= value <= most):
            yield Fault(f"must be {least:g} to {most:g}")

    return check


@told_by(minimum=0)
def not_negative(value: int, _: Message) -> Iterator[Fault]:
    if value < 0:
        yield Fault("must not be negative")


def lasting(least: timedelta | None = None, most: timedelta | None = None) -> Check:
    """A well-formed duration within these bounds, not negative if there is none below."""
    lowest = least or timedelta(0)

    @told_by(pattern=r"^[0-9]{1,11}(?:\.[0-9]{1,9})?s$")
    def check(value: Duration, _: Message) -> Iterator[Fault]:
        if not _is_well_formed(value):
            yield Fault("is not a duration: seconds and nanos must have one sign and be in range")
        elif _nanos(value) < lowest // timedelta(microseconds=1) * 1000:
            yield Fault("must not be negative" if not lowest else f"must be at least {lowest.total_seconds():g}s")
        elif most is not None and _nanos(value) > most // timedelta(microseconds=1) * 1000:
            yield Fault(f"must be at most {most.total_seconds():g}s")

    return check


def known(enum: EnumDescriptor) -> Check:
    """A value that `enum` has a name for."""

    @told_by()
    def check(value: int, _: Message) -> Iterator[Fault]:
        if value not in enum.values_by_number:
            yield Fault(f"{value} is no {enum.name}")

    return check


def each_known(enum: EnumDescriptor, most: int) -> Check:
    """At most `most` values that `enum` has a name for, UNSPECIFIED not among them."""

    @told_by(maxItems=most, items={"not": {"const": enum.values_by_number[0].name}})
    def check(values: Iterable[int], message: Message) -> Iterator[Fault]:
        listed = list(values)
        yield from _too_many(listed, most)
        for index, value in enumerate(listed):
            if value == 0 or value not in enum.values_by_number:
                what = "UNSPECIFIED" if value == 0 else str(value)
                yield Fault(f"{what} is no {enum.name} to look for", f"[{index}]")

    return check


def paths_of(message: Descriptor) -> Check:
    """A mask of fields that `message` has."""
    names = [field.name for field in message.fields]
    either = "|".join(field.json_name for field in message.fields)

    @told_by(pattern=f"^(?:(?:{either})(?:,(?:{either}))*)?$")
    def check(mask: FieldMask, _: Message) -> Iterator[Fault]:
        for index, path in enumerate(mask.paths):
            if path not in names:
                yield Fault(f"{shortened(path)} is none of {', '.join(names)}", f".paths[{index}]")

    return check


def at_most(most: int) -> Check:
    """At most `most` entries."""
    return told_by(maxItems=most)(lambda values, _: _too_many(values, most))


def each(check: Check) -> Check:
    """Every entry passes `check`."""

    @told_by(items=check.schema)
    def check_each(values: Iterable[Any], message: Message) -> Iterator[Fault]:
        for index, value in enumerate(values):
            for fault in check(value, message):
                yield Fault(fault.description, f"[{index}]{fault.place}")

    return check_each


@told_by(minProperties=1)
def any_condition(value: Message, _: Message) -> Iterator[Fault]:
    """A filter that filters: at least one of its fields holds something."""
    if not any(not isinstance(part, Message) or part.ListFields() for _, part in value.ListFields()):
        yield Fault("must hold at least one condition")


def labels(most: int, value_bytes: int) -> Check:
    """At most `most` labels with keys for filters and short values."""
    key = "[a-z][a-z0-9_.-]{0,62}"
    key_pattern = re.compile(key)
    value_schema = {"maxLength": value_bytes, "pattern": f"^[^{_CONTROL}]*$"}

    @told_by(maxProperties=most, propertyNames={"pattern": f"^{key}$"}, additionalProperties=value_schema)
    def check(values: Mapping[str, str], _: Message) -> Iterator[Fault]:
        yield from _too_many(values, most)
        for key, value in sorted(values.items()):
            place = f"[{shortened(key)}]"
            if not key_pattern.fullmatch(key):
                yield Fault("the key must match ^[a-z][a-z0-9_.-]{0,62}$", place)
            if len(value.encode()) > value_bytes:
                yield Fault(f"must be at most {value_bytes} bytes", place)
            if CONTROL.search(value):
                yield Fault("must not hold control characters", place)

    return check


def alone(*others: str) -> Check:
    """None of the fields `others` of the same message is set."""

    @told_by()
    def check(_: object, message: Message) -> Iterator[Fault]:
        if given := [name for name in others if is_set(message, name)]:
            yield Fault(f"must not be set together with {' or '.join(given)}")

    return check


def same_if_set(other: str) -> Check:
    """The field `other` of the same message is unset, or has the same value."""

    @told_by()
    def check(value: object, message: Message) -> Iterator[Fault]:
        if getattr(message, other) not in (0, value):
            yield Fault(f"must not differ from {other}: set one of them")

    return check


def not_before(other: str) -> Check:
    """A time or duration that is not less than the field `other` of the same message, if that is set."""

    @told_by()
    def check(value: Any, message: Message) -> Iterator[Fault]:
        if message.HasField(other) and _nanos(value) < _nanos(getattr(message, other)):
            yield Fault(f"must not be less than {other}")

    return check


def shortened(words: str, most: int = 64) -> str:
    """Words that come from a request, fit to be shown in an answer."""
    clean = CONTROL.sub("\N{REPLACEMENT CHARACTER}", words)
    return clean if len(clean) <= most else clean[:most] + "…"


def _too_long(value: str, most: int) -> Iterator[Fault]:
    if len(value) > most:
        yield Fault(f"must be at most {most} characters, not {len(value)}")


def _too_many(values: Any, most: int) -> Iterator[Fault]:
    if len(values) > most:
        yield Fault(f"must be at most {most} entries, not {len(values)}")


def _is_well_formed(value: Duration) -> bool:
    has_one_sign = value.seconds * value.nanos >= 0
    return has_one_sign and abs(value.seconds) <= MAX_DURATION and abs(value.nanos) < 1_000_000_000


def _nanos(value: Any) -> int:
    return int(value.seconds) * 1_000_000_000 + int(value.nanos)
