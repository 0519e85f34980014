"""Bindings as operations: paths without wildcards, parameters, bodies, answers, streams, names that are unique."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway import zoo
from gateway.served import WATCH
from jobcontrol_server.gateway.bindings import bindings_of
from jobcontrol_server.gateway.openapi import openapi_document

Operation = dict[str, Any]
PATHS = {
    ("GET", "/v1/animals/{name}"): ["name"],
    ("GET", "/v1/houses/{name_1}/animals/{name_2}"): ["name_1", "name_2"],
    ("GET", "/v1/rooms/{place.house}/rows/{place.row}"): ["place.house", "place.row"],
    ("PUT", "/v1/animals/{name}"): ["name"],
    ("GET", "/v1/pens/{name}:clean"): ["name"],
    ("GET", "/v1/yards/{segment_1}/gates/{segment_2}"): ["segment_1", "segment_2"],
    ("GET", "/v1/gates/keys/{note}"): ["note"],
    ("GET", "/v1/{name}:audit"): ["name"],
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    comments = {"zoo.v1.Zoo.GetAnimal": "One animal,\nby name.\n\nErrors: NOT_FOUND.", "zoo.v1.Zoo": "The zoo."}
    return openapi_document(
        bindings_of([zoo.SERVICE]),
        title="Zoo",
        version="1",
        comments=comments,
        event_streams={"zoo.v1.Zoo.Watch": WATCH},
        idempotency_field="request_id",
    )


@pytest.fixture
def operations(document: dict[str, Any]) -> dict[tuple[str, str], Operation]:
    """Every operation by method and path."""
    return dict(all_of(document))


def all_of(document: dict[str, Any]) -> Iterator[tuple[tuple[str, str], Operation]]:
    for path, item in document["paths"].items():
        others = item.get("x-additionalOperations", {})
        for method, operation in {**item, **others}.items():
            if method != "x-additionalOperations":
                yield (method.upper(), path), operation


def parameters(operation: Operation, where: str) -> dict[str, Any]:
    return {parameter["name"]: parameter for parameter in operation["parameters"] if parameter["in"] == where}


def content(operation: Operation, status: str = "200") -> dict[str, Any]:
    return operation["responses"][status]["content"]  # type: ignore[no-any-return]


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_binding_has_one_operation(operations: dict[tuple[str, str], Operation]) -> None:
    bound = Counter((binding.http_method, binding.method.path[1:]) for binding in bindings_of([zoo.SERVICE]))
    assert Counter((method, operation["x-rpc"]) for (method, _), operation in operations.items()) == bound


def test_names_are_unique_and_count_the_bindings_of_a_method(operations: dict[tuple[str, str], Operation]) -> None:
    names = [operation["operationId"] for operation in operations.values()]
    assert len(set(names)) == len(names)
    assert operations["GET", "/v1/animals/{name}"]["operationId"] == "Zoo_GetAnimal"
    assert operations["POST", "/v1/animals/{name}/look"]["operationId"] == "Zoo_GetAnimal_5"


@pytest.mark.parametrize("route", PATHS)
def test_each_wildcard_is_a_parameter(operations: dict[tuple[str, str], Operation], route: tuple[str, str]) -> None:
    assert list(parameters(operations[route], "path")) == PATHS[route]
    assert all(parameter["required"] for parameter in parameters(operations[route], "path").values())


def test_a_part_of_a_value_says_what_the_whole_is(operations: dict[tuple[str, str], Operation]) -> None:
    parts = parameters(operations["GET", "/v1/houses/{name_1}/animals/{name_2}"], "path")
    assert parts["name_2"]["description"] == "Fills `name` with `houses/{name_1}/animals/{name_2}`."


def test_what_takes_the_rest_of_a_path_says_that_slashes_are_sent_as_they_are(
    operations: dict[tuple[str, str], Operation],
) -> None:
    rest = parameters(operations["GET", "/v1/{name}:audit"], "path")["name"]
    assert rest["x-segments"] == "**"
    assert "slashes" in rest["description"]


def test_where_one_segment_and_the_rest_meet_the_rest_gives_way(
    operations: dict[tuple[str, str], Operation],
) -> None:
    assert operations["GET", "/v1/pens/{name}"]["x-rpc"] == "zoo.v1.Zoo/Star"
    assert operations["GET", "/v1/pens/{name_rest}"]["x-rpc"] == "zoo.v1.Zoo/Rest"


def test_what_path_and_body_leave_is_in_the_query(operations: dict[tuple[str, str], Operation]) -> None:
    asked = parameters(operations["GET", "/v1/animals/{name}"], "query")
    assert list(asked) == ["place.house", "place.row", "withTags", "mood", "tags", "labels"]
    assert asked["withTags"]["schema"] == {"type": "boolean"}
    assert asked["tags"]["schema"] == {"type": "array", "items": {"type": "string"}}
    assert asked["labels"] | {"required": False} == {
        "name": "labels",
        "in": "query",
        "required": False,
        "style": "deepObject",
        "explode": True,
        "schema": {"type": "object", "additionalProperties": {"type": "string"}},
    }
    beside_body = parameters(operations["POST", "/v1/animals"], "query")
    assert list(beside_body) == ["validateOnly", "requestId", "mask"]


def test_a_query_ends_where_a_message_holds_itself_and_leaves_out_what_no_text_says(
    operations: dict[tuple[str, str], Operation],
) -> None:
    asked = parameters(operations["GET", "/v1/everything"], "query")
    assert {"animal.place.house", "wrappedInt32", "at", "mask"} <= asked.keys()
    assert [
        name for name in asked if name.startswith(("inner.", "children", "free", "parts", "animal.place.within."))
    ] == []


def test_a_whole_body_lacks_what_the_path_holds(operations: dict[tuple[str, str], Operation]) -> None:
    whole = operations["POST", "/v1/animals:import"]["requestBody"]
    assert whole["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/CreateAnimalRequest"}
    assert "requestBody" not in operations["GET", "/v1/animals/{name}"]


@pytest.mark.parametrize(
    ("path", "schema"),
    [
        ("lines", {"type": "array", "items": {"type": "string"}}),
        ("text", {"type": "string"}),
        ("at", {"type": "string", "format": "date-time"}),
        ("everything", {"$ref": "#/components/schemas/Everything-Input"}),
    ],
)
def test_a_body_can_be_one_field(
    operations: dict[tuple[str, str], Operation], path: str, schema: dict[str, Any]
) -> None:
    body = operations["PUT", f"/v1/parts/{{name}}/{path}"]["requestBody"]
    assert body["content"] == {"application/json": {"schema": schema}}


def test_an_answer_can_be_one_field(operations: dict[tuple[str, str], Operation]) -> None:
    listed = content(operations["GET", "/v1/animals"])["application/json"]["schema"]
    assert listed == {"type": "array", "items": {"$ref": "#/components/schemas/Animal"}}
    assert content(operations["GET", "/v1/legs"])["application/json"]["schema"]["type"] == "object"


@pytest.mark.parametrize("path", ["/v1/files/{name}", "/v1/files/{name}:read", "/v1/picture"])
def test_a_body_of_its_own_media_type_is_any_bytes(operations: dict[tuple[str, str], Operation], path: str) -> None:
    assert content(operations["GET", path]) == {"*/*": {}}


def test_a_stream_is_lines_or_events(operations: dict[tuple[str, str], Operation]) -> None:
    for verb in ("watch", "follow"):
        answer = content(operations["GET", f"/v1/animals/{{animal}}:{verb}"])
        assert list(answer) == ["application/x-ndjson", "text/event-stream"]
        line = answer["application/x-ndjson"]["schema"]["oneOf"][0]
        assert line["properties"] == {"result": {"$ref": "#/components/schemas/Event"}}


def test_only_a_stream_that_the_gateway_knows_can_be_resumed(operations: dict[tuple[str, str], Operation]) -> None:
    watch, follow = (operations["GET", f"/v1/animals/{{animal}}:{verb}"] for verb in ("watch", "follow"))
    assert list(parameters(watch, "header")) == ["Last-Event-ID"]
    assert "204" in watch["responses"]
    assert parameters(follow, "header") == {}
    assert "204" not in follow["responses"]


def test_an_idempotency_key_is_told_of_where_a_field_takes_it(operations: dict[tuple[str, str], Operation]) -> None:
    assert list(parameters(operations["POST", "/v1/animals"], "header")) == ["Idempotency-Key"]
    assert parameters(operations["GET", "/v1/animals/{name}"], "header") == {}


def test_every_error_is_a_status(document: dict[str, Any], operations: dict[tuple[str, str], Operation]) -> None:
    responses = document["components"]["responses"]
    for operation in operations.values():
        name = operation["responses"]["default"]["$ref"].rpartition("/")[2]
        assert responses[name]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/Status"}
    assert document["components"]["schemas"]["Status"]["required"] == ["code", "message", "details"]


def test_the_first_paragraph_of_a_comment_is_the_summary(
    document: dict[str, Any], operations: dict[tuple[str, str], Operation]
) -> None:
    told = operations["GET", "/v1/animals/{name}"]
    assert (told["summary"], told["description"]) == ("One animal, by name.", "Errors: NOT_FOUND.")
    assert (document["tags"], told["tags"]) == ([{"name": "Zoo", "description": "The zoo."}], ["Zoo"])


def test_a_method_without_a_place_in_openapi_stands_beside_the_others(document: dict[str, Any]) -> None:
    item = document["paths"]["/v1/animals"]
    assert item["x-additionalOperations"]["REPORT"]["x-rpc"] == "zoo.v1.Zoo/ListAnimals"
