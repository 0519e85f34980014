"""The OpenAPI document of our API: valid, complete both ways, in the words of proto/, under names that stay."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from jobcontrol_server.gateway.bindings import bindings_of
from jobcontrol_server.rest.contract import SERVICES
from jobcontrol_server.rest.document import rest_document

Operation = dict[str, Any]
#: Operation, method and path of every route there has been. A line may be added, none may change.
SETTLED = Path(__file__).with_name("operation_ids.txt")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return rest_document(needs_token=False)


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, Operation]]:
    """Method, path and operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield method.upper(), path, operation


@pytest.mark.parametrize("needs_token", [False, True])
def test_the_document_is_valid(needs_token: bool) -> None:
    assert list(OpenAPIV31SpecValidator(rest_document(needs_token=needs_token)).iter_errors()) == []


def test_every_binding_has_one_operation_and_every_operation_a_binding(document: dict[str, Any]) -> None:
    bound = Counter((binding.http_method, binding.method.path[1:]) for binding in bindings_of(SERVICES))
    assert Counter((method, operation["x-rpc"]) for method, _, operation in operations(document)) == bound


def test_the_paths_are_those_of_the_contract(document: dict[str, Any]) -> None:
    written = {binding.template.text.replace("=**", "") for binding in bindings_of(SERVICES)}
    assert document["paths"].keys() == written


def test_the_names_of_operations_stay(document: dict[str, Any]) -> None:
    named = {f"{operation['operationId']} {method} {path}" for method, path, operation in operations(document)}
    settled = set(SETTLED.read_text().splitlines())
    assert settled - named == set(), "these are called by name: take the change back"
    assert named - settled == set(), f"add these to {SETTLED.name}"


def test_every_operation_has_its_summary_and_the_errors_of_its_comment(document: dict[str, Any]) -> None:
    for _, _, operation in operations(document):
        assert operation["summary"], operation["operationId"]
        assert "Errors: " in operation["description"], operation["operationId"]


def test_every_property_and_parameter_of_ours_is_described(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"].items()
    fields = [(name, field, schema) for name, held in schemas for field, schema in held.get("properties", {}).items()]
    parameters = [
        (operation["operationId"], parameter["name"], parameter)
        for _, _, operation in operations(document)
        for parameter in operation.get("parameters", ())
    ]
    assert fields
    assert parameters
    assert [(owner, name) for owner, name, told in [*fields, *parameters] if not told.get("description")] == []


def test_a_bearer_token_is_asked_for_where_the_server_has_one(document: dict[str, Any]) -> None:
    assert "security" not in document
    secured = rest_document(needs_token=True)
    assert secured["security"] == [{"bearer": []}]
    assert secured["components"]["securitySchemes"]["bearer"] == {"type": "http", "scheme": "bearer"}


def test_a_watch_can_be_read_as_lines_and_as_events_and_resumed(document: dict[str, Any]) -> None:
    watch = document["paths"]["/v1/jobs/{job_id}:watch"]["get"]
    assert list(watch["responses"]["200"]["content"]) == ["application/x-ndjson", "text/event-stream"]
    assert "204" in watch["responses"]
    assert {"afterSequence", "Last-Event-ID"} <= {parameter["name"] for parameter in watch["parameters"]}


def test_a_result_comes_as_its_own_bytes(document: dict[str, Any]) -> None:
    answer = document["paths"]["/v1/jobs/{job_id}/result"]["get"]["responses"]["200"]
    assert answer["content"] == {"*/*": {}}


def test_the_document_is_json_and_the_same_every_time(document: dict[str, Any]) -> None:
    assert json.dumps(document) == json.dumps(rest_document(needs_token=False))
