"""Progress as lines, for pipes and logs: one for each change worth a line, and a sign of life."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, tzinfo
from types import TracebackType

from jobcontrol.display.board import Board, failed_steps
from jobcontrol.display.wording import (
    count_of,
    failure_line,
    format_seconds,
    left_words,
    seconds_of,
    share_of,
    step_news,
)
from jobcontrol.events import Event, LinkNotice, StepChange
from jobcontrol.values import JobState, StageProgress, StepStatus

#: Seconds without a line after which one is written all the same.
SIGN_OF_LIFE = 30.0
#: A stage gets a line for each such share of it.
SHARE = 0.1
#: Failed steps that get a line each.
NAMED_FAILURES = 10


class Lines:
    """A display where nothing can be redrawn."""

    def __init__(
        self,
        write: Callable[[str], None],
        state: JobState,
        *,
        with_steps: bool = False,
        zone: tzinfo | None = None,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._write = write
        self._board = Board(state)
        self._with_steps = with_steps
        self._zone, self._clock, self._now = zone, clock, now
        self._written_at = clock()
        self._named_failures = 0
        self._has_told_waiting = False
        self._told = {stage.stage: _mark_of(stage) for stage in state.stages}

    def __enter__(self) -> Lines:
        state = self._board.state
        self._say(f"{state.name} ({state.short_id}) is {state.status}, {state.percent}%", self._now())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def show(self, event: Event, state: JobState) -> None:
        self._board.apply(event, state)
        for line in self._news(event, state):
            self._say(line, event.time or self._now())
        if self._clock() - self._written_at >= SIGN_OF_LIFE:
            self._say(f"... {self._standing()}", self._now())

    def foretell(self, told: JobState) -> None:
        self._board.foretell(told, self._now())
        # Before the first sign of life it would look as if nothing happened; after it, that one tells.
        if self._board.waiting and not self._has_told_waiting:
            self._has_told_waiting = True
            self._say(f"waiting: {self._board.waiting}", self._now())

    def _standing(self) -> str:
        state, left = self._board.state, self._board.time_left(self._now())
        words = [f"still {state.status}", f"{state.percent}%", *([left_words(*left)] if left else [])]
        waiting = f"; waiting: {self._board.waiting}" if self._board.waiting else ""
        return f"{', '.join(words)}{waiting}"

    def note_link(self, notice: LinkNotice) -> None:
        restored = "reconnected, nothing was missed"
        self._say(restored if notice.is_restored else f"{notice.cause}; trying again", self._now())

    def say(self, text: str) -> None:
        self._say(text, self._now())

    def _news(self, event: Event, state: JobState) -> Iterator[str]:
        if event.changes is not None and event.changes.status is not None and not event.is_last:
            yield f"job {state.status}" + (f": {state.status_reason}" if state.status_reason else "")
        if self._with_steps and event.changes is not None:
            yield from (f"{_sign(change)}{step_news(change)}" for change in event.changes.steps)
        else:
            yield from self._failures(event)
        for stage in state.stages:
            mark = _mark_of(stage)
            if mark > self._told.get(stage.stage, 0):
                self._told[stage.stage] = mark
                yield self._stage_line(stage)

    def _failures(self, event: Event) -> Iterator[str]:
        for step in failed_steps(event):
            self._named_failures += 1
            if self._named_failures <= NAMED_FAILURES:
                yield f"! {step.stage}: {failure_line(step)}"
            elif self._named_failures == NAMED_FAILURES + 1:
                yield "! more steps failed; further ones are counted, not named"

    def _stage_line(self, stage: StageProgress) -> str:
        words = [stage.stage, count_of(stage)]
        if stage.is_done:
            seconds = seconds_of(stage)
            words.append("done" if seconds is None else f"done {format_seconds(seconds)}")
        if stage.failed:
            words.append(f"({stage.failed} failed)")
        return " ".join(words)

    def _say(self, text: str, moment: datetime) -> None:
        self._write(f"{moment.astimezone(self._zone):%H:%M:%S} {text}")
        self._written_at = self._clock()


def _sign(change: StepChange) -> str:
    return "! " if change.step.status is StepStatus.FAILED else ""


def _mark_of(stage: StageProgress) -> int:
    """How many shares of a stage are done; one more when all of it is."""
    shares = int(share_of(stage) / SHARE + 1e-9)
    return shares + 1 if stage.is_done else min(shares, int(1 / SHARE) - 1)
