"""The settled part of the contract, as facts that a person can read in a diff.

proto/FINAL names the RPCs whose contract is settled, and below them every fact that callers of
those RPCs rely on: signatures, routes, and all fields and enum values that their messages reach.
A fact that is written there must hold for ever; `write_settled` only ever adds.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.api import annotations_pb2
from google.api.http_pb2 import HttpRule
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

HEAD = """\
# The settled part of the contract. Every line holds for ever: proto/ may add to it, but `make check`
# fails when a line here does not hold any more. To settle an RPC, add its `rpc` line and run
# `make proto-release`, which adds the facts that follow from it and never removes one.
"""
PACKAGE_PREFIX = ".jobcontrol.v1."
SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in FieldDescriptorProto.Type.items()}


@dataclass(frozen=True, slots=True)
class Settled:
    """What proto/FINAL says: its facts, in its order."""

    facts: tuple[str, ...]

    @property
    def rpcs(self) -> frozenset[str]:
        """Names of the RPCs that are settled."""
        return frozenset(fact.split()[1].split("(")[0] for fact in self.facts if fact.startswith("rpc "))


def read_settled(path: Path) -> Settled:
    lines = (line.strip() for line in path.read_text().splitlines())
    return Settled(tuple(line for line in lines if line and not line.startswith("#")))


def write_settled(path: Path, facts: Iterable[str]) -> None:
    """Write `facts` and whatever the file already held, sorted by subject."""
    kept = read_settled(path).facts
    everything = sorted({*kept, *facts}, key=_order)
    path.write_text(HEAD + "\n" + "".join(f"{fact}\n" for fact in everything))


def facts_of(contract: FileDescriptorSet, rpcs: frozenset[str]) -> list[str]:
    """All facts that callers of `rpcs` rely on, sorted by subject."""
    methods = [
        method for file in contract.file for service in file.service for method in service.method if method.name in rpcs
    ]
    facts = {fact for method in methods for fact in _method_facts(method)}
    reached = _reach(_types(contract), [name for method in methods for name in (method.input_type, method.output_type)])
    return sorted(facts.union(*(_type_facts(reached_type) for reached_type in reached)), key=_order)


Type = DescriptorProto | EnumDescriptorProto


def _types(contract: FileDescriptorSet) -> dict[str, Type]:
    """Every message and enum of ours by its full name, map entries included."""
    types: dict[str, Type] = {}
    for file in contract.file:
        types.update((PACKAGE_PREFIX + enum.name, enum) for enum in file.enum_type)
        for message in file.message_type:
            types[PACKAGE_PREFIX + message.name] = message
            types.update((f"{PACKAGE_PREFIX}{message.name}.{entry.name}", entry) for entry in message.nested_type)
    return types


def _reach(types: dict[str, Type], roots: Sequence[str]) -> list[Type]:
    """The types of ours that can occur within messages of the types `roots`."""
    found: dict[str, Type] = {}
    open_names = list(roots)
    while open_names:
        name = open_names.pop()
        kind = types.get(name)
        if kind is None or name in found:
            continue
        found[name] = kind
        if isinstance(kind, DescriptorProto):
            open_names += [field.type_name for field in kind.field if field.type_name]
    return list(found.values())


def _method_facts(method: MethodDescriptorProto) -> Iterator[str]:
    returned = ("stream " if method.server_streaming else "") + _short(method.output_type)
    yield f"rpc {method.name}({_short(method.input_type)}) returns ({returned})"
    yield from (f"route {method.name} {route}" for route in routes_of(method))


def routes_of(method: MethodDescriptorProto) -> Iterator[str]:
    """Its bindings to HTTP, the first of them the preferred one."""
    rule = method.options.Extensions[annotations_pb2.http]
    yield from (_route(binding) for binding in (rule, *rule.additional_bindings))


def _route(rule: HttpRule) -> str:
    verb = rule.WhichOneof("pattern") or ""
    body = f" body={rule.body}" if rule.body else ""
    response = f" response_body={rule.response_body}" if rule.response_body else ""
    return f"{verb.upper()} {getattr(rule, verb)}{body}{response}"


def _type_facts(kind: Type) -> Iterator[str]:
    if isinstance(kind, EnumDescriptorProto):
        yield from (f"value {kind.name} {value.number} {value.name}" for value in kind.value)
    else:
        yield from (f"field {kind.name} {field.number} {_field(kind, field)}" for field in kind.field)


def _field(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    label = "repeated " if field.label == FieldDescriptorProto.LABEL_REPEATED else ""
    if field.proto3_optional:
        label = "optional "
    elif field.HasField("oneof_index"):
        label = f"oneof {message.oneof_decl[field.oneof_index].name} "
    return f"{label}{_short(field.type_name) or SCALARS[field.type]} {field.name}"


def _short(type_name: str) -> str:
    return type_name.removeprefix(PACKAGE_PREFIX).removeprefix(".")


def _order(fact: str) -> tuple[int, str, int, str]:
    """RPCs and their routes first, then fields and values, each by number."""
    kind, subject, number, *_ = (*fact.split(), "")
    place = ["rpc", "route", "field", "value"].index(kind)
    return place, subject, int(number) if number.isdigit() else 0, fact
