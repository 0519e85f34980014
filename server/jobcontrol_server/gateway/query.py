"""The query of a request, bound to the fields that neither path nor body holds: rules R05 to R07."""

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
from jobcontrol_server.gateway.matching import BAD_ESCAPE
from jobcontrol_server.gateway.texts import TextInvalid, fill_from_text, is_textual, value_from_text

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
    def place(self) -> tuple[str, Any]:
        """What only one value may go to: a field, or an entry however its key was written. Raises TextInvalid."""
        return self.path, None if self.key is None else value_from_text(_entry_of(self.fields[-1], "key"), self.key)


class _Given:
    """What a query has given so far, of what it can give only once."""

    def __init__(self) -> None:
        self._places: set[tuple[str, Any]] = set()
        self._members: dict[tuple[str, str], str] = {}

    def note(self, target: _Target, name: str) -> None:
        """Note a parameter. Raises Failure if it was given before, or another member of its oneof was.

        Raises TextInvalid for a key that its map cannot have.
        """
        if not target.fields[-1].is_repeated or target.key is not None:
            place = target.place
            if place in self._places:
                raise FieldRefused(name, "is given twice")
            self._places.add(place)
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
        if owner := _owner(binding, target):
            if is_lenient:
                continue
            raise FieldRefused(name, f"is taken from the {owner}")
        try:
            given.note(target, name)
            _set(message, target, name, text)
        except TextInvalid as error:
            raise FieldRefused(name, str(error)) from error


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
    if BAD_ESCAPE.search(raw_query):
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


def _owner(binding: Binding, target: _Target) -> str | None:
    request = descriptor_of(binding.method.request)
    bound = (fields_on(request, variable.field_path) for variable in binding.template.variables)
    if any(_would_replace(target.fields, fields) for fields in bound if fields is not None):
        return "path"
    if binding.body is WHOLE:
        return "body"
    if isinstance(binding.body, FieldDescriptor) and _would_replace(target.fields, (binding.body,)):
        return "body"
    return None


def _would_replace(fields: Sequence[FieldDescriptor], bound: Sequence[FieldDescriptor]) -> bool:
    """Whether one path of fields leads to, or into, what the other binds; members of a oneof replace each other."""
    for field, taken in zip(fields, bound, strict=False):
        if field.name != taken.name:
            return taken.containing_oneof is not None and field in taken.containing_oneof.fields
    return True


def _set(message: Message, target: _Target, name: str, text: str) -> None:
    last = target.fields[-1]
    if not is_textual(last if target.key is None else _entry_of(last, "value")):
        raise FieldRefused(name, "is a message; give its fields one by one")
    if target.key is None:
        set_text(message, target.fields, text)
    else:
        _set_entry(message, target.fields, target.key, text)


def _set_entry(message: Message, fields: Sequence[FieldDescriptor], key_text: str, text: str) -> None:
    for field in fields[:-1]:
        message = getattr(message, field.name)
    entries: Any = getattr(message, fields[-1].name)
    key, valued = value_from_text(_entry_of(fields[-1], "key"), key_text), _entry_of(fields[-1], "value")
    if valued.message_type is not None:
        fill_from_text(entries[key], text)
    else:
        entries[key] = value_from_text(valued, text)


def _entry_of(field: FieldDescriptor, part: str) -> FieldDescriptor:
    """The key, or the value, of a map's entries."""
    assert field.message_type is not None, "a map has an entry type"
    return field.message_type.fields_by_name[part]
