"""The contract as the house tests read it: its descriptors, and the comments beside them."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    EnumValueDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from house.source_tree import ROOT

Named = FieldDescriptorProto | EnumValueDescriptorProto | MethodDescriptorProto

# Numbers of fields in descriptor.proto, of which the paths of source info are made.
MESSAGE, ENUM, SERVICE, MEMBER = 4, 5, 6, 2


@cache
def contract() -> FileDescriptorSet:
    """The files of proto/, with their comments."""
    with tempfile.TemporaryDirectory() as scratch:
        image = Path(scratch) / "contract.binpb"
        files = [str(path.relative_to(ROOT / "proto")) for path in (ROOT / "proto").rglob("*.proto")]
        protoc = [sys.executable, "-m", "grpc_tools.protoc", "-Iproto", "-Ithird_party/googleapis"]
        command = [*protoc, "--include_source_info", f"--descriptor_set_out={image}", *files]
        subprocess.run(command, cwd=ROOT, check=True)
        return FileDescriptorSet.FromString(image.read_bytes())


@cache
def field_comments() -> dict[tuple[str, str], str]:
    """Comments of fields by (message, field)."""
    return dict(_members(MESSAGE))


@cache
def value_comments() -> dict[tuple[str, str], str]:
    """Comments of enum values by (enum, value)."""
    return dict(_members(ENUM))


@cache
def rpc_comments() -> dict[str, str]:
    """Comments of RPCs by name."""
    return {rpc: comment for (_, rpc), comment in _members(SERVICE)}


@cache
def reached_messages(rpcs: frozenset[str]) -> frozenset[str]:
    """Names of the messages that can occur in requests of `rpcs`."""
    messages = {message.name: message for file in contract().file for message in file.message_type}
    methods = [method for file in contract().file for service in file.service for method in service.method]
    open_names = [method.input_type for method in methods if method.name in rpcs]
    found: set[str] = set()
    while open_names:
        name = open_names.pop().rsplit(".", 1)[-1]
        if name in messages and name not in found:
            found.add(name)
            open_names += [field.type_name for field in messages[name].field]
    return frozenset(found)


def _members(kind: int) -> Iterator[tuple[tuple[str, str], str]]:
    for file in contract().file:
        names = dict(_paths(file, kind))
        for location in file.source_code_info.location:
            if (pair := names.get(tuple(location.path))) is not None:
                yield pair, location.leading_comments


def _paths(file: FileDescriptorProto, kind: int) -> Iterator[tuple[tuple[int, ...], tuple[str, str]]]:
    groups: dict[int, Sequence[tuple[str, Sequence[Named]]]] = {
        MESSAGE: [(message.name, message.field) for message in file.message_type],
        ENUM: [(enum.name, enum.value) for enum in file.enum_type],
        SERVICE: [(service.name, service.method) for service in file.service],
    }
    for index, (holder, members) in enumerate(groups[kind]):
        for number, member in enumerate(members):
            yield (kind, index, MEMBER, number), (holder, member.name)
