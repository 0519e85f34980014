"""How progress looks: bars at two widths, lines in a pipe, both from the messages of a recorded build."""

import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from rich.console import Console

from jobcontrol import JobState
from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol._event_decoding import to_event
from jobcontrol._settings import ClientSettings
from jobcontrol.display import Display, open_display
from jobcontrol.display.bars import Bars
from jobcontrol.display.frame import Frame
from jobcontrol.display.lines import Lines
from jobcontrol.display.wording import count_of, format_seconds, share_of
from jobcontrol.events import Event, LinkNotice, advance
from jobcontrol.v1 import StageProgress as StageProgressMessage
from jobcontrol.values import StageProgress, TimeLeft
from sdk.recording import (
    BEGAN,
    FAILING,
    HALF,
    LIFETIMES,
    WAITING,
    changed,
    changes,
    heartbeat,
    job,
    partial_build,
    step,
)

START = to_job_state(job("PENDING", at=0, stages=WAITING))


def played(messages: Sequence[pb.WatchProgressResponse], state: JobState = START) -> Iterator[tuple[Event, JobState]]:
    for message in messages:
        event = to_event(message)
        state = advance(state, event)
        yield event, state


def drawn(count: int, *, width: int, encoding: str = "utf-8", cut: bool = False) -> list[str]:
    """The frame after so many messages of the recorded build, 61 seconds into it."""
    written = io.BytesIO()
    console = Console(file=io.TextIOWrapper(written, encoding=encoding), width=width, color_system=None)
    bars = Bars(console, START, now=lambda: BEGAN + timedelta(seconds=61))
    for event, state in played(partial_build()[:count]):
        bars.show(event, state)
    if cut:
        bars._board.note_link(LinkNotice(is_restored=False, cause="gone"))
    Frame(console, bars.draw)._show()
    return [line for line in re.sub(r"\x1b\[.|\r", "", written.getvalue().decode(encoding)).split("\n") if line]


def test_bars_in_the_middle_of_a_build_on_a_wide_terminal() -> None:
    assert drawn(5, width=120) == [
        "Building rust-101   79%  1m01",
        "  Concepts        ████████████████████ 12/12   10s",
        "  Knowledge Units ██████████░░░░░░░░░░ 12/~23  2 running · 1 failed",
        "  ! Lifetimes: RateLimitError: 429 from model (3 tries)",
    ]


def test_bars_become_shorter_before_anything_is_lost() -> None:
    lines = drawn(5, width=60)
    assert lines[1] == "  Concepts        ████████████ 12/12   10s"
    assert lines[2] == "  Knowledge Units ██████░░░░░░ 12/~23  2 running · 1 failed"
    assert max(map(len, lines)) <= 60


@pytest.mark.parametrize("width", [20, 33, 47])
def test_on_a_very_narrow_terminal_lines_end_with_an_ellipsis_and_never_wrap(width: int) -> None:
    lines = drawn(5, width=width)
    assert len(lines) == 4
    assert max(map(len, lines)) <= width
    assert lines[2].endswith("…")


def test_a_terminal_without_unicode_gets_plain_marks() -> None:
    assert "##########----------" in drawn(5, width=120, encoding="ascii")[2]


def test_the_last_frame_tells_the_exact_time_and_full_bars() -> None:
    assert drawn(6, width=120)[:3] == [
        "Built rust-101   100%  3m30",
        "  Concepts        ████████████████████ 12/12  10s",
        "  Knowledge Units ████████████████████ 22/22  3m00 · 1 failed",
    ]


def test_a_lost_link_is_shown_while_it_is_lost() -> None:
    assert drawn(5, width=120, cut=True)[0] == "Building rust-101   79%  1m01  reconnecting"


class Written:
    """Lines with a clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.text: list[str] = []
        self.seconds = 0.0
        moment = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
        self.display = Lines(
            self.text.append,
            START,
            zone=UTC,
            clock=lambda: self.seconds,
            now=lambda: moment + timedelta(seconds=self.seconds),
        )

    def play(self, messages: Sequence[pb.WatchProgressResponse]) -> list[str]:
        for event, state in played(messages):
            self.display.show(event, state)
        return self.text


def test_lines_tell_changes_alone() -> None:
    written = Written()
    with written.display:
        written.play(partial_build())
    assert written.text == [
        "12:00:00 rust-101 (7f3a91c2) is pending, 0%",
        "12:00:10 job pending",
        "12:00:20 job processing",
        "12:00:30 concepts 12/12 done 10s",
        "12:00:50 knowledge-units 12/~24",
        "12:01:00 ! knowledge-units: Lifetimes: RateLimitError: 429 from model (3 tries)",
        "12:03:30 knowledge-units 22/22 done 3m00 (1 failed)",
    ]


def test_half_a_minute_without_a_line_is_a_sign_of_life_and_less_is_none() -> None:
    written = Written()
    written.play([changed(4, changes(55, HALF))])
    before = len(written.text)
    written.seconds = 29.0
    written.play([heartbeat(4)])
    assert len(written.text) == before
    written.seconds = 30.0
    written.play([heartbeat(4)])
    assert written.text[-1] == "12:00:30 ... still pending, 0%"


def test_many_failures_are_not_all_named() -> None:
    failed = [step(f"S{number}", "FAILED", error="ValueError: no") for number in range(30)]
    text = Written().play([changed(6, changes(79, FAILING, *failed, errors=30))])
    named = [line for line in text if " ! " in line]
    assert len(named) == 11
    assert named[-1].endswith("further ones are counted, not named")


def test_a_link_that_breaks_is_told_when_it_breaks_and_when_it_is_back() -> None:
    written = Written()
    written.display.note_link(LinkNotice(is_restored=False, cause="no server at x (refused)"))
    written.display.note_link(LinkNotice(is_restored=True, cause="no server at x (refused)"))
    assert [line[9:] for line in written.text] == [
        "no server at x (refused); trying again",
        "reconnected, nothing was missed",
    ]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "mode", "settings", "kind"),
    [
        (Terminal(), "auto", ClientSettings(), Bars),
        (io.StringIO(), "auto", ClientSettings(), Lines),
        (Terminal(), "auto", ClientSettings(is_dumb_terminal=True), Lines),
        (Terminal(), "plain", ClientSettings(), Lines),
        (io.StringIO(), "tty", ClientSettings(), Bars),
    ],
)
def test_the_terminal_decides_unless_it_is_told(
    stream: io.StringIO, mode: str, settings: ClientSettings, kind: type
) -> None:
    assert isinstance(open_display(START, mode=mode, stream=stream, settings=settings), kind)  # type: ignore[arg-type]


def test_quiet_is_quiet() -> None:
    stream = Terminal()
    with open_display(START, mode="quiet", stream=stream) as display:
        _play(display)
    assert stream.getvalue() == ""


def test_the_last_frame_stays_and_the_cursor_comes_back_even_when_the_watch_breaks() -> None:
    stream = Terminal()
    with pytest.raises(KeyboardInterrupt):
        _play_and_break(open_display(START, mode="tty", stream=stream))
    assert "rust-101" in stream.getvalue()
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def _play_and_break(display: Display) -> None:
    with display:
        _play(display)
        raise KeyboardInterrupt


def _play(display: Display) -> None:
    for event, state in played(partial_build()[:5]):
        display.show(event, state)


def test_a_stages_time_is_told_by_who_came_when_it_was_over() -> None:
    written = Written()
    written.play(partial_build()[2:3])
    assert written.text[-1].endswith("concepts 12/12 done 10s")


def test_no_time_is_told_of_a_stage_that_never_ran() -> None:
    written = Written()
    written.play([changed(3, changes(10, (StageProgressMessage(stage="extra", total_final=True, items_final=True),)))])
    assert written.text[-1].endswith("extra 0/0 done")


def foretold(waiting: str = "", *, p50: float = 0, p90: float = 0) -> JobState:
    left = TimeLeft(timedelta(seconds=p50), timedelta(seconds=p90), 40) if p90 else None
    return replace(START, waiting_message=waiting, time_left=left)


def test_the_time_left_runs_down_between_two_answers_and_ends_with_the_guess() -> None:
    now = [BEGAN]
    bars = Bars(Console(file=io.StringIO(), width=120), START, now=lambda: now[0])
    bars.foretell(foretold(p50=70, p90=200))
    seen = []
    for seconds in (0, 60, 150, 200):
        now[0] = BEGAN + timedelta(seconds=seconds)
        seen.append(next(bars.draw(120)).plain.partition("0%")[2].split("  ")[2:])
    assert seen == [["about 1-3 min left"], ["about 0-2 min left"], ["about 0-50 s left"], []]


def test_why_it_waits_is_shown_until_something_moves() -> None:
    bars = Bars(Console(file=io.StringIO(), width=120), START, now=lambda: BEGAN)
    bars.foretell(foretold("no worker serves generate-ku"))
    assert [line.plain for line in bars.draw(120)][-1] == "  waiting: no worker serves generate-ku"
    for event, state in played(partial_build()[:2]):
        bars.show(event, state)
    assert not any("waiting:" in line.plain for line in bars.draw(120))


def test_lines_say_once_why_it_waits_and_again_with_each_sign_of_life() -> None:
    written = Written()
    for _ in range(3):
        written.display.foretell(foretold("no worker serves generate-ku", p50=40, p90=40))
    written.seconds = 31.0
    written.play([heartbeat(0)])
    assert [line[9:] for line in written.text] == [
        "waiting: no worker serves generate-ku",
        "... still pending, 0%, about 9 s left; waiting: no worker serves generate-ku",
    ]


def test_each_step_that_moves_gets_a_line_if_that_is_wanted() -> None:
    text: list[str] = []
    lines = Lines(text.append, START, with_steps=True, zone=UTC)
    again = step("Borrowing", "PENDING", error="RateLimitError: 429", tries=1)
    again.will_retry = True
    told = [
        step("concepts", "PROCESSING", stage="concepts"),
        step("Moves", "PROCESSING", tries=2),
        step("Moves", "PROCESSING", progress_fraction=0.5, progress_note="page 3"),
        step("Moves", "COMPLETED", item_count=4, run_duration=timedelta(seconds=11.2)),
        again,
        LIFETIMES,
    ]
    for event, state in played([changed(4, changes(0, WAITING, *told))]):
        lines.show(event, state)
    assert [line[9:] for line in text] == [
        "concepts: concepts started",
        "knowledge-units: Moves started, try 2",
        "knowledge-units: Moves at 50% page 3",
        "knowledge-units: Moves completed 11s (4)",
        "knowledge-units: Borrowing will be tried again: RateLimitError: 429",
        "! knowledge-units: Lifetimes: RateLimitError: 429 from model (3 tries)",
    ]


@pytest.mark.parametrize(
    ("stage", "count", "share"),
    [
        (StageProgress("s"), "0/?", 0.0),
        (StageProgress("s", total_final=True, items_final=True), "0/0", 1.0),
        (StageProgress("s", total=4, total_expected=8, completed=2, pending=2), "0/?", 0.25),
        (StageProgress("s", total=4, pending=4, items=3, items_expected=12), "3/~12", 0.25),
        (StageProgress("s", total=4, pending=4, items=13, items_expected=12), "13/~13", 1.0),
    ],
)
def test_counts_are_honest_about_estimates(stage: StageProgress, count: str, share: float) -> None:
    assert (count_of(stage), share_of(stage)) == (count, share)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.04, "0.0s"), (8.06, "8.1s"), (9.97, "10s"), (59.6, "1m00"), (121, "2m01"), (3720, "1h02m")]
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert format_seconds(seconds) == text


def test_a_failed_step_is_named_once_and_by_its_label() -> None:
    bars = drawn(5, width=120)
    assert [line for line in bars if LIFETIMES.step.label in line] == bars[3:]
