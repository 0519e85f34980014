"""Parameters: given back unchanged or refused; integral numbers are integers again."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from google.protobuf.struct_pb2 import ListValue, Struct, Value
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import Violation
from jobcontrol_core.domain.values import DocumentNeed, PipelineSpec
from jobcontrol_server.rpc.validation import parameter_violations, to_dict, violations

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(-1e15, 1e15).filter(lambda number: not number.is_integer())
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc é\n", max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(st.dictionaries(st.text("abc", max_size=5), JSON, max_size=4))
def test_every_object_that_is_accepted_comes_back_as_it_was_sent(parameters: dict[str, Any]) -> None:
    request = start(parameters)
    assert violations(request) == []
    assert json.dumps(to_dict(request.parameters), sort_keys=True) == json.dumps(parameters, sort_keys=True)


@pytest.mark.parametrize("number", [2**53, 2**53 + 1, -(2**53), 1e300, math.inf, -math.inf, math.nan])
def test_a_number_whose_digits_would_get_lost_is_refused(number: float) -> None:
    assert fields(start({"a": [1, {"b": number}]})) == ["parameters.a[1].b"]


def test_the_largest_safe_number_is_kept_to_the_last_digit() -> None:
    request = start({"n": 2**53 - 1})
    assert violations(request) == []
    assert to_dict(request.parameters) == {"n": 9_007_199_254_740_991}


def test_an_integral_float_is_an_integer_and_a_bool_stays_a_bool() -> None:
    read = to_dict(start({"a": 3.0, "b": 3.5, "c": True, "d": -0.0}).parameters)
    assert [type(value) for value in read.values()] == [int, float, bool, int]


@pytest.mark.parametrize("parameters", [{"a": "x\x00y"}, {"a\x00": 1}, {"a": ["\x00"]}])
def test_a_nul_character_is_refused_wherever_it_stands(parameters: dict[str, Any]) -> None:
    assert [violation.description for violation in violations(start(parameters))] == [
        "the key must not hold a NUL character" if "a\x00" in parameters else "must not hold a NUL character"
    ]


@pytest.mark.parametrize(("levels", "is_fine"), [(32, True), (33, False)])
@pytest.mark.parametrize("kind", ["object", "list"])
def test_at_most_thirty_two_levels_are_kept(levels: int, is_fine: bool, kind: str) -> None:
    assert (violations(start({"a": nested(levels - 1, kind)})) == []) is is_fine


@pytest.mark.parametrize(("size", "is_fine"), [(64 << 10, True), ((64 << 10) + 1, False), (1 << 20, False)])
def test_at_most_64_kib_of_json_are_kept(size: int, is_fine: bool) -> None:
    parameters = {"a": "é" * ((size - len('{"a":""}')) // 2) + "x" * ((size - len('{"a":""}')) % 2)}
    assert len(json.dumps(parameters, ensure_ascii=False, separators=(",", ":")).encode()) == size
    assert (violations(start(parameters)) == []) is is_fine


@pytest.mark.parametrize("filler", [[0] * 30_000, [[]] * 20_000, [{}] * 20_000, [None] * 13_000, ["\x01"] * 7_000])
def test_parameters_that_fit_as_json_are_not_refused_for_their_size_on_the_wire(filler: list[Any]) -> None:
    assert len(json.dumps(filler, separators=(",", ":"))) < 64 << 10
    assert violations(start({"a": filler})) == []


def test_a_value_that_was_left_out_is_refused() -> None:
    request = pb.StartBuildRequest(path_id="x", parameters=Struct(fields={"a": Value()}))
    assert violations(request) == [Violation("parameters.a", "has no value")]
    listed = Value(list_value=ListValue(values=[Value()]))
    assert fields(pb.StartBuildRequest(path_id="x", parameters=Struct(fields={"a": listed}))) == ["parameters.a[0]"]


def test_parameters_that_break_the_schema_are_told_by_place() -> None:
    schema = {
        "type": "object",
        "properties": {"title": {"type": "string"}, "pace": {"type": "array", "items": {"maximum": 10}}},
        "additionalProperties": False,
    }
    pipeline = PipelineSpec("p", 1, "", (), schema, DocumentNeed.NONE)
    assert parameter_violations({"title": "x", "pace": [1]}, pipeline) == []
    found = parameter_violations({"title": 3, "pace": [1, 11], "extra": "y" * 1_000}, pipeline)
    assert [violation.field for violation in found] == ["parameters", "parameters.pace[1]", "parameters.title"]
    assert all(len(violation.description) <= 257 for violation in found)


def start(parameters: dict[str, Any]) -> pb.StartBuildRequest:
    struct = Struct()
    struct.update(parameters)
    return pb.StartBuildRequest(path_id="x", parameters=struct)


def nested(levels: int, kind: str) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = {"a": value} if kind == "object" else [value]
    return value


def fields(request: pb.StartBuildRequest) -> list[str]:
    return [violation.field for violation in violations(request)]
