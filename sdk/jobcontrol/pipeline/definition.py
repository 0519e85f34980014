"""A pipeline: its stages in order, who handles their steps, and how often these are tried."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

from jobcontrol.pipeline.answers import JsonValue

Handler = Callable[..., Any]
H = TypeVar("H", bound=Handler)

NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
FINISH = "finalize"
LONGEST_TIMEOUT = 30 * 86_400.0


class DefinitionError(ValueError):
    """A pipeline that cannot work, told when it is defined and not when it runs."""


@dataclass(frozen=True, slots=True)
class Retry:
    """How often a step is tried, and how long it waits between tries.

    Delay n is `min(max_delay, base * factor ** (n - 1))` seconds, give or take 20 %; with `factor=1`
    the delay is fixed. `max_attempts` counts tries in all, the first one included.
    """

    max_attempts: int = 3
    base: float = 1.0
    factor: float = 2.0
    max_delay: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.max_attempts <= 20:
            raise DefinitionError("Retry.max_attempts must be 1 to 20")
        if not 0 <= self.base <= self.max_delay:
            raise DefinitionError("Retry.base must be 0 or more, and max_delay at least base")
        if not 1 <= self.factor <= 10:
            raise DefinitionError("Retry.factor must be 1 (fixed) to 10")


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` steps start within any `per` seconds, on all workers together: `Rate(10, per=60)`."""

    count: int
    per: float = 60.0

    def __post_init__(self) -> None:
        if not 1 <= self.count <= 1_000:
            raise DefinitionError(
                "Rate.count must be 1 to 1,000; for more, shorten `per`: 6,000 a minute are 100 a second"
            )
        if not 0.01 <= self.per <= 86_400:
            raise DefinitionError("Rate.per must be 0.01 s to a day")

    def __str__(self) -> str:
        return f"{self.count} in {self.per:g} s"


@dataclass(frozen=True, slots=True)
class Tolerate:
    """At most this share of a stage's steps may fail: with 0.1, 10 of 100 may, and the 11th fails the build.

    Decided once all of the stage's steps are known, and from then on at each failure.
    """

    share: float

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise DefinitionError(
                "Tolerate.share must be more than 0 (that is 'fail_fast') and less than 1 ('continue')"
            )


OnFailure = Literal["continue", "fail_fast"] | Tolerate


@dataclass(frozen=True, slots=True)
class Stage:
    """One stage: who handles its steps, on which queue, and what it weighs in the percentage."""

    name: str
    handler: Handler
    weight: float
    queue: str
    version: int
    concurrency: int
    retry: Retry
    timeout: float | None = None
    #: Of its steps, how many may fail before the build does: 1 = all, 0 = none.
    tolerated_share: float = 1.0
    max_running: int | None = None
    rate: Rate | None = None


class Pipeline:
    """A named sequence of stages; the first one starts with a single step, `finish` ends the build.

    `input` is a dataclass whose fields are the build's parameters. `document` says whether a build
    must, may or must not bring a document; `sample` reads one that ships with the pipeline.
    """

    def __init__(
        self,
        name: str,
        *,
        version: int = 1,
        description: str = "",
        input: type[Any] | None = None,
        input_schema: Mapping[str, JsonValue] | None = None,
        document: Literal["required", "optional", "none"] = "none",
        media_types: Sequence[str] = (),
        sample: Callable[[], bytes] | None = None,
    ) -> None:
        if document not in ("required", "optional", "none"):
            raise DefinitionError(f"pipeline {name}: document must be 'required', 'optional' or 'none'")
        self.name = _checked_name(name, "pipeline")
        self.version = version
        self.description = description
        self.input = input
        self.input_schema: Mapping[str, JsonValue] = input_schema or {"type": "object"}
        self.document = document
        self.media_types = tuple(media_types)
        self.sample = sample
        self._stages: list[Stage] = []
        self._finish: Stage | None = None

    def stage(
        self,
        name: str,
        *,
        weight: float,
        queue: str = "",
        version: int = 1,
        concurrency: int = 10,
        retry: Retry | None = None,
        timeout: float | None = None,
        on_failure: OnFailure = "continue",
        max_running: int | None = None,
        rate: Rate | None = None,
    ) -> Callable[[H], H]:
        """Register the decorated `handler(ctx, input)` for the steps of stage `name`.

        The handler may be a coroutine function or a plain one, which then runs on a thread. It answers
        with `ctx.fan_out(...)` or any JSON value; a list counts as that many items. `concurrency` is
        how many steps of this stage one worker process runs at once, over all jobs.

        `max_running` and `rate` limit the stage's queue for all workers together: how many of its steps run at
        once, and how many start within a window. Pipelines that share a queue declare the same, as the one that is
        published last is heard. An operator may set others while builds run. Where there is a
        rate, a handler that raises `RetryAfter` holds the whole queue for so long, not its step alone.

        A handler that runs longer than `timeout` seconds is told to stop, by `asyncio.CancelledError` or by
        `ctx.cancelled`; its try is used up, and ends TIMED_OUT. One that is still running 4 s later takes its
        process out of service: the process's other steps have 30 s to end, and another process takes over.

        `on_failure` says what a step that used up its tries does to the build. `"continue"`: nothing comes of
        it, its siblings go on, and the build completes without it, unless every step of the stage failed.
        `"fail_fast"`: the first one fails the build. `Tolerate(0.1)`: more than a tenth of the stage's steps
        fail it. A build that fails starts no further step, and those that run are told to stop.
        """
        if name == FINISH or name in {stage.name for stage in self._stages}:
            raise DefinitionError(f"pipeline {self.name}: stage name {name!r} is taken")

        def register(handler: H) -> H:
            made = self._make_stage(name, handler, weight, queue, version, concurrency, retry)
            self._stages.append(
                replace(
                    made,
                    timeout=_checked_timeout(name, timeout),
                    tolerated_share=_tolerated_share(name, on_failure),
                    max_running=_checked_max_running(name, max_running),
                    rate=rate,
                )
            )
            return handler

        return register

    def finish(
        self,
        handler: H | None = None,
        *,
        queue: str = "",
        version: int = 1,
        retry: Retry | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Register `handler(ctx, input, results)`: runs once, after all steps; its answer is the job's result."""

        def register(handler: H) -> H:
            if self._finish is not None:
                raise DefinitionError(f"pipeline {self.name}: finish is defined twice")
            made = self._make_stage(FINISH, handler, 0.0, queue, version, 1, retry)
            self._finish = replace(made, timeout=_checked_timeout(FINISH, timeout))
            return handler

        return register(handler) if handler is not None else register

    @property
    def stages(self) -> tuple[Stage, ...]:
        """The weighted stages in order, then `finalize`. Raises DefinitionError if they cannot work."""
        if not self._stages or self._finish is None:
            raise DefinitionError(f"pipeline {self.name} needs at least one stage and a finish")
        total = sum(stage.weight for stage in self._stages)
        if abs(total - 1.0) > 1e-6:
            raise DefinitionError(f"pipeline {self.name}: stage weights add up to {total:g}, not 1")
        return (*self._stages, self._finish)

    def _make_stage(
        self,
        name: str,
        handler: Handler,
        weight: float,
        queue: str,
        version: int,
        concurrency: int,
        retry: Retry | None,
    ) -> Stage:
        if concurrency < 1 or version < 1:
            raise DefinitionError(f"stage {name}: concurrency and version must be at least 1")
        if not 0 <= weight <= 1:
            raise DefinitionError(f"stage {name}: weight must be 0 to 1; all weights together make 1")
        queue_name = _checked_name(queue or f"{self.name}-{name}", "queue")
        return Stage(_checked_name(name, "stage"), handler, weight, queue_name, version, concurrency, retry or Retry())


def _checked_name(name: str, what: str) -> str:
    if not NAME.fullmatch(name):
        raise DefinitionError(f"{what} name {name!r} must match {NAME.pattern}")
    return name


def _checked_timeout(name: str, timeout: float | None) -> float | None:
    if timeout is not None and not 0 < timeout <= LONGEST_TIMEOUT:
        raise DefinitionError(f"stage {name}: timeout must be more than 0 s, and at most 30 days")
    return timeout


def _checked_max_running(name: str, max_running: int | None) -> int | None:
    if max_running is not None and max_running < 1:
        raise DefinitionError(f"stage {name}: max_running must be at least 1; to stop a queue, pause it")
    return max_running


def _tolerated_share(name: str, on_failure: OnFailure) -> float:
    match on_failure:
        case Tolerate(share):
            return share
        case "continue":
            return 1.0
        case "fail_fast":
            return 0.0
    raise DefinitionError(f"stage {name}: on_failure must be 'continue', 'fail_fast' or Tolerate(share)")
