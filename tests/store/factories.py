"""What store tests are made of: pipelines, builds, children, outcomes and sessions, with overrides."""

from datetime import timedelta
from typing import Any

from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import FailureReason
from jobcontrol_core.domain.outcomes import Failed, NewChild, Succeeded
from jobcontrol_core.domain.reports import StepReport
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import FINALIZE, ClaimedStep, DocumentNeed, ErrorInfo, PipelineSpec, StageSpec
from jobcontrol_core.store.builds import NewBuild
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_core.store.sessions import ServedStage, Session

CONCEPTS, SUB_CONCEPTS, UNITS, FINALIZE_NO = range(4)
TENANT = "default"
LEASE = timedelta(seconds=10)
#: Fails again at once, so that tests need not wait for a backoff.
AT_ONCE = RetryPolicy(max_attempts=3, base=0.0)


def stages(retry: RetryPolicy = AT_ONCE, **overrides: Any) -> tuple[StageSpec, ...]:
    """Three weighted stages and finalize; overrides go to each."""
    named = (("concepts", 0.2), ("sub-concepts", 0.3), ("knowledge-units", 0.5), (FINALIZE, 0.0))
    return tuple(
        StageSpec(number, name, **{"queue": f"learning-path-{name}", "version": 1, "concurrency": 3, **overrides},
                  weight=weight, retry=retry)
        for number, (name, weight) in enumerate(named)
    )  # fmt: skip


def pipeline(*, retry: RetryPolicy = AT_ONCE, **overrides: Any) -> PipelineSpec:
    """The learning path as the store sees it."""
    values: dict[str, Any] = {
        "name": "learning-path",
        "version": 1,
        "description": "A document becomes a learning path",
        "stages": stages(retry),
        "input_schema": {"type": "object"},
        "document": DocumentNeed.OPTIONAL,
        "media_types": ("text/markdown",),
    }
    return PipelineSpec(**{**values, **overrides})


def request_key(request_id: str = "", content: bytes = b"", *, tenant: str = TENANT) -> RequestKey:
    """The key of a StartBuild."""
    return RequestKey.of(tenant, request_id, "StartBuild", content)


def new_build(**overrides: Any) -> NewBuild:
    """A build of the path `rust-101`."""
    values: dict[str, Any] = {
        "tenant": TENANT,
        "path_id": "rust-101",
        "pipeline": pipeline(),
        "key": request_key(),
        "title": "Rust",
        "triggered_by": "ada",
    }
    return NewBuild(**{**values, **overrides})


def children(stage_no: int, count: int, **overrides: Any) -> tuple[NewChild, ...]:
    """`count` children of one stage with the keys c0, c1, …"""
    return tuple(
        NewChild(**{"stage_no": stage_no, "key": f"c{index}", "label": f"Child {index}", "input": "{}", **overrides})
        for index in range(count)
    )


def succeeded(*, born: tuple[NewChild, ...] = (), output: str = '"done"', items: int | None = None) -> Succeeded:
    """A success; as in the worker, what fans out has as many items as children."""
    count = items if items is not None else len(born) or 1
    return Succeeded(output, item_count=count, children=born)


def failed(message: str = "boom", **overrides: Any) -> Failed:
    """A handler that raised ValueError."""
    values: dict[str, Any] = {
        "reason": FailureReason.HANDLER_ERROR,
        "error": ErrorInfo("ValueError", message, "Traceback: here"),
    }
    return Failed(**{**values, **overrides})


def report_of(claimed: ClaimedStep, **told: Any) -> StepReport:
    """What a claimed attempt tells of itself."""
    return StepReport(claimed.step.job_id, claimed.step.id, claimed.step.attempt, **told)


def session(session_id: str = "", served: tuple[ServedStage, ...] | None = None, **overrides: Any) -> Session:
    """A worker process that runs every stage of the learning path."""
    values: dict[str, Any] = {
        "id": session_id or new_id(),
        "supervisor": "host-1:100",
        "host": "host-1",
        "pid": 101,
        "release": "0.1.0",
        "slots": 50,
        "stages": served_stages() if served is None else served,
    }
    return Session(**{**values, **overrides})


def served_stages(**overrides: Any) -> tuple[ServedStage, ...]:
    """What a worker of the learning path serves."""
    return tuple(
        ServedStage(
            **{
                "pipeline": "learning-path",
                "pipeline_version": 1,
                "stage": stage.name,
                "version": stage.version,
                "queue": stage.queue,
                "concurrency": stage.concurrency,
                **overrides,
            }
        )
        for stage in stages()
    )
