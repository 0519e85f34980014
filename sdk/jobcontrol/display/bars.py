"""Live bars on a terminal: one per stage, redrawn in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console
from rich.text import Text

from jobcontrol.display.board import Board
from jobcontrol.display.frame import Frame
from jobcontrol.display.wording import (
    count_of,
    failure_line,
    format_seconds,
    left_words,
    notes_of,
    run_seconds,
    share_of,
    step_news,
    verb_of,
)
from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState, JobStatus, StageProgress

WIDEST_BAR, NARROWEST_BAR = 20, 4
#: Columns of a row that are neither label, bar, count nor notes.
_GAPS = 6
_STATUS_STYLES = {JobStatus.COMPLETED: "green", JobStatus.FAILED: "red", JobStatus.CANCELLED: "yellow"}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Bars:
    """A display on a terminal. The last frame stays; the cursor comes back whatever happens."""

    def __init__(
        self, console: Console, state: JobState, *, with_steps: bool = False, now: Callable[[], datetime] = _utc_now
    ) -> None:
        self._board = Board(state)
        self._with_steps = with_steps
        self._now = now
        self._glyphs = "█░" if console.encoding.startswith("utf") else "#-"
        self._frame = Frame(console, self.draw)

    def __enter__(self) -> Bars:
        self._frame.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._frame.__exit__()

    def show(self, event: Event, state: JobState) -> None:
        self._board.apply(event, state)
        if self._with_steps and event.changes is not None:
            for change in event.changes.steps:
                self.say(step_news(change))

    def foretell(self, told: JobState) -> None:
        self._board.foretell(told, self._now())

    def note_link(self, notice: LinkNotice) -> None:
        self._board.note_link(notice)
        if notice.is_restored:
            self.say(f"-- {notice.cause}; reconnected, nothing was missed")

    def say(self, text: str) -> None:
        self._frame.print_above(Text(text, style="dim"))

    def draw(self, width: int) -> Iterator[Text]:
        """The lines of one frame; bars take what room of `width` the rest leaves."""
        yield self._headline()
        yield from self._rows(width)
        for step in self._board.failures:
            yield Text(f"  ! {failure_line(step)}", style="red")
        if self._board.waiting:
            yield Text(f"  waiting: {self._board.waiting}", style="yellow")

    def _headline(self) -> Text:
        state, now = self._board.state, self._now()
        line = Text(f"{verb_of(state.status)} {state.name}", style="bold")
        line.append(f"   {state.percent}%", style=_STATUS_STYLES.get(state.status, ""))
        if (seconds := run_seconds(state, now)) is not None:
            # Whole seconds while it runs: each other frame would be a new one for nothing.
            took = format_seconds(seconds if state.status.has_ended else int(seconds))
            line.append(f"  {took}", style="not bold")
        if self._board.is_link_lost:
            line.append("  reconnecting", style="yellow")
        elif (left := self._board.time_left(now)) is not None:
            line.append(f"  {left_words(*left)}", style="not bold")
        return line

    def _rows(self, width: int) -> Iterator[Text]:
        stages = self._board.state.stages
        labels = [stage.stage.replace("-", " ").title() for stage in stages]
        notes = [notes_of(stage) for stage in stages]
        counts = [count_of(stage) for stage in stages]
        label_width, count_width = _widest(labels), _widest(counts)
        room = width - label_width - count_width - _widest(notes) - _GAPS
        bar_width = max(NARROWEST_BAR, min(WIDEST_BAR, room))
        for stage, label, count, note in zip(stages, labels, counts, notes, strict=True):
            row = Text(f"  {label:<{label_width}} ")
            row.append(_bar(stage, bar_width, self._glyphs), style="red" if stage.failed else "green")
            row.append(f" {count:<{count_width}}")
            row.append(f"  {note}" if note else "", style="dim")
            row.rstrip()
            yield row


def _bar(stage: StageProgress, width: int, glyphs: str) -> str:
    # Rounded down: a bar is full only when nothing is left.
    filled = int(share_of(stage) * width)
    return glyphs[0] * filled + glyphs[1] * (width - filled)


def _widest(texts: list[str]) -> int:
    return max(map(len, texts), default=0)
