"""What of a handler's answer can be kept: JSON, text, children."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.outcomes import (
    MAX_CHILDREN,
    MAX_KEY,
    BadResult,
    NewChild,
    check_children,
    encode_json,
    storable_text,
)

json_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


def encode(value: Any, limit: int = 1 << 20) -> str:
    return encode_json(value, what="the output", limit=limit)


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize("value", [None, 0, "ü", "\U0001f600", "\\u0000", "\\\\ud800", "a\nb", {"a": [1, 2.5]}, 2**200])
def test_json_is_kept_as_it_is(value: Any) -> None:
    assert json.loads(encode(value)) == value


@pytest.mark.parametrize(
    "value",
    [
        object(), {1, 2}, b"bytes", float("nan"), float("inf"), {(1, 2): 3}, "nul \x00", {"\x00": 1}, "\ud800",
        ["ok", {"deep": "\udfff"}], "\\\x00",
    ],
)  # fmt: skip
def test_what_is_no_json_or_no_store_keeps_is_refused_naming_it(value: Any) -> None:
    with pytest.raises(BadResult, match="the output"):
        encode(value)


def test_a_number_or_a_depth_beyond_reason_is_refused() -> None:
    for value in (10**5_000, nested(100_000)):
        with pytest.raises(BadResult, match="the output is not JSON"):
            encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(BadResult):
        encode(loop)


@pytest.mark.parametrize(("text", "limit"), [("x" * 8, 10), ("é" * 4, 10)])
def test_the_limit_counts_bytes(text: str, limit: int) -> None:
    assert encode(text, limit) == f'"{text}"'
    with pytest.raises(BadResult, match="10 bytes; at most 9"):
        encode(text, limit - 1)


@given(json_values)
def test_whatever_is_accepted_reads_back_equal_and_can_be_stored(value: Any) -> None:
    try:
        text = encode(value)
    except BadResult:
        assert "\x00" in json.dumps(value).replace("\\u0000", "\x00") or "\\ud" in json.dumps(value)
        return
    assert json.loads(text) == value
    assert "\x00" not in text
    text.encode()


def child(key: str = "a", stage_no: int = 1, label: str = "A") -> NewChild:
    return NewChild(stage_no, key, label, "null")


def test_children_with_keys_of_their_own_are_accepted() -> None:
    check_children((child("a"), child("b"), child("a", stage_no=2), child("k" * MAX_KEY)))
    check_children(())


@pytest.mark.parametrize(
    ("children", "why"),
    [
        ((child("a"), child("a")), "two children"),
        ((child(""),), "1 to 512"),
        ((child("k" * (MAX_KEY + 1)),), "1 to 512"),
        ((child("nul\x00"),), "NUL"),
        ((child(label="half \ud800"),), "NUL"),
        (tuple(child(str(number)) for number in range(MAX_CHILDREN + 1)), "50,001 children"),
    ],
)
def test_children_that_cannot_be_kept_are_refused(children: tuple[NewChild, ...], why: str) -> None:
    with pytest.raises(BadResult, match=why):
        check_children(children)


def test_a_short_text_is_kept_and_a_long_one_keeps_its_end() -> None:
    assert storable_text("as it is") == "as it is"
    assert storable_text("a" * 100 + "the end", 20) == "[…] " + "aaaaathe end"


@given(text=st.text(st.characters(codec=None), max_size=200), limit=st.integers(20, 100))
def test_any_text_can_be_stored_within_its_limit(text: str, limit: int) -> None:
    kept = storable_text(text, limit)
    assert "\x00" not in kept
    assert len(kept.encode()) <= limit
