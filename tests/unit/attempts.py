"""Attempts without a database: a pipeline of three stages and finish, one of whose handlers is the test's own."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from jobcontrol.pipeline import Pipeline
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.values import Build, ClaimedStep, Step
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_workers.context import StepContext, StoredResults
from jobcontrol_workers.documents import Documents
from jobcontrol_workers.registry import Registry
from jobcontrol_workers.runner import Attempt

FIRST, MIDDLE, LAST, FINISH = range(4)
NAMES = ("first", "middle", "last", "finalize")
JOB_ID = "018f0000-0000-7000-8000-000000000001"
NOW = datetime(2026, 1, 2, tzinfo=UTC)

Handler = Callable[..., Any]


def pipeline(handlers: Mapping[int, Handler] | None = None, **overrides: Any) -> Pipeline:
    """Stages first, middle, last and finalize; `handlers` by number take the place of ones that do nothing."""
    own = handlers or {}
    made = Pipeline("letters", **overrides)
    for number, weight in ((FIRST, 0.2), (MIDDLE, 0.3), (LAST, 0.5)):
        made.stage(NAMES[number], weight=weight, concurrency=3)(own.get(number, idle))
    made.finish(own.get(FINISH, idle))
    return made


def registry(*pipelines: Pipeline) -> Registry:
    return Registry(pipelines or (pipeline(),), Settings.load())


def build(served: Registry, **overrides: Any) -> Build:
    values: dict[str, Any] = {
        "job_id": JOB_ID,
        "first_job_id": JOB_ID,
        "tenant": "default",
        "path_id": "rust-101",
        "title": "Rust",
        "pipeline": "letters",
        "pipeline_version": 1,
        "parameters": {},
        "document": None,
        "stages": served.specs()[0].stages,
    }
    return Build(**{**values, **overrides})


def claimed(stage_no: int, *, input: str = "null", key_path: str = "/a", **overrides: Any) -> ClaimedStep:
    values: dict[str, Any] = {
        "id": f"018f0000-0000-7000-8000-{stage_no:012d}",
        "job_id": JOB_ID,
        "stage": NAMES[stage_no],
        "stage_no": stage_no,
        "parent_id": None,
        "key": "a",
        "label": "A",
        "position": "0",
        "ordinal": 1,
        "sibling_total": 1,
        "status": StepStatus.PROCESSING,
        "attempt": 1,
        "tries": 0,
        "failure": None,
        "error": None,
        "item_count": 0,
        "run_time": timedelta(),
        "reused_from": None,
        "created_at": NOW,
        "started_at": NOW,
        "completed_at": None,
        "next_attempt_at": None,
    }
    return ClaimedStep(Step(**{**values, **overrides}), input, key_path)


def attempt_of(handler: Handler, stage_no: int = MIDDLE, *, given: str = "null", **pipeline_options: Any) -> Attempt:
    """An attempt of a step of this stage, whose handler is `handler` and whose input is the JSON text `given`."""
    parameters = pipeline_options.pop("parameters", {})
    serving = registry(pipeline({stage_no: handler}, **pipeline_options))
    own_build = build(serving, parameters=parameters)
    step = claimed(stage_no, input=given)
    served = serving.find(("letters", NAMES[stage_no], 1))
    assert served is not None
    store = Store("sqlite+pysqlite:///:memory:")
    return Attempt(
        step, own_build, served, StepContext(own_build, step, None), StoredResults(store, own_build), Documents(store)
    )


def idle(*_arguments: Any) -> None:
    """Does nothing."""
