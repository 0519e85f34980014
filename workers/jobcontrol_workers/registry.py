"""The pipelines that a worker serves: their handlers by key, and what is published of them."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from jobcontrol.pipeline import DefinitionError, Pipeline, Stage
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import DocumentNeed, PipelineSpec, StageSpec
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.sessions import ServedStage

StageKey = tuple[str, str, int]


class PipelineMissing(Exception):
    """A pipeline that was named on the command line and cannot be loaded."""


@dataclass(frozen=True, slots=True)
class Served:
    """One stage that this process runs: the pipeline's definition under this installation's settings."""

    pipeline: Pipeline
    stage: Stage
    spec: StageSpec

    @property
    def key(self) -> StageKey:
        return (self.pipeline.name, self.spec.name, self.spec.version)


class Registry:
    """Handlers are found by (pipeline, stage, version) here, and by nothing that Redis says."""

    def __init__(self, pipelines: Iterable[Pipeline], settings: Settings) -> None:
        self._pipelines = tuple(pipelines)
        _refuse_twins(self._pipelines)
        self._served: Mapping[StageKey, Served] = {
            served.key: served for pipeline in self._pipelines for served in _serve(pipeline, settings)
        }

    @property
    def served(self) -> tuple[Served, ...]:
        return tuple(self._served.values())

    @property
    def queues(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(served.spec.queue for served in self.served))

    def find(self, key: StageKey) -> Served | None:
        """The stage under this key; None if this process does not run it."""
        return self._served.get(key)

    def specs(self) -> list[PipelineSpec]:
        """What is published: the definitions under this installation's settings."""
        return [self._spec(pipeline) for pipeline in self._pipelines]

    def served_stages(self) -> tuple[ServedStage, ...]:
        """What a worker session tells of itself."""
        return tuple(
            ServedStage(
                served.pipeline.name,
                served.pipeline.version,
                served.spec.name,
                served.spec.version,
                served.spec.queue,
                served.spec.concurrency,
            )
            for served in self.served
        )

    def _spec(self, pipeline: Pipeline) -> PipelineSpec:
        return PipelineSpec(
            name=pipeline.name,
            version=pipeline.version,
            description=pipeline.description,
            stages=tuple(served.spec for served in self.served if served.pipeline is pipeline),
            input_schema=pipeline.input_schema,
            document=DocumentNeed(pipeline.document),
            media_types=pipeline.media_types,
            sample=pipeline.sample() if pipeline.sample is not None else None,
        )


def load_pipelines(targets: Iterable[str]) -> list[Pipeline]:
    """The pipelines named as `module:attribute`; the built-in ones if none is named. Raises PipelineMissing.

    A module may lie in the current directory, which comes first, as it does for `python -m`.
    """
    named = list(targets)
    if not named:
        from jobcontrol_workers.pipelines import BUILT_IN

        return list(BUILT_IN)
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    return [_load(target) for target in named]


def _load(target: str) -> Pipeline:
    module_name, _, attribute = target.partition(":")
    try:
        pipeline = getattr(importlib.import_module(module_name), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise PipelineMissing(f"{target} cannot be loaded: {error}; name it as module:pipeline") from error
    if not isinstance(pipeline, Pipeline):
        raise PipelineMissing(f"{target} is not a jobcontrol.Pipeline")
    return pipeline


def _refuse_twins(pipelines: Iterable[Pipeline]) -> None:
    seen: set[str] = set()
    for pipeline in pipelines:
        if pipeline.name in seen:
            raise DefinitionError(f"two pipelines are named {pipeline.name!r}; serve one of them")
        seen.add(pipeline.name)


def _serve(pipeline: Pipeline, settings: Settings) -> list[Served]:
    return [
        Served(pipeline, stage, _stage_spec(number, stage, settings)) for number, stage in enumerate(pipeline.stages)
    ]


def _stage_spec(number: int, stage: Stage, settings: Settings) -> StageSpec:
    return StageSpec(
        number=number,
        name=stage.name,
        queue=stage.queue,
        version=stage.version,
        weight=stage.weight,
        concurrency=settings.concurrency_by_queue.get(stage.queue, stage.concurrency),
        retry=_retry(stage, settings),
        tolerated_share=stage.tolerated_share,
        limits=_limits(stage, settings),
    )


def _limits(stage: Stage, settings: Settings) -> QueueLimits:
    rate = settings.rate_by_queue.get(stage.queue) or (stage.rate and (stage.rate.count, stage.rate.per))
    count, per = rate or (None, None)
    return QueueLimits(stage.max_running, count, per)


def _retry(stage: Stage, settings: Settings) -> RetryPolicy:
    own = stage.retry
    policy = RetryPolicy(own.max_attempts, own.base, own.factor, own.max_delay)
    if settings.max_attempts is not None:
        policy = replace(policy, max_attempts=settings.max_attempts)
    if settings.backoff_delay is not None:
        base = settings.backoff_delay / 1000
        policy = replace(policy, base=base, max_delay=max(policy.max_delay, base))
    if settings.backoff_type is not None:
        policy = replace(policy, factor=1.0 if settings.backoff_type == "fixed" else max(2.0, policy.factor))
    return policy
