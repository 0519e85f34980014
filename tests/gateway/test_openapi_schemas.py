"""Messages as JSON Schemas: every kind of field in its canonical form, asked strictly and answered in full."""

from typing import Any

import pytest

from gateway import zoo
from jobcontrol_server.gateway.bindings import bindings_of
from jobcontrol_server.gateway.openapi import openapi_document
from jobcontrol_server.gateway.openapi.scalars import BASE64

INT32 = {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1}
UINT32 = {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 2**32 - 1}
INT64 = {"type": "string", "format": "int64", "pattern": "^(?:0|-?[1-9][0-9]{0,18})$"}
UINT64 = {"type": "string", "format": "uint64", "pattern": "^(?:0|[1-9][0-9]{0,19})$"}
BYTES = {"type": "string", "contentEncoding": "base64", "pattern": BASE64}
INFINITE = {"enum": ["NaN", "Infinity", "-Infinity"]}
DOUBLE = {"anyOf": [{"type": "number", "format": "double"}, INFINITE]}
TEXT = {"type": "string"}
TIME = {"type": "string", "format": "date-time"}
MOOD = {"$ref": "#/components/schemas/Mood"}
INNER = {"$ref": "#/components/schemas/Everything"}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    return {**schema, "type": [schema["type"], "null"]}


FIELDS: dict[str, dict[str, Any]] = {
    "aDouble": DOUBLE,
    "anInt32": INT32,
    "aSint32": INT32,
    "aSfixed32": INT32,
    "aUint32": UINT32,
    "aFixed32": UINT32,
    "anInt64": INT64,
    "aSint64": INT64,
    "aSfixed64": INT64,
    "aUint64": UINT64,
    "aFixed64": UINT64,
    "aBool": {"type": "boolean"},
    "aString": TEXT,
    "someBytes": BYTES,
    "mood": MOOD,
    "diet": {"$ref": "#/components/schemas/Everything.Diet"},
    "strange-name": TEXT,
    "maybeInt64": INT64,
    "doubles": {"type": "array", "items": DOUBLE},
    "moods": {"type": "array", "items": MOOD},
    "times": {"type": "array", "items": TIME},
    "wrappedInt32": or_null(INT32),
    "wrappedUint64": or_null(UINT64),
    "wrappedBool": {"type": ["boolean", "null"]},
    "wrappedString": {"type": ["string", "null"]},
    "wrappedBytes": or_null(BYTES),
    "wrappedDouble": {"anyOf": [*DOUBLE["anyOf"], {"type": "null"}]},
    "labels": {"type": "object", "additionalProperties": TEXT},
    "byNumber": {
        "type": "object",
        "propertyNames": {"pattern": "^-?(?:0|[1-9][0-9]*)$"},
        "additionalProperties": TEXT,
    },
    "byFlag": {"type": "object", "propertyNames": {"enum": ["true", "false"]}, "additionalProperties": TEXT},
    "amounts": {"type": "object", "additionalProperties": INT64},
    "parts": {"type": "object", "additionalProperties": INNER},
    "inner": INNER,
    "children": {"type": "array", "items": INNER},
    "at": TIME,
    "free": {"type": "object", "additionalProperties": True},
    "value": {},
    "list": {"type": "array", "items": {}},
    "nothing": {"$ref": "#/components/schemas/Empty"},
}
ALWAYS_THERE = {"aDouble", "anInt64", "aString", "someBytes", "mood", "moods", "labels", "parts", "children"}
MAYBE_THERE = {
    "maybeInt32",
    "maybeString",
    "wrappedBool",
    "word",
    "number",
    "animal",
    "inner",
    "at",
    "value",
    "nothing",
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    return document()["components"]["schemas"]  # type: ignore[no-any-return]


def document(**options: Any) -> dict[str, Any]:
    return openapi_document(bindings_of([zoo.SERVICE]), title="Zoo", version="1", **{"comments": {}, **options})


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_has_its_canonical_form(schemas: dict[str, Any], field: str) -> None:
    assert schemas["Everything"]["properties"][field] == FIELDS[field]


def test_an_enum_is_its_names(schemas: dict[str, Any]) -> None:
    assert schemas["Mood"] == {"type": "string", "enum": ["MOOD_UNSPECIFIED", "MOOD_CALM", "MOOD_VERY_ANGRY"]}


def test_the_special_forms_are_told_by_pattern(schemas: dict[str, Any]) -> None:
    properties = schemas["Everything"]["properties"]
    assert properties["span"]["pattern"] == r"^-?(?:0|[1-9][0-9]{0,10})(?:\.[0-9]{1,9})?s$"
    assert properties["mask"]["type"] == "string"
    assert properties["any"]["properties"]["@type"]["type"] == "string"


def test_an_answer_always_has_the_fields_without_presence(schemas: dict[str, Any]) -> None:
    answered = schemas["Everything"]
    assert set(answered["required"]) >= ALWAYS_THERE
    assert set(answered["required"]) & MAYBE_THERE == set()
    assert answered["properties"].keys() >= ALWAYS_THERE | MAYBE_THERE


def test_a_message_that_is_asked_and_answered_has_a_schema_of_each(schemas: dict[str, Any]) -> None:
    asked = schemas["Everything-Input"]
    assert "required" not in asked
    assert asked["additionalProperties"] is False
    assert asked["properties"]["inner"] == {"$ref": "#/components/schemas/Everything-Input"}
    assert "additionalProperties" not in schemas["Everything"]
    assert "WatchRequest-Input" not in schemas


def test_of_a_oneof_at_most_one_may_be_there(schemas: dict[str, Any]) -> None:
    pairs = [["word", "number"], ["word", "animal"], ["number", "animal"]]
    assert schemas["Everything"]["not"] == {"anyOf": [{"required": pair} for pair in pairs]}
    assert "not" not in schemas["Place"]


def test_comments_and_constraints_stand_where_they_belong() -> None:
    comments = {"zoo.v1.Place": "Where.", "zoo.v1.Place.house": "Which house.", "zoo.v1.MOOD_CALM": "At ease."}
    constraints = {"zoo.v1.Animal.name": {"maxLength": 8}, "zoo.v1.Animal.tags": {"items": {"minLength": 1}}}
    told = document(comments=comments, constraints=constraints)["components"]["schemas"]
    assert told["Place"]["description"] == "Where."
    assert told["Place"]["properties"]["house"] == {"type": "string", "description": "Which house."}
    assert told["Mood"]["description"] == "\n- `MOOD_CALM`: At ease."
    assert told["Animal-Input"]["properties"]["name"] == {"type": "string", "maxLength": 8}
    assert told["Animal-Input"]["properties"]["tags"] == {"type": "array", "items": {"type": "string", "minLength": 1}}
    assert told["Animal"]["properties"]["name"] == {"type": "string"}
