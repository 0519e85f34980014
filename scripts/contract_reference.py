"""docs/reference/api.md: the contract as a page, every call with its messages, in the words of proto/."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from contract_comments import comments_of
from contract_facts import SCALARS, routes_of

HEAD = """\
# The contract

*Made from `proto/` by `make proto`; change it there.*

Every call of `jobcontrol.v1.JobControl` with its messages, then what they share. [Operations](../operations.md#calls)
has a line of grpcurl for each, and the table of all errors.
"""


def reference_page(contract: FileDescriptorSet) -> str:
    """The whole page."""
    return "\n".join(_Reference(contract).lines()) + "\n"


class _Reference:
    def __init__(self, contract: FileDescriptorSet) -> None:
        self._comments = comments_of(contract)
        self._package = contract.file[0].package
        self._messages = {message.name: message for file in contract.file for message in file.message_type}
        self._enums = {enum.name: enum for file in contract.file for enum in file.enum_type}
        self._service = next(service for file in contract.file for service in file.service)
        #: Messages that stand with the call that they belong to.
        self._owners = {
            _short(name): method.name
            for method in self._service.method
            for name in (method.input_type, method.output_type)
        }

    def lines(self) -> Iterator[str]:
        yield HEAD
        yield from self._index()
        yield "## Calls\n"
        yield _prose(self._comments[f"{self._package}.{self._service.name}"])
        for method in self._service.method:
            yield from self._call(method)
        yield "\n## Messages\n"
        for name in sorted(self._messages.keys() - self._owners.keys()):
            yield from self._message(self._messages[name], heading=f"### {name}")
        yield "\n## Enums\n"
        for name in sorted(self._enums):
            yield from self._enum(self._enums[name])

    def _index(self) -> Iterator[str]:
        yield "| call | what for |\n|---|---|"
        for method in self._service.method:
            first = self._comments[self._name(method.name)].partition(".\n")[0].partition(". ")[0]
            yield f"| [{method.name}](#{method.name.lower()}) | {_cell(first.rstrip('.'))} |"
        yield ""

    def _call(self, method: MethodDescriptorProto) -> Iterator[str]:
        yield f"\n### {method.name}\n"
        yield _prose(self._comments[self._name(method.name)])
        yield "\n```text"
        yield from routes_of(method)
        yield "```"
        yield from self._message(self._messages[_short(method.input_type)], heading="**Request**", is_part=True)
        answered = "Response, a stream of messages" if method.server_streaming else "Response"
        answer = self._messages[_short(method.output_type)]
        yield from self._message(answer, heading=f"**{answered}**", is_part=True)

    def _message(self, message: DescriptorProto, *, heading: str, is_part: bool = False) -> Iterator[str]:
        yield f"\n{heading}\n"
        name = f"{self._package}.{message.name}"
        said = self._comments.get(name, "")
        if not (is_part and re.fullmatch(r"(Request|Response) of \w+\.", said)):
            yield f"{_prose(said)}\n"
        if not message.field:
            yield "No fields."
            return
        yield "| field | type | |\n|---|---|---|"
        entries = {entry.name: entry for entry in message.nested_type if entry.options.map_entry}
        for field in message.field:
            said = _cell(self._comments.get(f"{name}.{field.name}", ""))
            yield f"| {field.number} `{field.name}` | {self._type(field, entries, message)} | {said} |"

    def _enum(self, enum: EnumDescriptorProto) -> Iterator[str]:
        yield f"\n### {enum.name}\n"
        yield f"{_prose(self._comments.get(f'{self._package}.{enum.name}', ''))}\n"
        yield "| value | |\n|---|---|"
        for value in enum.value:
            said = _cell(self._comments.get(f"{self._package}.{value.name}", ""))
            yield f"| {value.number} `{value.name}` | {said} |"

    def _type(
        self, field: FieldDescriptorProto, entries: Mapping[str, DescriptorProto], message: DescriptorProto
    ) -> str:
        if entry := entries.get(field.type_name.rpartition(".")[2]):
            return f"map of {self._type(entry.field[0], {}, entry)} to {self._type(entry.field[1], {}, entry)}"
        named = _short(field.type_name)
        word = self._link(named) if named else SCALARS[field.type]
        if field.proto3_optional:
            return f"optional {word}"
        if field.HasField("oneof_index"):
            return f"{word}, one of `{message.oneof_decl[field.oneof_index].name}`"
        return f"list of {word}" if field.label == FieldDescriptorProto.LABEL_REPEATED else word

    def _link(self, name: str) -> str:
        if name not in self._messages and name not in self._enums:
            return name.rpartition(".")[2]
        return f"[{name}](#{self._owners.get(name, name).lower()})"

    def _name(self, method: str) -> str:
        return f"{self._package}.{self._service.name}.{method}"


def _short(type_name: str) -> str:
    return type_name.removeprefix(".jobcontrol.v1.").removeprefix(".")


def _prose(comment: str) -> str:
    """Paragraphs, with what Markdown would take for its own made plain."""
    return plain(re.sub(r"^(Errors|Validation|HTTP|Not served yet):", r"**\1:**", comment, flags=re.MULTILINE), "<[")


def _cell(comment: str) -> str:
    """One line of a table."""
    line = re.sub(r"\\\*(\w+)\\\*", r"*\1*", plain(" ".join(comment.split()), "<[*"))
    return re.sub(r"(Validation|Not served yet|Not filled yet):?", r"*\g<0>*", line).replace("|", "\\|")


def plain(text: str, special: Iterable[str]) -> str:
    """Text whose `special` characters mean nothing to Markdown, but for those in code."""
    parts = text.split("`")
    for index in range(0, len(parts), 2):
        for character in special:
            parts[index] = parts[index].replace(character, f"\\{character}")
    return "`".join(parts)
