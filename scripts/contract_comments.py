"""The comments of proto/, which descriptors at run time do not carry, as the server's document tells them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
)

# Numbers of fields in descriptor.proto, of which the paths of source info are made.
FILE_MESSAGE, FILE_ENUM, FILE_SERVICE = 4, 5, 6
MESSAGE_FIELD, MESSAGE_MESSAGE, MESSAGE_ENUM = 2, 3, 4
ENUM_VALUE = SERVICE_METHOD = 2

Place = tuple[int, ...]


def comments_json(contract: FileDescriptorSet) -> str:
    """Every comment by the full name of what it stands at, sorted, so that a change shows as one line."""
    return json.dumps(comments_of(contract), indent=0, sort_keys=True, ensure_ascii=False) + "\n"


def comments_of(contract: FileDescriptorSet) -> dict[str, str]:
    """Every comment by the full name of what it stands at."""
    return {name: text for file in contract.file for name, text in _comments(file)}


def _comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    names = dict(_places(file))
    for location in file.source_code_info.location:
        name = names.get(tuple(location.path))
        if name is not None and location.leading_comments.strip():
            yield name, _text(location.leading_comments)


def _text(comment: str) -> str:
    return "\n".join(line.removeprefix(" ").rstrip() for line in comment.splitlines()).strip()


def _places(file: FileDescriptorProto) -> Iterator[tuple[Place, str]]:
    """Where each thing stands in the file, with its full name."""
    for index, message in enumerate(file.message_type):
        yield from _of_message(message, (FILE_MESSAGE, index), file.package)
    for index, enum in enumerate(file.enum_type):
        yield from _of_enum(enum, (FILE_ENUM, index), file.package)
    for index, service in enumerate(file.service):
        place, name = (FILE_SERVICE, index), f"{file.package}.{service.name}"
        yield place, name
        for number, method in enumerate(service.method):
            yield (*place, SERVICE_METHOD, number), f"{name}.{method.name}"


def _of_message(message: DescriptorProto, place: Place, scope: str) -> Iterator[tuple[Place, str]]:
    name = f"{scope}.{message.name}"
    yield place, name
    for number, field in enumerate(message.field):
        yield (*place, MESSAGE_FIELD, number), f"{name}.{field.name}"
    for number, nested in enumerate(message.nested_type):
        yield from _of_message(nested, (*place, MESSAGE_MESSAGE, number), name)
    for number, enum in enumerate(message.enum_type):
        yield from _of_enum(enum, (*place, MESSAGE_ENUM, number), name)


def _of_enum(enum: EnumDescriptorProto, place: Place, scope: str) -> Iterator[tuple[Place, str]]:
    yield place, f"{scope}.{enum.name}"
    for number, value in enumerate(enum.value):
        # A value is named beside its enum, not within it.
        yield (*place, ENUM_VALUE, number), f"{scope}.{value.name}"
