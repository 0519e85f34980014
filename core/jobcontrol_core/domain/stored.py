"""Stored values, read as any release within one minor version of this one may have written them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from enum import StrEnum
from typing import Any, TypeVar

V = TypeVar("V")
E = TypeVar("E", bound=StrEnum)


def from_stored(kind: type[V], stored: Mapping[str, Any], **given: Any) -> V:
    """The dataclass `kind` from an object of stored JSON; `given` takes the place of what is stored.

    What a later release added is ignored. What an earlier one did not know takes its default: a field that is
    added to a stored kind has one.
    """
    known = {field.name: stored[field.name] for field in fields(kind) if field.name in stored}  # type: ignore[arg-type]
    return kind(**(known | given))


def member_or_none(kind: type[E], stored: str | None) -> E | None:
    """The member of `kind` with this value; None for none, and for one that a later release has added.

    For what explains a state. The states themselves are what all releases must agree on: see `lifecycle`.
    """
    # Mostly there is none, and of every step there are two such columns.
    return None if stored is None else next((member for member in kind if member.value == stored), None)
