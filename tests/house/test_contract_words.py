"""The comments of the contract say what the server does: constraints, what is not served, errors, routes."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import MethodDescriptorProto

from house.contract_source import contract, field_comments, reached_messages, rpc_comments, value_comments
from house.source_tree import ROOT
from jobcontrol import v1 as pb
from jobcontrol_server.rpc.validation import CONSTRAINTS, NOT_YET, SERVED

NOT_SERVED = "Not served yet: UNIMPLEMENTED/NOT_IMPLEMENTED."
VARIABLE = re.compile(r"{(\w+)(?:=[^}]*)?}")


def test_every_validation_line_of_a_served_request_has_a_row_and_every_row_a_line() -> None:
    lines = {field for field, comment in served_fields().items() if "Validation:" in comment}
    assert lines == set(CONSTRAINTS)


def test_a_required_field_is_required_in_comment_and_table_alike() -> None:
    said = {field for field, comment in served_fields().items() if "Validation: required" in comment}
    assert said == {field for field, constraint in CONSTRAINTS.items() if constraint.missing}


def test_every_field_or_value_that_is_not_served_yet_is_marked_and_refused() -> None:
    marked_fields = {field for field, comment in served_fields().items() if NOT_SERVED in comment}
    assert marked_fields == {field for field, values in NOT_YET.items() if not values}
    marked_values = {value for (_, value), comment in value_comments().items() if NOT_SERVED in comment}
    refused = {
        value_name(message, field, number) for (message, field), numbers in NOT_YET.items() for number in numbers
    }
    assert marked_values == refused


def test_the_rpcs_that_are_served_are_those_without_a_mark_and_those_that_are_settled() -> None:
    assert {rpc for rpc, comment in rpc_comments().items() if NOT_SERVED not in comment} == SERVED
    settled = (ROOT / "proto/FINAL").read_text().splitlines()
    assert {line.split()[1].split("(")[0] for line in settled if line.startswith("rpc ")} == SERVED


def test_every_rpc_tells_its_errors() -> None:
    assert [rpc for rpc, comment in rpc_comments().items() if "\n Errors:" not in comment] == []


def test_every_rpc_has_its_own_request_and_response() -> None:
    pairs = {(rpc.name, *(name.rsplit(".", 1)[-1] for name in (rpc.input_type, rpc.output_type))) for rpc in methods()}
    assert pairs == {(rpc.name, f"{rpc.name}Request", f"{rpc.name}Response") for rpc in methods()}


def test_every_variable_and_body_of_a_route_is_a_field() -> None:
    for rpc in methods():
        asked, answered = (
            set(getattr(pb, f"{rpc.name}{end}").DESCRIPTOR.fields_by_name) for end in ("Request", "Response")
        )
        for _, path, rule in routes(rpc):
            assert {*VARIABLE.findall(path), *({rule.body} - {"", "*"})} <= asked, f"{rpc.name} {path}"
            assert {rule.response_body} - {""} <= answered, f"{rpc.name} {path}"


def test_no_two_routes_are_the_same() -> None:
    shapes = Counter((verb, VARIABLE.sub("*", path)) for rpc in methods() for verb, path, _ in routes(rpc))
    assert [route for route, count in shapes.items() if count > 1] == []


def test_every_rpc_about_one_job_has_a_route_with_and_one_without_a_version() -> None:
    for rpc in methods():
        paths = [path for _, path, _ in routes(rpc) if "{job_id}" in path]
        assert not paths or {path.startswith("/v1/") for path in paths} == {True, False}, rpc.name


def served_fields() -> dict[tuple[str, str], str]:
    """Comments of the fields that requests of served RPCs reach."""
    reached = reached_messages(SERVED)
    return {field: comment for field, comment in field_comments().items() if field[0] in reached}


def value_name(message: str, field: str, number: int) -> str:
    enum = getattr(pb, message).DESCRIPTOR.fields_by_name[field].enum_type
    name: str = enum.values_by_number[number].name
    return name


def methods() -> list[MethodDescriptorProto]:
    return [method for file in contract().file for service in file.service for method in service.method]


def routes(rpc: MethodDescriptorProto) -> Iterator[tuple[str, str, annotations_pb2.http_pb2.HttpRule]]:
    """Verb, path and rule of every route of `rpc`."""
    rule = rpc.options.Extensions[annotations_pb2.http]
    for binding in (rule, *rule.additional_bindings):
        verb = binding.WhichOneof("pattern")
        yield verb, getattr(binding, verb), binding
