"""The small language of job filters: comparisons joined by AND."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from jobcontrol_core.domain.lifecycle import JobStatus

_COMPARISON = re.compile(
    r"""\s*(?P<field>\w+)(?:\.(?P<label>[a-z][a-z0-9_.-]*))?
        \s*(?P<operator><=|>=|!=|=|<|>|:)
        \s*(?P<value>"(?:[^"\\]|\\.)*"|[^\s"()]+)""",
    re.VERBOSE | re.ASCII,
)
_AND = re.compile(r"\s+AND\s+(?=\S)|\s*\Z")
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)
_EQUAL = frozenset({"=", "!="})
_ORDERED = _EQUAL | {"<", "<=", ">", ">="}
#: The largest number that a column of the tables holds.
_LARGEST = 2**31 - 1
_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Comparison:
    """`field` of a job compared with a value of its kind. `label` is set for labels; the operator `:` = has it."""

    field: str
    operator: str
    value: Any
    label: str = ""


def parse_filter(text: str) -> tuple[Comparison, ...]:
    """What `text` asks for; empty asks for nothing. Raises ValueError with words for whoever wrote it."""
    if "\0" in text:
        raise ValueError("must not hold a NUL character")
    found: list[Comparison] = []
    place = 0
    while text[place:].strip():
        match = _COMPARISON.match(text, place)
        if match is None:
            raise ValueError(f"expected FIELD OPERATOR VALUE at {_shown(text[place:])}")
        found.append(_comparison(match))
        joint = _AND.match(text, match.end())
        if joint is None:
            raise ValueError(f"expected AND at {_shown(text[match.end() :])}; there is no OR, NOT or bracket")
        place = joint.end()
    return tuple(found)


def _comparison(match: re.Match[str]) -> Comparison:
    field, label, operator = match["field"], match["label"] or "", match["operator"]
    value = _unquoted(match["value"])
    if field == "labels":
        return _label_comparison(label, operator, value)
    kind = _KINDS.get(field)
    if kind is None or label:
        raise ValueError(f"{_shown(match['field'])} is none of {', '.join(_KINDS)}, labels.KEY")
    if operator not in kind.operators:
        raise ValueError(f"{field} is compared with one of {' '.join(sorted(kind.operators))}, not with {operator}")
    try:
        return Comparison(field, operator, kind.read(value))
    except (KeyError, ValueError, OverflowError):
        raise ValueError(f"{field} is compared with {kind.words}, not with {_shown(value)}") from None


def _label_comparison(label: str, operator: str, value: str) -> Comparison:
    if label and operator in _EQUAL:
        return Comparison("labels", operator, value, label)
    if not label and operator == ":" and re.fullmatch(r"[a-z][a-z0-9_.-]*", value):
        return Comparison("labels", ":", None, value)
    raise ValueError("labels are compared as labels.KEY = VALUE, labels.KEY != VALUE or labels:KEY")


def _unquoted(value: str) -> str:
    return _ESCAPED.sub(r"\1", value[1:-1]) if value.startswith('"') else value


def _status(value: str) -> JobStatus:
    return JobStatus[value.upper().removeprefix("JOB_STATUS_")]


def _number(value: str) -> int:
    if not re.fullmatch(r"-?[0-9]{1,10}", value) or abs(int(value)) > _LARGEST:
        raise ValueError
    return int(value)


def _moment(value: str) -> datetime:
    if re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
        day = date.fromisoformat(value)
        return datetime(day.year, day.month, day.day, tzinfo=UTC)
    moment = datetime.fromisoformat(value)
    if moment.tzinfo is None:
        raise ValueError
    return moment.astimezone(UTC)


def _shown(text: str) -> str:
    clean = "".join(character if character.isprintable() else "�" for character in text.strip())
    return f"{clean[:_SHOWN]}…" if len(clean) > _SHOWN else clean or "the end"


@dataclass(frozen=True, slots=True)
class _Kind:
    """How values of a field are read, what they are in words, and how they may be compared."""

    read: Callable[[str], Any]
    words: str
    operators: frozenset[str]


_TEXT = _Kind(str, "a text", _EQUAL)
_NUMBER = _Kind(_number, "a whole number", _ORDERED)
_MOMENT = _Kind(_moment, "a date, or a time such as 2026-05-01T12:00:00Z", _ORDERED)
_KINDS: Mapping[str, _Kind] = {
    "status": _Kind(_status, f"one of {', '.join(JobStatus).lower()}", _EQUAL),
    "path_id": _TEXT,
    "pipeline": _TEXT,
    "triggered_by": _TEXT,
    "priority": _NUMBER,
    "error_count": _NUMBER,
    "created_at": _MOMENT,
    "completed_at": _MOMENT,
}
