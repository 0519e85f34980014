"""What a running attempt tells of itself before its end: how far it is, lines for its log, a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

MAX_NOTE = 512
MAX_LINE = 2 << 10
#: Lines that are kept of one attempt.
MAX_LINES = 1_000
MAX_CHECKPOINT = 256 << 10


@dataclass(frozen=True, slots=True)
class Line:
    """Line `number` of an attempt's log, from 1."""

    number: int
    message: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a handler says it is: `fraction` 0 to 1, None if it does not know."""

    fraction: float | None
    note: str


@dataclass(frozen=True, slots=True)
class StepReport:
    """What attempt `attempt` of a step told since its last report. `checkpoint` is JSON text; None = nothing new."""

    job_id: str
    step_id: str
    attempt: int
    progress: Progress | None = None
    lines: tuple[Line, ...] = ()
    checkpoint: str | None = None

    def followed_by(self, later: StepReport) -> StepReport:
        """Both as one: every line, and the newest of everything else."""
        return replace(
            later,
            progress=later.progress or self.progress,
            lines=self.lines + later.lines,
            checkpoint=self.checkpoint if later.checkpoint is None else later.checkpoint,
        )

    def columns(self) -> Mapping[str, Any]:
        """What it changes of the step's row."""
        if self.progress is None:
            return {}
        return {"progress_fraction": self.progress.fraction, "progress_note": self.progress.note}
