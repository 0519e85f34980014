"""Live bars on a terminal: one per stage, redrawn in place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import TracebackType

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.text import Text

from jobcontrol.display.board import Board
from jobcontrol.display.wording import (
    count_of,
    failure_line,
    format_seconds,
    notes_of,
    run_seconds,
    share_of,
    verb_of,
)
from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState, JobStatus, StageProgress

FRAMES_PER_SECOND = 10
WIDEST_BAR, NARROWEST_BAR = 20, 4
#: Columns of a row that are neither label, bar, count nor notes.
_GAPS = 6
_STATUS_STYLES = {JobStatus.COMPLETED: "green", JobStatus.FAILED: "red", JobStatus.CANCELLED: "yellow"}


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Bars:
    """A display on a terminal. The last frame stays; the cursor comes back whatever happens."""

    def __init__(self, console: Console, state: JobState, *, now: Callable[[], datetime] = _utc_now) -> None:
        self._console = console
        self._board = Board(state)
        self._now = now
        self._live = Live(
            self,
            console=console,
            refresh_per_second=FRAMES_PER_SECOND,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Bars:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()

    def show(self, event: Event, state: JobState) -> None:
        self._board.apply(event, state)

    def note_link(self, notice: LinkNotice) -> None:
        self._board.note_link(notice)
        if notice.is_restored:
            self.say(f"-- {notice.cause}; reconnected, nothing was missed")

    def say(self, text: str) -> None:
        self._console.print(Text(text, style="dim"))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        glyphs = "█░" if options.encoding.startswith("utf") else "#-"
        for line in self._lines(options.max_width, glyphs):
            line.no_wrap = True
            line.truncate(options.max_width, overflow="ellipsis" if glyphs == "█░" else "crop")
            yield line

    def _lines(self, width: int, glyphs: str) -> Iterator[Text]:
        yield self._headline()
        yield from self._rows(width, glyphs)
        for step in self._board.failures:
            yield Text(f"  ! {failure_line(step)}", style="red")
        if self._board.state.waiting_message:
            yield Text(f"  waiting: {self._board.state.waiting_message}", style="yellow")

    def _headline(self) -> Text:
        state = self._board.state
        line = Text(f"{verb_of(state.status)} {state.name}", style="bold")
        line.append(f"   {state.percent}%", style=_STATUS_STYLES.get(state.status, ""))
        if (seconds := run_seconds(state, self._now())) is not None:
            line.append(f"  {format_seconds(seconds)}", style="not bold")
        if self._board.is_link_lost:
            line.append("  reconnecting", style="yellow")
        return line

    def _rows(self, width: int, glyphs: str) -> Iterator[Text]:
        stages = self._board.state.stages
        labels = [stage.stage.replace("-", " ").title() for stage in stages]
        notes = [notes_of(stage, self._board.seconds_of(stage)) for stage in stages]
        counts = [count_of(stage) for stage in stages]
        label_width, count_width = _widest(labels), _widest(counts)
        room = width - label_width - count_width - _widest(notes) - _GAPS
        bar_width = max(NARROWEST_BAR, min(WIDEST_BAR, room))
        for stage, label, count, note in zip(stages, labels, counts, notes, strict=True):
            row = Text(f"  {label:<{label_width}} ")
            row.append(_bar(stage, bar_width, glyphs), style="red" if stage.failed else "green")
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
