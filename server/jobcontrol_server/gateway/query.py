"""The query of a request, bound to the fields that neither path nor body holds: rules R05 to R07 of docs/rest.md."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from jobcontrol_server.gateway.bindings import WHOLE, Binding
from jobcontrol_server.gateway.failures import FieldRefused, malformed
from jobcontrol_server.gateway.fields import MAX_DEPTH, descriptor_of, field_named, is_map
from jobcontrol_server.gateway.texts import TextInvalid, fill_from_text, is_textual, value_from_text

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_ENTRY = re.compile(r"([^\[\]]+)\[(.*)\]", re.DOTALL)


@dataclass(frozen=True)
class _Target:
    """Where a parameter goes: a field, through the messages that hold it, and a key if the field is a map."""

    fields: tuple[FieldDescriptor, ...]
    key: str | None

    @property
    def path(self) -> str:
        return ".".join(field.name for field in self.fields)

    @property
    def place(self) -> str:
        """What only one value may go to."""
        return self.path if self.key is None else f"{self.path}[{self.key}]"


class _Given:
    """What a query has given so far, of what it can give only once."""

    def __init__(self) -> None:
        self._places: set[str] = set()
        self._members: dict[tuple[str, str], str] = {}

    def note(self, target: _Target, name: str) -> None:
        """Note a parameter. Raises Failure if it was given before, or another member of its oneof was."""
        if not target.fields[-1].is_repeated or target.key is not None:
            if target.place in self._places:
                raise FieldRefused(name, "is given twice")
            self._places.add(target.place)
        for depth, field in enumerate(target.fields):
            oneof = field.containing_oneof
            if oneof is not None:
                held_by = ".".join(known.name for known in target.fields[:depth])
                if self._members.setdefault((held_by, oneof.name), field.name) != field.name:
                    members = ", ".join(member.name for member in oneof.fields)
                    raise FieldRefused(name, f"only one of {members} can be given")


def fill_from_query(message: Message, raw_query: bytes, binding: Binding) -> None:
    """Set the fields of `message` that a query names.

    Raises Failure for what cannot be read, for a value that does not fit, and for a singular field given twice; and,
    unless the method is GET, for a parameter that binds to nothing, or to what the path or the body holds.
    """
    is_lenient = binding.http_method == "GET"
    given = _Given()
    for name, text in _parameters(raw_query):
        target = _target(descriptor_of(message), name)
        if target is None:
            if is_lenient:
                continue
            raise FieldRefused(name, "the request has no such parameter")
        if owner := _owner(binding, target.path):
            if is_lenient:
                continue
            raise FieldRefused(name, f"is taken from the {owner}")
        given.note(target, name)
        _set(message, target, name, text)


def set_text(message: Message, fields: Sequence[FieldDescriptor], text: str) -> None:
    """Set, or append to, the last of the fields, each but the first a field of the one before. Raises TextInvalid."""
    for field in fields[:-1]:
        message = getattr(message, field.name)
    last = fields[-1]
    if last.message_type is not None:
        held = getattr(message, last.name)
        fill_from_text(held.add() if last.is_repeated else held, text)
    elif last.is_repeated:
        getattr(message, last.name).append(value_from_text(last, text))
    else:
        setattr(message, last.name, value_from_text(last, text))


def fields_on(message: Descriptor, path: str) -> tuple[FieldDescriptor, ...] | None:
    """The fields along a dotted path, under either name of each; None if it does not lead through single messages."""
    fields: list[FieldDescriptor] = []
    within: Descriptor | None = message
    for name in path.split("."):
        field = field_named(within, name) if within is not None else None
        if field is None:
            return None
        fields.append(field)
        within = field.message_type if not field.is_repeated else None
    return tuple(fields)


def _parameters(raw_query: bytes) -> Iterator[tuple[str, str]]:
    if _BAD_ESCAPE.search(raw_query):
        raise malformed("the query holds a percent sign without two hexadecimal digits")
    for part in raw_query.split(b"&"):
        if part:
            name, _, text = part.partition(b"=")
            yield _decoded(name), _decoded(text)


def _decoded(raw: bytes) -> str:
    try:
        return unquote_to_bytes(raw.replace(b"+", b" ")).decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed("the query is not UTF-8") from error


def _target(message: Descriptor, name: str) -> _Target | None:
    entry = _ENTRY.fullmatch(name)
    fields = fields_on(message, entry[1] if entry else name)
    if fields is None or is_map(fields[-1]) != (entry is not None):
        return None
    if len(fields) > MAX_DEPTH:
        raise FieldRefused(fields[0].name, f"is nested deeper than {MAX_DEPTH} levels")
    return _Target(fields, entry[2] if entry else None)


def _owner(binding: Binding, path: str) -> str | None:
    if any(_is_within(path, variable.field_path) for variable in binding.template.variables):
        return "path"
    if binding.body is WHOLE:
        return "body"
    if isinstance(binding.body, FieldDescriptor) and _is_within(path, binding.body.name):
        return "body"
    return None


def _is_within(path: str, owner: str) -> bool:
    return path == owner or path.startswith(f"{owner}.")


def _set(message: Message, target: _Target, name: str, text: str) -> None:
    last = target.fields[-1]
    valued = last.message_type.fields_by_name["value"] if target.key is not None and last.message_type else last
    if not is_textual(valued):
        raise FieldRefused(name, "is a message; give its fields one by one")
    try:
        if target.key is None:
            set_text(message, target.fields, text)
        else:
            _set_entry(message, target.fields, target.key, text)
    except TextInvalid as error:
        raise FieldRefused(name, str(error)) from error


def _set_entry(message: Message, fields: Sequence[FieldDescriptor], key_text: str, text: str) -> None:
    for field in fields[:-1]:
        message = getattr(message, field.name)
    entry = fields[-1].message_type
    assert entry is not None, "a map has an entry type"
    entries: Any = getattr(message, fields[-1].name)
    key = value_from_text(entry.fields_by_name["key"], key_text)
    valued = entry.fields_by_name["value"]
    if valued.message_type is not None:
        fill_from_text(entries[key], text)
    else:
        entries[key] = value_from_text(valued, text)
