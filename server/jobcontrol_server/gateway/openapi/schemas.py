"""The schemas of messages: as components that refer to each other, so that a message may hold its own kind."""

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from enum import Enum
from itertools import combinations
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, EnumDescriptor, EnumValueDescriptor, FieldDescriptor
from google.rpc import status_pb2

from jobcontrol_server.gateway.fields import INTEGERS, descriptor_of, is_map
from jobcontrol_server.gateway.openapi.scalars import Schema, enum_schema, query_schema, scalar_schema, special_schema
from jobcontrol_server.gateway.openapi.words import Words

#: The message that every error is.
STATUS = descriptor_of(status_pb2.Status)


class Way(Enum):
    """Which way a message goes. What is asked may leave out what is answered always, and holds no unknown field."""

    ASKED = "asked"
    ANSWERED = "answered"


class Schemas:
    """The components of one document. Each stands under its name without the package, in full where two share that.

    A message that is both asked and answered has two: the asked one ends in `-Input`.
    """

    def __init__(
        self,
        asked: Iterable[Descriptor],
        answered: Iterable[Descriptor],
        *,
        words: Words,
        constraints: Mapping[str, Mapping[str, Any]],
        left_out: Collection[str] = (),
    ) -> None:
        self._words = words
        self._constraints = constraints
        self._left_out = frozenset(left_out)
        both = {Way.ASKED: _reached(asked), Way.ANSWERED: _reached(answered)}
        self._is_shared = both[Way.ASKED].keys() & both[Way.ANSWERED].keys()
        self._names = _short_names({**both[Way.ASKED], **both[Way.ANSWERED]}.values())
        self.components: dict[str, Schema] = {}

    def of_message(self, message: Descriptor, way: Way) -> Schema:
        """The schema of a message, by reference if it has none that proto3 JSON gives it."""
        special = special_schema(message)
        if special is not None:
            return special
        is_second = way is Way.ASKED and message.full_name in self._is_shared
        name = self._names[message.full_name] + ("-Input" if is_second else "")
        if name not in self.components:
            self.components[name] = {}
            self.components[name] = self.object(message, way)
        return {"$ref": f"#/components/schemas/{name}"}

    def object(self, message: Descriptor, way: Way, *, without: frozenset[str] = frozenset()) -> Schema:
        """The schema of a message itself, but for the fields in `without`."""
        fields = [field for field in self.told_fields(message) if field.name not in without]
        schema: Schema = {"type": "object", **self._words.described(message.full_name)}
        schema["properties"] = {field.json_name: self.of_field(field, way) for field in fields}
        if required := [field.json_name for field in fields if _is_always_there(field, way)]:
            schema["required"] = required
        if message.GetOptions().deprecated:
            schema["deprecated"] = True
        if way is Way.ASKED:
            schema["additionalProperties"] = False
        if pairs := list(_exclusive_pairs(fields)):
            schema["not"] = {"anyOf": [{"required": pair} for pair in pairs]}
        return schema

    def told_fields(self, message: Descriptor) -> list[FieldDescriptor]:
        """The fields of a message that the document tells of."""
        return [field for field in message.fields if field.full_name not in self._left_out]

    def of_field(self, field: FieldDescriptor, way: Way) -> Schema:
        """The schema of a field, with its comment and what is said of its behaviour."""
        schema = {**self._shape(field, way), **self._words.described(field.full_name)}
        if field.GetOptions().deprecated:
            schema["deprecated"] = True
        if way is Way.ASKED:
            behaviour = behaviours(field)
            if field_behavior_pb2.OUTPUT_ONLY in behaviour:
                schema["readOnly"] = True
            if field_behavior_pb2.INPUT_ONLY in behaviour:
                schema["writeOnly"] = True
            schema = merged(schema, self._constraints.get(field.full_name, {}))
        return schema

    def of_text(self, field: FieldDescriptor) -> Schema:
        """The schema of one value of a field where it stands in a path or a query, without its constraints."""
        return self._of_enum(field.enum_type) if field.enum_type is not None else query_schema(field)

    def constraints_of(self, field: FieldDescriptor) -> Schema:
        return dict(self._constraints.get(field.full_name, {}))

    def _shape(self, field: FieldDescriptor, way: Way) -> Schema:
        if is_map(field):
            assert field.message_type is not None, "a map has an entry type"
            key, value = (field.message_type.fields_by_name[name] for name in ("key", "value"))
            return {"type": "object", **_key_schema(key), "additionalProperties": self._single(value, way)}
        single = self._single(field, way)
        return {"type": "array", "items": single} if field.is_repeated else single

    def _single(self, field: FieldDescriptor, way: Way) -> Schema:
        if field.message_type is not None:
            return self.of_message(field.message_type, way)
        return self._of_enum(field.enum_type) if field.enum_type is not None else scalar_schema(field)

    def _of_enum(self, enum: EnumDescriptor) -> Schema:
        values = [value.name for value in enum.values if _full_name(value) not in self._left_out]
        schema = enum_schema(enum, values)
        if "enum" not in schema:
            return schema
        name = self._names[enum.full_name]
        self.components.setdefault(name, {**schema, **self._told(enum, values)})
        return {"$ref": f"#/components/schemas/{name}"}

    def _told(self, enum: EnumDescriptor, values: Iterable[str]) -> Mapping[str, str]:
        texts = [(name, self._words.whole(_full_name(enum.values_by_name[name]))) for name in values]
        lines = [f"- `{name}`: {' '.join(text.split())}" for name, text in texts if text]
        text = "\n".join(filter(None, [self._words.whole(enum.full_name), "\n" * bool(lines) + "\n".join(lines)]))
        return {"description": text} if text else {}


def behaviours(field: FieldDescriptor) -> frozenset[int]:
    """What google.api.field_behavior says of a field."""
    return frozenset(field.GetOptions().Extensions[field_behavior_pb2.field_behavior])


def is_required(field: FieldDescriptor) -> bool:
    return field_behavior_pb2.REQUIRED in behaviours(field)


def merged(schema: Schema, more: Mapping[str, Any]) -> Schema:
    """Both schemas as one; where both have a keyword whose value is a schema, the two become one in turn."""
    joined = {**schema}
    for keyword, value in more.items():
        held = joined.get(keyword)
        joined[keyword] = merged(held, value) if isinstance(held, dict) and isinstance(value, Mapping) else value
    return joined


def _full_name(value: EnumValueDescriptor) -> str:
    # A value is named beside its enum, not within it.
    scope = str(value.type.full_name).rpartition(".")[0]
    return f"{scope}.{value.name}" if scope else str(value.name)


def _is_always_there(field: FieldDescriptor, way: Way) -> bool:
    # Of an answer, whatever has no presence is written out even when it is empty.
    return is_required(field) if way is Way.ASKED else not field.has_presence


def _exclusive_pairs(fields: list[FieldDescriptor]) -> Iterator[list[str]]:
    oneofs: dict[str, list[str]] = {}
    for field in fields:
        if field.containing_oneof is not None:
            oneofs.setdefault(field.containing_oneof.name, []).append(field.json_name)
    for members in oneofs.values():
        yield from map(list, combinations(members, 2))


def _key_schema(key: FieldDescriptor) -> Schema:
    if key.type == FieldDescriptor.TYPE_BOOL:
        return {"propertyNames": {"enum": ["true", "false"]}}
    if key.type in INTEGERS:
        return {"propertyNames": {"pattern": "^-?(?:0|[1-9][0-9]*)$"}}
    return {}


def _reached(roots: Iterable[Descriptor]) -> dict[str, Descriptor | EnumDescriptor]:
    """Every message and enum that can stand in the roots, which are among them, by full name."""
    found: dict[str, Descriptor | EnumDescriptor] = {}
    pending = list(roots)
    while pending:
        message = pending.pop()
        if message.full_name in found or special_schema(message) is not None:
            continue
        found[message.full_name] = message
        for field in message.fields:
            if field.enum_type is not None:
                found[field.enum_type.full_name] = field.enum_type
            elif field.message_type is not None:
                pending.append(field.message_type)
    return found


def _short_names(descriptors: Iterable[Descriptor | EnumDescriptor]) -> dict[str, str]:
    short = {known.full_name: _without_package(known) for known in descriptors}
    shared = Counter(short.values())
    return {full_name: name if shared[name] == 1 else full_name for full_name, name in short.items()}


def _without_package(descriptor: Descriptor | EnumDescriptor) -> str:
    full_name = str(descriptor.full_name)
    return full_name.removeprefix(f"{descriptor.file.package}.") if descriptor.file.package else full_name
