"""What is drawn in place: as a terminal would show it, which these tests play."""

import io
import threading
from collections.abc import Iterator

import pytest
from rich.console import Console
from rich.text import Text

from jobcontrol.display.frame import Frame


class Screen(io.StringIO):
    """Counts what was written at once, and hides nothing of it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)

    def isatty(self) -> bool:
        return True


class Played:
    """A frame that is drawn when the test says so, on a terminal of any size."""

    def __init__(self, *, width: int = 40, height: int = 20) -> None:
        self.screen = Screen()
        self.console = Console(file=self.screen, width=width, height=height, color_system=None, force_terminal=True)
        self.lines = ["one", "two"]
        self.frame = Frame(self.console, self._draw)

    def draw(self) -> str:
        before = len(self.screen.writes)
        self.frame._show()
        return "".join(self.screen.writes[before:])

    def _draw(self, _width: int) -> Iterator[Text]:
        return (Text(line) for line in self.lines)


def test_the_next_frame_is_drawn_over_the_one_before() -> None:
    played = Played()
    assert played.draw() == "\rone\x1b[K\ntwo\x1b[K\n\x1b[J"
    played.lines = ["three"]
    assert played.draw() == "\x1b[2A\rthree\x1b[K\n\x1b[J"


def test_what_has_not_changed_is_not_drawn_again() -> None:
    played = Played()
    played.draw()
    assert played.draw() == ""


def test_a_terminal_made_narrower_has_wrapped_lines_which_are_drawn_over_too() -> None:
    played = Played(width=40)
    played.lines = ["x" * 30, "y"]
    played.draw()
    played.console.width = 20
    assert played.draw().startswith("\x1b[3A\r")


def test_no_line_reaches_the_last_column_and_no_frame_the_last_row() -> None:
    played = Played(width=10, height=4)
    played.lines = ["x" * 30] * 9
    drawn = played.draw()
    assert drawn.count("\n") == 3
    assert drawn.startswith(f"\r{'x' * 8}…\x1b[K\n")


def test_lines_above_stay_and_come_with_the_next_frame_at_once() -> None:
    played = Played()
    played.draw()
    for word in ("first", "second"):
        played.frame.print_above(Text(word))
    assert played.draw() == "\x1b[2A\rfirst\x1b[K\nsecond\x1b[K\none\x1b[K\ntwo\x1b[K\n\x1b[J"
    played.lines = ["three"]
    assert played.draw().startswith("\x1b[2A\rthree")


def test_the_cursor_comes_back_and_the_last_frame_stays_when_drawing_breaks() -> None:
    played = Played()

    with pytest.raises(RuntimeError, match="cannot draw"):
        _break(played)
    written = played.screen.getvalue()
    assert written.endswith("\x1b[?25h")
    assert "one" in written
    assert not any(thread.name == "jobcontrol-frame" for thread in threading.enumerate())


def _break(played: Played) -> None:
    def broken(_width: int) -> Iterator[Text]:
        raise RuntimeError("cannot draw")

    with played.frame:
        played.draw()
        # What draws by itself has ended, so that the end of the frame is what breaks.
        played.frame._is_over.set()
        played.frame._thread.join()
        played.frame._draw = broken
