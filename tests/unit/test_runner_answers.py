"""What a handler's answer makes of its step."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from jobcontrol.pipeline import Child, FanOut, Result
from jobcontrol_core.domain.lifecycle import FailureReason
from jobcontrol_core.domain.outcomes import (
    MAX_CHILDREN,
    MAX_STEP_INPUT,
    MAX_STEP_OUTPUT,
    Failed,
    NewChild,
    Outcome,
    Succeeded,
)
from jobcontrol_workers.runner import perform
from unit.attempts import FINISH, FIRST, LAST, MIDDLE, Handler, attempt_of


@dataclass
class Wish:
    words: int
    style: str = "plain"


@dataclass
class Word:
    text: str


async def run(handler: Handler, stage_no: int = MIDDLE, **options: Any) -> Outcome:
    with ThreadPoolExecutor(1) as threads:
        return await perform(attempt_of(handler, stage_no, **options), threads)


async def answer(value: object, stage_no: int = MIDDLE) -> Outcome:
    async def handler(*_arguments: Any) -> object:
        return value

    return await run(handler, stage_no)


async def refusal(value: object, stage_no: int = MIDDLE) -> str:
    """Why this answer cannot be kept."""
    outcome = await answer(value, stage_no)
    assert isinstance(outcome, Failed)
    assert (outcome.reason, outcome.error.type, outcome.is_final) == (FailureReason.BAD_RESULT, "BadResult", True)
    return outcome.error.message


async def test_a_value_is_kept_as_json_and_counts_as_one_item() -> None:
    assert await answer({"text": "größe"}) == Succeeded('{"text":"größe"}', item_count=1)


async def test_no_answer_is_null() -> None:
    assert await answer(None) == Succeeded("null", item_count=1)


async def test_a_list_counts_as_that_many_items() -> None:
    assert await answer(["a", "b", "c"]) == Succeeded('["a","b","c"]', item_count=3)


async def test_an_empty_list_is_no_item() -> None:
    assert await answer([]) == Succeeded("[]", item_count=0)


async def test_a_plain_function_answers_as_a_coroutine_function_does() -> None:
    assert await run(lambda _ctx, value: [value], given='"a"') == Succeeded('["a"]', item_count=1)


async def test_a_step_receives_its_input_as_its_parent_gave_it() -> None:
    assert await run(lambda _ctx, value: value["text"], given='{"text":"a"}') == Succeeded('"a"')


async def test_the_first_stage_receives_the_parameters_as_the_input_dataclass() -> None:
    outcome = await run(lambda _ctx, wish: [wish.words, wish.style], FIRST, input=Wish, parameters={"words": 3})
    assert outcome == Succeeded('[3,"plain"]', item_count=2)


async def test_without_an_input_dataclass_the_parameters_come_as_an_object() -> None:
    assert await run(lambda _ctx, wish: wish, FIRST, parameters={"words": 3}) == Succeeded('{"words":3}')


async def test_parameters_that_do_not_fit_the_input_dataclass_fail_at_once() -> None:
    outcome = await run(lambda _ctx, _wish: None, FIRST, input=Wish, parameters={"wrods": 3})
    assert isinstance(outcome, Failed)
    assert (outcome.error.type, outcome.is_final) == ("InvalidInput", True)
    assert "wrods" in outcome.error.message


async def test_finish_receives_input_and_results_and_answers_with_the_result() -> None:
    outcome = await run(lambda _ctx, wish, results: [wish.words, results is not None], FINISH, input=Wish,
                        parameters={"words": 3})  # fmt: skip
    assert outcome == Succeeded("[3,true]", item_count=2)


async def test_a_result_brings_renderings_by_media_type() -> None:
    outcome = await answer(Result({"n": 1}, {"text/markdown": "# Größe"}), FINISH)
    assert outcome == Succeeded('{"n":1}', renderings={"text/markdown": "# Größe".encode()})


async def test_a_result_is_for_finish_alone() -> None:
    assert "not JSON" in await refusal(Result({"n": 1}))


async def test_a_fan_out_makes_children_in_a_later_stage_and_counts_them() -> None:
    def split(ctx: Any, _input: Any) -> FanOut:
        out: FanOut = ctx.fan_out("last", [Word("a"), Word("b")], key=lambda w: w.text, label=lambda w: w.text.upper())
        return out

    children = (NewChild(LAST, "a", "A", '{"text":"a"}'), NewChild(LAST, "b", "B", '{"text":"b"}'))
    assert await run(split) == Succeeded('{"children":2}', item_count=2, children=children)


async def test_a_fan_out_keeps_the_output_that_it_was_given() -> None:
    def split(ctx: Any, _input: Any) -> Any:
        return ctx.fan_out("last", [], key=str, output=["own"])

    assert await run(split) == Succeeded('["own"]', item_count=0)


async def test_keys_and_labels_of_any_kind_become_text() -> None:
    def split(ctx: Any, _input: Any) -> Any:
        return ctx.fan_out("last", [7], key=lambda n: n, label=lambda n: n)

    assert await run(split) == Succeeded('{"children":1}', children=(NewChild(LAST, "7", "7", "7"),))


@pytest.mark.parametrize("stage", ["first", "middle", "finalize", "elsewhere", ""])
async def test_a_fan_out_to_no_later_stage_is_refused_naming_the_later_ones(stage: str) -> None:
    assert await refusal(FanOut(stage, ())) == f"fan_out to {stage!r}; the later stages are: last"


async def test_finish_may_not_fan_out() -> None:
    assert "the later stages are: none" in await refusal(FanOut("last", ()), FINISH)


async def test_two_children_of_one_key_are_refused() -> None:
    twins = FanOut("last", (Child("a", 1, "A"), Child("a", 2, "B")))
    assert "two children have the key 'a'" in await refusal(twins)


@pytest.mark.parametrize("key", ["", "a\0", "\ud800", "k" * 513])
async def test_a_key_that_no_database_keeps_is_refused(key: str) -> None:
    assert "child key" in await refusal(FanOut("last", (Child(key, 1, "A"),)))


async def test_a_label_that_no_database_keeps_is_mended() -> None:
    outcome = await answer(FanOut("last", (Child("a", 1, "A\0\ud800"),)))
    assert isinstance(outcome, Succeeded)
    assert outcome.children[0].label == "A\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER}"


async def test_too_many_children_are_refused() -> None:
    children = tuple(Child(str(number), None, "") for number in range(MAX_CHILDREN + 1))
    assert "50,001 children" in await refusal(FanOut("last", children))


@pytest.mark.parametrize("value", ["a\0b", {"k\0": 1}, "\ud800", ["\udfff"]])
async def test_text_that_no_database_keeps_is_refused(value: object) -> None:
    assert "NUL or half a surrogate pair" in await refusal(value)


@pytest.mark.parametrize("value", ["\\u0000", "\\ud800", "C:\\u0000"])
async def test_text_that_only_looks_like_an_escape_is_kept(value: str) -> None:
    assert isinstance(await answer(value), Succeeded)


@pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}, b"bytes", {("a",): 1}])
async def test_what_is_not_json_is_refused(value: object) -> None:
    assert "the step's output is not JSON" in await refusal(value)


async def test_an_endless_structure_is_refused() -> None:
    endless: list[object] = []
    endless.append(endless)
    assert "not JSON" in await refusal(endless)


async def test_an_output_may_have_its_limit_and_not_a_byte_more() -> None:
    assert isinstance(await answer("x" * (MAX_STEP_OUTPUT - 2)), Succeeded)
    assert "1,048,577 bytes" in await refusal("x" * (MAX_STEP_OUTPUT - 1))


async def test_a_result_may_be_larger_than_a_step_output() -> None:
    assert isinstance(await answer("x" * MAX_STEP_OUTPUT, FINISH), Succeeded)


async def test_a_child_input_that_is_too_large_is_refused_by_name() -> None:
    assert "the input of 'big' is" in await refusal(FanOut("last", (Child("big", "x" * MAX_STEP_INPUT, "B"),)))
