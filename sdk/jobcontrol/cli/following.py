"""Staying with a job until it ends: what is shown of it, what Ctrl+C does, and the exit code."""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from jobcontrol.cli.advice import closing_line, detached_line, stopping_line
from jobcontrol.cli.documents import event_lines
from jobcontrol.cli.exits import ExitCode, code_of_job
from jobcontrol.cli.session import Session
from jobcontrol.display import Mode, follow
from jobcontrol.display.wording import missing_lines
from jobcontrol.errors import InvalidState
from jobcontrol.job import Job
from jobcontrol.values import JobStatus

#: Seconds in which a second Ctrl+C still means this job.
SECOND_THOUGHT = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """How to stay with a job: `timeout` in seconds, `after` a commit, leaving at the first failed step, ..."""

    timeout: float | None = None
    after: int | None = None
    allow_partial: bool = False
    fail_fast: bool = False
    with_steps: bool = False
    cancel_on_interrupt: bool = False
    mode: Mode | None = None
    """None: as the session says."""


def stay_with(session: Session, job: Job, stay: Stay) -> ExitCode:
    """Show a job until it ends, say how, and answer with its exit code. Ctrl+C lets go of it, or cancels it."""
    try:
        with _ending_in_order():
            _show(session, job, stay)
    except KeyboardInterrupt:
        if not stay.cancel_on_interrupt:
            return _detach(session, job)
        _cancel(session, job)
        return stay_with(session, job, Stay(allow_partial=stay.allow_partial, mode=stay.mode))
    if not job.has_ended:
        session.say(f"A step failed; the job goes on at {job.percent}%.  jobctl steps {job.short_id} --failed")
        return ExitCode.FAILED
    return _close(session, job, stay)


def _show(session: Session, job: Job, stay: Stay) -> None:
    if not session.jsonl:
        follow(
            job,
            timeout=stay.timeout,
            mode=stay.mode or session.mode,
            settings=session.settings,
            after=stay.after,
            fail_fast=stay.fail_fast,
            with_steps=stay.with_steps,
        )
        return
    for event in job.watch(stay.after, timeout=stay.timeout):
        session.write_list(event_lines(event), is_mixed=True)
        sys.stdout.flush()
        if stay.fail_fast and job.error_count:
            break


def _close(session: Session, job: Job, stay: Stay) -> ExitCode:
    if job.status is JobStatus.COMPLETED:
        for line in missing_lines(job.state):
            session.say(f"Missing  {line}")
    session.say(closing_line(job.state))
    if session.wants_data and not session.jsonl:
        session.write_document(job.state)
    return code_of_job(job.state, allow_partial=stay.allow_partial)


def _detach(session: Session, job: Job) -> ExitCode:
    """Let go; at a terminal, a second Ctrl+C soon after the first one cancels the job."""
    session.say(detached_line(job.state))
    if sys.stderr.isatty():
        session.say(f"Ctrl+C again within {SECOND_THOUGHT:g} s cancels the job.")
        try:
            time.sleep(SECOND_THOUGHT)
        except KeyboardInterrupt:
            _cancel(session, job)
    return ExitCode.INTERRUPTED


def _cancel(session: Session, job: Job) -> None:
    try:
        job.cancel("interrupted at the command line")
    except InvalidState:
        job.refresh()
        session.say(f"{job.short_id} had ended already: {job.status}.")
    else:
        session.say(stopping_line(job.state))


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind what is shown, so that the terminal gets its cursor back."""
    known = {}
    for signum in (signal.SIGTERM, signal.SIGHUP):
        # Only a main thread may ask for signals.
        with suppress(ValueError):
            known[signum] = signal.signal(signum, _leave)
    try:
        yield
    finally:
        for signum, handler in known.items():
            signal.signal(signum, handler)


def _leave(signum: int, _frame: FrameType | None) -> NoReturn:
    sys.exit(128 + signum)
