"""What a handler is given: its context, the build's document, the outputs of other stages."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NoReturn, Protocol, TypeVar

from jobcontrol.pipeline.answers import FanOut, JsonValue

T = TypeVar("T")


class Document(Protocol):
    """The document that a build was started with; its text is read once per process."""

    @property
    def media_type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def text(self) -> str: ...


class Context(Protocol):
    """What a handler knows of its step, and the ways in which it can answer."""

    @property
    def job_id(self) -> str: ...
    @property
    def step_id(self) -> str: ...
    @property
    def path_id(self) -> str: ...
    @property
    def title(self) -> str: ...
    @property
    def stage(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def attempt(self) -> int: ...
    @property
    def parameters(self) -> Mapping[str, JsonValue]: ...
    @property
    def document(self) -> Document | None: ...
    @property
    def cancelled(self) -> bool:
        """True once the step is to stop: a plain function should look now and then and return.

        What a handler returns or raises after it saw True is not kept: the step runs again, or its job
        is stopping. Async handlers receive `asyncio.CancelledError` instead.
        """
        ...

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step and for its retries in later jobs."""
        ...

    def fan_out(
        self,
        stage: str,
        values: Iterable[T],
        *,
        key: Callable[[T], str],
        label: Callable[[T], str] | None = None,
        output: JsonValue = None,
    ) -> FanOut:
        """Answer with one step in `stage` per value. Dataclass values become JSON objects."""
        ...

    def skip(self, reason: str) -> NoReturn:
        """End this step SKIPPED."""
        ...


class Results(Protocol):
    """What a `finish` handler receives: the outputs of the completed steps, by stage."""

    def __getitem__(self, stage: str) -> Iterable[JsonValue]:
        """The outputs of `stage`, in document order, read as they are iterated."""
        ...
