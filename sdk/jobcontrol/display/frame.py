"""Lines at the end of a terminal that are drawn over in place, whatever becomes of its size."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.text import Text

FRAMES_PER_SECOND = 10
_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_ERASE_LINE, _ERASE_BELOW = "\x1b[K", "\x1b[J"


class Frame:
    """Draws what `draw(width)` gives, at most ten times a second, from `__enter__` to `__exit__`.

    The last frame stays, with whatever is printed later below it. A terminal that was made narrower has wrapped
    the lines of the frame that it shows, as all that keep their scrollback do; the next one is drawn over all of it.
    """

    def __init__(self, console: Console, draw: Callable[[int], Iterable[Text]]) -> None:
        self._console = console
        self._draw = draw
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="jobcontrol-frame", daemon=True)
        self._shown: Sequence[Text] = ()
        self._above: list[Text] = []
        self._written = ("", 0)

    def __enter__(self) -> Frame:
        self._write(_HIDE_CURSOR)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._is_over.set()
            self._thread.join()
            self._show()
        finally:
            self._write(_SHOW_CURSOR)

    def print_above(self, text: Text) -> None:
        """A line that stays, above the frame, with the next one that is drawn."""
        with self._lock:
            self._above.append(text)

    def _run(self) -> None:
        while not self._is_over.wait(1 / FRAMES_PER_SECOND):
            self._show()

    def _show(self) -> None:
        with self._lock:
            width, height = self._console.size
            # A full last column would be the next line's on some terminals; the cursor needs a row of its own.
            lines = [self._cut(line, width - 1) for line in self._draw(width - 1)][: max(1, height - 1)]
            above, self._above = self._above, []
            drawn = "".join(f"{self._rendered(line)}{_ERASE_LINE}\n" for line in (*above, *lines))
            if (drawn, width) != self._written:
                self._write(f"{self._to_first_row(width)}{drawn}{_ERASE_BELOW}")
                self._shown, self._written = lines, (drawn, width)

    def _to_first_row(self, width: int) -> str:
        rows = sum(max(1, -(-line.cell_len // width)) for line in self._shown)
        return f"\x1b[{rows}A\r" if rows else "\r"

    def _cut(self, line: Text, width: int) -> Text:
        line.truncate(max(1, width), overflow="ellipsis" if self._console.encoding.startswith("utf") else "crop")
        return line

    def _rendered(self, line: Text) -> str:
        with self._console.capture() as captured:
            self._console.print(line, end="", soft_wrap=True)
        return captured.get()

    def _write(self, text: str) -> None:
        encoding = self._console.encoding
        self._console.file.write(text.encode(encoding, "replace").decode(encoding))
        self._console.file.flush()
