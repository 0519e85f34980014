"""Progress below the cell of a notebook, drawn over in place; IPython alone is needed, and is there."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

from jobcontrol.display.board import Board
from jobcontrol.display.html import job_html
from jobcontrol.display.wording import left_words
from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState

#: Seconds between two frames: each travels to the browser, and is kept in the notebook's file.
FRAME = 0.25


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook, which shows HTML."""
    ipython = sys.modules.get("IPython")
    return ipython is not None and hasattr(ipython.get_ipython(), "kernel")


class Notebook:
    """A display below a cell. The last frame stays, and is saved with the notebook."""

    def __init__(self, state: JobState, *, clock: Callable[[], float] = time.monotonic, output: Any = None) -> None:
        self._board = Board(state)
        self._clock = clock
        self._output = output or import_module("IPython.display")
        self._remark = ""
        self._drawn_at = clock()

    def __enter__(self) -> Notebook:
        self._handle = self._output.display(self._frame(), display_id=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._handle.update(self._frame())

    def show(self, event: Event, state: JobState) -> None:
        self._board.apply(event, state)
        self._redraw()

    def foretell(self, told: JobState) -> None:
        self._board.foretell(told, datetime.now(UTC))
        self._redraw()

    def note_link(self, notice: LinkNotice) -> None:
        self._board.note_link(notice)
        self._remark = "reconnected, nothing was missed" if notice.is_restored else f"{notice.cause}; trying again"
        self._redraw()

    def say(self, text: str) -> None:
        self._remark = text
        self._redraw()

    def _redraw(self) -> None:
        if self._clock() - self._drawn_at >= FRAME:
            self._handle.update(self._frame())
            self._drawn_at = self._clock()

    def _frame(self) -> Any:
        board, now = self._board, datetime.now(UTC)
        left = board.time_left(now)
        remarks = (left_words(*left) if left else "", board.waiting, self._remark)
        return self._output.HTML(job_html(board.state, now=now, failures=board.failures, remarks=remarks))
