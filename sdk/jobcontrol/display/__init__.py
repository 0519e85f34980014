"""Progress for people: live bars on a terminal, HTML in a notebook, lines in a pipe, nothing when it is to be quiet."""

from __future__ import annotations

import sys
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Literal, Protocol, TextIO

from jobcontrol._settings import ClientSettings, read_settings
from jobcontrol.display.lines import Lines
from jobcontrol.display.notebook import Notebook, is_notebook
from jobcontrol.display.outlook import Outlook
from jobcontrol.events import Event, LinkNotice
from jobcontrol.job import Job
from jobcontrol.values import JobState, JobStatus

Mode = Literal["auto", "tty", "plain", "quiet"]

__all__ = ["Display", "Mode", "follow", "open_display"]


class Display(AbstractContextManager["Display"], Protocol):
    """Shows one job, from `__enter__` to `__exit__`."""

    def show(self, event: Event, state: JobState) -> None:
        """An event has come; `state` is the job after it."""
        ...

    def foretell(self, told: JobState) -> None:
        """Why the job waits, and how long it may still take, as it was told a moment ago."""
        ...

    def note_link(self, notice: LinkNotice) -> None:
        """The link broke, or is whole again."""
        ...

    def say(self, text: str) -> None:
        """A line of the caller's own, above the bars or among the lines."""
        ...


def follow(
    job: Job,
    *,
    timeout: float | None = None,
    mode: Mode = "auto",
    stream: TextIO | None = None,
    settings: ClientSettings | None = None,
    after: int | None = None,
    with_steps: bool = False,
    fail_fast: bool = False,
) -> None:
    """Show a job until it ends, on stderr unless told otherwise; with `after`, what followed that commit first.

    `with_steps` tells of each step that moves, `fail_fast` leaves when one has failed for good. `settings` are
    those of the process unless given. Raises WaitTimeout and what a watch raises.
    """
    if after is not None:
        job.state = _before_all(job.state)
    shown = open_display(job.state, mode=mode, stream=stream or sys.stderr, settings=settings, with_steps=with_steps)
    outlook = Outlook(job)
    with shown as display:
        if job.has_ended:
            return
        position = job.state.last_sequence if after is None else after
        for event in job.watch(position, timeout=timeout, heartbeats=True, on_link=display.note_link):
            display.show(event, job.state)
            if fail_fast and job.error_count:
                return
            if mode != "quiet" and (told := outlook.ask()) is not None:
                display.foretell(told)


def _before_all(state: JobState) -> JobState:
    """A job of which nothing has been told yet, to replay onto."""
    return replace(state, status=JobStatus.PENDING, percent=0, stages=(), error_count=0, missing=(), completed_at=None)


def open_display(
    state: JobState,
    *,
    mode: Mode,
    stream: TextIO,
    settings: ClientSettings | None = None,
    with_steps: bool = False,
) -> Display:
    """The display for `stream`: `auto` takes bars on a terminal that can redraw, HTML in a notebook, else lines."""
    known = settings or read_settings()
    if mode == "quiet":
        return _Quiet()
    if mode == "tty" or (mode == "auto" and stream.isatty() and not known.is_dumb_terminal):
        return _open_bars(state, stream, known, with_steps)
    if mode == "auto" and stream is sys.stderr and is_notebook():
        return Notebook(state)
    return Lines(lambda line: print(line, file=stream, flush=True), state, with_steps=with_steps)


def _open_bars(state: JobState, stream: TextIO, settings: ClientSettings, with_steps: bool) -> Display:
    # rich takes a while to load, and only bars need it.
    from rich.console import Console

    from jobcontrol.display.bars import Bars

    force = True if not stream.isatty() else None
    console = Console(file=stream, force_terminal=force, no_color=settings.wants_no_color or None)
    return Bars(console, state, with_steps=with_steps)


class _Quiet:
    """Shows nothing."""

    def __enter__(self) -> _Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def show(self, event: Event, state: JobState) -> None:
        return None

    def foretell(self, told: JobState) -> None:
        return None

    def note_link(self, notice: LinkNotice) -> None:
        return None

    def say(self, text: str) -> None:
        return None
