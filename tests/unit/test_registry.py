"""The pipelines that a worker serves, under this installation's settings."""

import sys
from pathlib import Path
from types import ModuleType

import pytest

from jobcontrol.pipeline import DefinitionError, Pipeline, Retry
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import DocumentNeed, StageSpec
from jobcontrol_core.settings import Settings
from jobcontrol_workers.registry import PipelineMissing, Registry, load_pipelines
from unit.attempts import MIDDLE, NAMES, idle, pipeline


def one_stage(*, queue: str = "", retry: Retry | None = None) -> Pipeline:
    made = Pipeline("letters")
    made.stage("first", weight=1.0, queue=queue, concurrency=3, retry=retry)(idle)
    made.finish(idle)
    return made


def first_stage(made: Pipeline, **settings: object) -> StageSpec:
    return Registry([made], Settings.load(**settings)).specs()[0].stages[0]


def test_a_handler_is_found_by_pipeline_stage_and_version() -> None:
    def own(_ctx: object, _input: object) -> None:
        """A handler of the test."""

    served = Registry([pipeline({MIDDLE: own})], Settings.load()).find(("letters", "middle", 1))
    assert served is not None
    assert served.stage.handler is own


@pytest.mark.parametrize("key", [("letters", "middle", 2), ("letters", "other", 1), ("numbers", "middle", 1)])
def test_nothing_is_found_under_another_key(key: tuple[str, str, int]) -> None:
    assert Registry([pipeline()], Settings.load()).find(key) is None


def test_a_pipeline_is_found_in_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = "from jobcontrol.pipeline import Pipeline\nbuild = Pipeline('found-here')\n"
    (tmp_path / "pipeline_of_the_current_directory.py").write_text(made)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (found,) = load_pipelines(["pipeline_of_the_current_directory:build"])
    assert found.name == "found-here"


def test_two_pipelines_of_one_name_are_refused() -> None:
    with pytest.raises(DefinitionError, match="two pipelines are named 'letters'"):
        Registry([pipeline(), pipeline()], Settings.load())


def test_a_queue_that_stages_share_is_listed_once() -> None:
    shared = Pipeline("letters")
    for name in ("one", "two"):
        shared.stage(name, weight=0.5, queue="shared")(idle)
    shared.finish(idle)
    assert Registry([shared], Settings.load()).queues == ("shared", "letters-finalize")


def test_what_is_published_is_the_definition() -> None:
    made = pipeline(description="Letters", document="optional", media_types=["text/plain"], sample=lambda: b"abc")
    (spec,) = Registry([made], Settings.load()).specs()
    assert (spec.name, spec.version, spec.description) == ("letters", 1, "Letters")
    assert (spec.document, spec.media_types, spec.sample) == (DocumentNeed.OPTIONAL, ("text/plain",), b"abc")
    assert [(stage.number, stage.name) for stage in spec.stages] == list(enumerate(NAMES))
    assert spec.finalize.is_finalize


def test_a_session_tells_every_stage_that_it_serves() -> None:
    stages = Registry([pipeline()], Settings.load()).served_stages()
    assert [(one.pipeline, one.stage, one.version, one.queue, one.concurrency) for one in stages] == [
        ("letters", "first", 1, "letters-first", 3),
        ("letters", "middle", 1, "letters-middle", 3),
        ("letters", "last", 1, "letters-last", 3),
        ("letters", "finalize", 1, "letters-finalize", 1),
    ]


@pytest.mark.parametrize(("queue", "concurrency"), [("decompose-concept", 7), ("generate-ku", 9), ("letters-first", 3)])
def test_the_settings_concurrency_goes_before_the_pipelines_on_its_queue_alone(queue: str, concurrency: int) -> None:
    stage = first_stage(one_stage(queue=queue), concurrency_decompose=7, concurrency_generate_ku=9)
    assert stage.concurrency == concurrency


def test_without_settings_a_stage_retries_as_it_was_defined() -> None:
    stage = first_stage(one_stage(retry=Retry(5, 0.5, 3.0, 10.0)))
    assert stage.retry == RetryPolicy(5, 0.5, 3.0, 10.0)


def test_the_settings_tries_go_before_the_stages() -> None:
    assert first_stage(one_stage(), max_attempts=7).retry.max_attempts == 7


def test_the_settings_delay_is_in_milliseconds_and_lifts_the_longest_delay_if_it_must() -> None:
    made = one_stage(retry=Retry(max_delay=2.0))
    assert first_stage(made, backoff_delay=500).retry == RetryPolicy(3, 0.5, 2.0, 2.0)
    assert first_stage(made, backoff_delay=5_000).retry == RetryPolicy(3, 5.0, 2.0, 5.0)


def test_a_fixed_backoff_has_factor_one_and_an_exponential_one_at_least_two() -> None:
    made = one_stage(retry=Retry(factor=1.0))
    assert first_stage(made, backoff_type="exponential").retry.factor == 2.0
    assert first_stage(one_stage(retry=Retry(factor=3.0)), backoff_type="exponential").retry.factor == 3.0
    assert first_stage(one_stage(), backoff_type="fixed").retry.factor == 1.0


def test_the_built_in_pipelines_are_served_when_none_is_named() -> None:
    assert "learning-path" in [one.name for one in load_pipelines([])]


def test_a_pipeline_is_loaded_by_module_and_attribute(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("letters_module")
    made = module.__dict__["letters"] = pipeline()
    monkeypatch.setitem(sys.modules, "letters_module", module)
    assert load_pipelines(["letters_module:letters"]) == [made]


@pytest.mark.parametrize("target", ["no_such_module:letters", "sys:letters", "sys", ":letters", "", "a..b:c"])
def test_a_target_that_cannot_be_loaded_is_named(target: str) -> None:
    with pytest.raises(PipelineMissing, match=r"cannot be loaded.*name it as module:pipeline"):
        load_pipelines([target])


def test_a_target_that_is_no_pipeline_is_named() -> None:
    with pytest.raises(PipelineMissing, match=r"sys:path is not a jobcontrol\.Pipeline"):
        load_pipelines(["sys:path"])
