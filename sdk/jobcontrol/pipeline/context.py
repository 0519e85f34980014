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
        is stopping. Async handlers receive `asyncio.CancelledError` instead. Who goes on gets `StepStopped`
        raised into the thread after half of a grace, and at its end is left to itself in a process that is
        then replaced.
        """
        ...

    @property
    def idempotency_key(self) -> str:
        """The same for every attempt of this step and for its retries in later jobs."""
        ...

    @property
    def last_checkpoint(self) -> JsonValue:
        """The newest `checkpoint` of this step, whichever of its attempts made it; None if there is none.

        A step that Retry runs again in a new job starts without one.
        """
        ...

    def checkpoint(self, value: JsonValue) -> None:
        """Keep `value`, at most 256 KiB of JSON, for the next attempt should this one not end well.

        Returns at once; it is written with the process's next write. A crash in the very same moment loses
        it, and `last_checkpoint` is then the one before. Raises an error that fails the step, BAD_RESULT,
        if the value is no JSON or too large.
        """
        ...

    def progress(self, fraction: float | None, note: str = "") -> None:
        """Tell watchers how far this step is: a share from 0 to 1, if it is known, and a note of up to 512 bytes.

        Of what is told within a second the last is kept. Beyond 0 and 1 the nearest of them is meant; NaN
        is a ValueError.
        """
        ...

    def log(self, message: str) -> None:
        """Add a line of up to 2 KiB to this attempt's log; 1,000 lines of an attempt are kept."""
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
