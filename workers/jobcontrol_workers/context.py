"""What a handler sees of its step."""

from __future__ import annotations

import hashlib
import itertools
import json
import math
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar

from jobcontrol.pipeline import Child, Document, FanOut, SkipStep, to_json_value
from jobcontrol_core.domain.outcomes import encode_json, storable_text
from jobcontrol_core.domain.reports import MAX_CHECKPOINT, MAX_LINE, MAX_LINES, MAX_NOTE, Line, Progress, StepReport
from jobcontrol_core.domain.values import Build, ClaimedStep
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.lookup import read_outputs

T = TypeVar("T")

_PAGE = 200


@dataclass(frozen=True, slots=True)
class LoadedDocument:
    """A build's document, decoded. See `jobcontrol.pipeline.Document`."""

    media_type: str
    name: str
    text: str


class StepContext:
    """One attempt's context. See `jobcontrol.pipeline.Context` for the contract."""

    def __init__(
        self,
        build: Build,
        claimed: ClaimedStep,
        document: Document | None,
        tell: Callable[[StepReport], None] = lambda _report: None,
    ) -> None:
        self._build = build
        self._claimed = claimed
        self.document = document
        self._tell = tell
        self._lines = itertools.count(1)
        self._logging = threading.Lock()
        self._checkpoint = claimed.checkpoint
        #: Set by the process when the step is to stop, and why; never unset.
        self.stop_cause: str | None = None
        #: The handler knows that it is to stop; whatever it says afterwards is no result.
        self.has_seen_stop = False

    @property
    def job_id(self) -> str:
        return self._build.job_id

    @property
    def step_id(self) -> str:
        return self._claimed.step.id

    @property
    def path_id(self) -> str:
        return self._build.path_id

    @property
    def title(self) -> str:
        return self._build.title

    @property
    def stage(self) -> str:
        return self._claimed.step.stage

    @property
    def key(self) -> str:
        return self._claimed.step.key

    @property
    def attempt(self) -> int:
        return self._claimed.step.attempt

    @property
    def parameters(self) -> Mapping[str, Any]:
        return self._build.parameters

    @property
    def cancelled(self) -> bool:
        self.has_seen_stop = self.stop_cause is not None
        return self.has_seen_stop

    @property
    def idempotency_key(self) -> str:
        parts = json.dumps([self._build.first_job_id, self.stage, self._claimed.key_path])
        return hashlib.sha256(parts.encode()).hexdigest()

    @property
    def last_checkpoint(self) -> Any:
        return None if self._checkpoint is None else json.loads(self._checkpoint)

    def log(self, message: str) -> None:
        text = storable_text(str(message), MAX_LINE)
        # Threads of one handler may log at once; what is reported is in the order of its numbers.
        with self._logging:
            number = next(self._lines)
            if number == MAX_LINES:
                text = f"[…] of an attempt no more than {MAX_LINES:,} lines are kept"
            if number <= MAX_LINES:
                self._report(lines=(Line(number, text),))

    def progress(self, fraction: float | None, note: str = "") -> None:
        if fraction is not None and math.isnan(fraction):
            raise ValueError("ctx.progress takes a fraction from 0 to 1, or None")
        share = None if fraction is None else min(1.0, max(0.0, float(fraction)))
        self._report(progress=Progress(share, storable_text(str(note), MAX_NOTE)))

    def checkpoint(self, value: Any) -> None:
        self._checkpoint = encode_json(to_json_value(value), what="the checkpoint", limit=MAX_CHECKPOINT)
        self._report(checkpoint=self._checkpoint)

    def _report(self, **told: Any) -> None:
        self._tell(StepReport(self.job_id, self.step_id, self.attempt, **told))

    def fan_out(
        self,
        stage: str,
        values: Iterable[T],
        *,
        key: Callable[[T], str],
        label: Callable[[T], str] | None = None,
        output: Any = None,
    ) -> FanOut:
        children = []
        for value in values:
            own_key = str(key(value))
            children.append(Child(own_key, to_json_value(value), str(label(value)) if label is not None else own_key))
        return FanOut(stage, tuple(children), output)

    def skip(self, reason: str) -> NoReturn:
        raise SkipStep(reason)


class StoredResults:
    """Outputs by stage, read page by page as they are iterated. See `jobcontrol.pipeline.Results`."""

    def __init__(self, store: Store, build: Build) -> None:
        self._store = store
        self._build = build
        self._numbers = {stage.name: stage.number for stage in build.stages}

    def __getitem__(self, stage: str) -> Iterator[Any]:
        return self._read(self._numbers[stage])

    def _read(self, stage_no: int) -> Iterator[Any]:
        after = ""
        while True:
            page = self._store.read(read_outputs, self._build.job_id, stage_no, after=after, limit=_PAGE)
            for _, text in page:
                yield json.loads(text)
            if len(page) < _PAGE:
                return
            after = page[-1][0]
