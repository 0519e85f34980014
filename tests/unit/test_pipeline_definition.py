"""A pipeline that cannot work says so when it is defined, not when it runs."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from jobcontrol.pipeline import DefinitionError, Pipeline, Retry, Tolerate, to_json_value
from jobcontrol.pipeline.definition import OnFailure
from unit.attempts import idle


@dataclass
class Inner:
    n: int


@dataclass
class Outer:
    inner: Inner
    words: tuple[str, ...] = ()


def defined(**weights: float) -> Pipeline:
    pipeline = Pipeline("letters")
    for name, weight in weights.items():
        pipeline.stage(name, weight=weight)(idle)
    pipeline.finish(idle)
    return pipeline


def test_stages_come_in_the_order_of_their_definition_and_finalize_last() -> None:
    stages = defined(one=0.4, two=0.6).stages
    assert [(stage.name, stage.weight) for stage in stages] == [("one", 0.4), ("two", 0.6), ("finalize", 0.0)]


def test_a_stage_has_a_queue_of_its_own_unless_it_names_one() -> None:
    pipeline = Pipeline("letters")
    pipeline.stage("one", weight=0.5)(idle)
    pipeline.stage("two", weight=0.5, queue="generate-ku")(idle)
    pipeline.finish(idle, queue="build-path")
    assert [stage.queue for stage in pipeline.stages] == ["letters-one", "generate-ku", "build-path"]


def test_the_decorators_give_the_handler_back() -> None:
    pipeline = Pipeline("letters")
    assert pipeline.stage("one", weight=1.0)(idle) is idle
    assert pipeline.finish(version=2)(idle) is idle
    assert [stage.version for stage in pipeline.stages] == [1, 2]


def test_what_a_stage_does_not_say_has_a_default() -> None:
    (stage, finish) = defined(one=1.0).stages
    assert (stage.version, stage.concurrency, stage.retry) == (1, 10, Retry(3, 1.0, 2.0, 60.0))
    assert finish.concurrency == 1


@pytest.mark.parametrize("name", ["", "Letters", "a b", "-a", "a" * 64, "a_b", "ä", "letters\n"])
def test_a_name_that_no_queue_could_have_is_refused(name: str) -> None:
    with pytest.raises(DefinitionError, match="must match"):
        Pipeline(name)
    with pytest.raises(DefinitionError, match="must match"):
        Pipeline("letters").stage(name, weight=1.0)(idle)


def test_a_queue_name_that_would_become_too_long_is_refused() -> None:
    with pytest.raises(DefinitionError, match="queue name"):
        Pipeline("a" * 60).stage("one", weight=1.0)(idle)


@pytest.mark.parametrize("name", ["one", "finalize"])
def test_a_stage_name_is_given_once(name: str) -> None:
    pipeline = Pipeline("letters")
    pipeline.stage("one", weight=0.5)(idle)
    with pytest.raises(DefinitionError, match=f"stage name '{name}' is taken"):
        pipeline.stage(name, weight=0.5)


def test_finish_is_defined_once() -> None:
    pipeline = defined(one=1.0)
    with pytest.raises(DefinitionError, match="finish is defined twice"):
        pipeline.finish(idle)


def test_a_pipeline_needs_a_stage_and_a_finish() -> None:
    without_finish = Pipeline("letters")
    without_finish.stage("one", weight=1.0)(idle)
    without_stage = Pipeline("letters")
    without_stage.finish(idle)
    for pipeline in (without_finish, without_stage, Pipeline("letters")):
        with pytest.raises(DefinitionError, match="at least one stage and a finish"):
            _ = pipeline.stages


def test_weights_make_one() -> None:
    assert defined(one=0.1, two=0.2, three=0.7).stages
    with pytest.raises(DefinitionError, match=r"weights add up to 0\.9, not 1"):
        _ = defined(one=0.2, two=0.7).stages


@pytest.mark.parametrize("weight", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_weight_is_a_share(weight: float) -> None:
    with pytest.raises(DefinitionError, match="weight must be 0 to 1"):
        Pipeline("letters").stage("one", weight=weight)(idle)


@pytest.mark.parametrize("option", ["concurrency", "version"])
def test_counting_begins_at_one(option: str) -> None:
    with pytest.raises(DefinitionError, match="must be at least 1"):
        Pipeline("letters").stage("one", weight=1.0, **{option: 0})(idle)  # type: ignore[arg-type]


def test_a_document_is_required_optional_or_none() -> None:
    wrong: Any = "maybe"
    with pytest.raises(DefinitionError, match="document must be"):
        Pipeline("letters", document=wrong)


@pytest.mark.parametrize(
    "retry",
    [
        lambda: Retry(max_attempts=0),
        lambda: Retry(max_attempts=21),
        lambda: Retry(base=-1),
        lambda: Retry(base=61),
        lambda: Retry(base=float("nan")),
        lambda: Retry(max_delay=float("nan")),
        lambda: Retry(factor=0.5),
        lambda: Retry(factor=11),
        lambda: Retry(factor=float("nan")),
    ],
)
def test_a_retry_that_could_not_be_kept_is_refused(retry: Callable[[], Retry]) -> None:
    with pytest.raises(DefinitionError):
        retry()


def test_a_dataclass_becomes_an_object_with_everything_in_it() -> None:
    assert to_json_value(Outer(Inner(1), ("a",))) == {"inner": {"n": 1}, "words": ("a",)}


@pytest.mark.parametrize("value", [1, "a", None, ["a"], {"a": 1}])
def test_every_other_value_is_taken_as_it_is(value: object) -> None:
    assert to_json_value(value) is value


def test_a_stage_has_no_timeout_unless_it_names_one() -> None:
    pipeline = Pipeline("letters")
    pipeline.stage("one", weight=0.5)(idle)
    pipeline.stage("two", weight=0.5, timeout=2.5)(idle)
    pipeline.finish(timeout=60)(idle)
    assert [stage.timeout for stage in pipeline.stages] == [None, 2.5, 60]


@pytest.mark.parametrize("timeout", [0, -1, float("inf"), float("nan")])
def test_a_timeout_is_a_time(timeout: float) -> None:
    with pytest.raises(DefinitionError, match="timeout"):
        Pipeline("letters").stage("one", weight=1.0, timeout=timeout)(idle)


@pytest.mark.parametrize(("on_failure", "share"), [("continue", 1.0), ("fail_fast", 0.0), (Tolerate(0.1), 0.1)])
def test_a_stage_says_what_a_failed_step_does_to_the_build(on_failure: OnFailure, share: float) -> None:
    pipeline = Pipeline("letters")
    pipeline.stage("split", weight=1.0, on_failure=on_failure)(idle)
    pipeline.finish(idle)
    assert pipeline.stages[0].tolerated_share == share


def test_a_failed_step_leaves_the_build_alone_unless_the_stage_says_otherwise() -> None:
    assert defined(split=1.0).stages[0].tolerated_share == 1.0


@pytest.mark.parametrize("share", [0.0, 1.0, -0.1, 10])
def test_a_tolerated_share_lies_between_none_and_all(share: float) -> None:
    with pytest.raises(DefinitionError, match="more than 0"):
        Tolerate(share)


def test_an_unknown_failure_policy_is_refused() -> None:
    with pytest.raises(DefinitionError, match="on_failure must be 'continue', 'fail_fast' or Tolerate"):
        Pipeline("letters").stage("split", weight=1.0, on_failure="stop")(idle)  # type: ignore[arg-type]
