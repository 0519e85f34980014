"""Commands that steer jobs: cancel, pause, resume, retry."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from jobcontrol.cli.advice import error_line
from jobcontrol.cli.building import AllowPartial, JobId, JobIds, begin
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.cli.session import session_of
from jobcontrol.display.wording import count_noun
from jobcontrol.errors import ApiError
from jobcontrol.job import Job
from jobcontrol.values import JobStatus

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Kept on the job and told to its watchers.")]


def cancel(context: typer.Context, jobs: JobIds, reason: Reason = "") -> int:
    """Ask jobs to stop. The exit code is that of the first one that could not be."""
    return _steer(context, jobs, lambda job: job.cancel(reason), _stopping_line)


def pause(context: typer.Context, jobs: JobIds, reason: Reason = "") -> int:
    """Let no more steps of jobs start; those that run may finish. Exits as cancel does."""
    return _steer(context, jobs, lambda job: job.pause(reason), _pausing_line)


def resume(context: typer.Context, jobs: JobIds, reason: Reason = "") -> int:
    """Let steps of paused jobs start again. Exits as cancel does."""
    return _steer(context, jobs, lambda job: job.resume(reason), _going_on_line)


def retry(
    context: typer.Context,
    job: JobId,
    from_scratch: Annotated[bool, typer.Option("--from-scratch", help="Do completed steps again, too.")] = False,
    reason: Reason = "",
    watch: Annotated[bool, typer.Option("--watch", help="Show the new job until it ends.")] = False,
    allow_partial: AllowPartial = False,
) -> int:
    """Make a new job of one that failed, was cancelled, or has failed steps; prints its id."""
    session = session_of(context)
    new = session.job(job).retry(from_scratch=from_scratch, reason=reason)
    session.say(f"Attempt {new.state.attempt}, reusing {count_noun(new.state.reused_steps, 'completed step')}.")
    return begin(session, new, stays=watch, is_quiet=False, timeout=None, partial=allow_partial)


def _steer(context: typer.Context, jobs: JobIds, move: Callable[[Job], Job], line: Callable[[Job], str]) -> int:
    session = session_of(context)
    moved, code = list[Job](), ExitCode.COMPLETED
    for given in jobs:
        try:
            job = move(session.job(given))
        except ApiError as error:
            session.say(error_line(error))
            code = code or code_of_error(error)
        else:
            session.say(line(job))
            moved.append(job)
    if session.jsonl:
        session.write_list(job.state for job in moved)
    elif session.json:
        session.write_document([job.state for job in moved])
    return code


def _stopping_line(job: Job) -> str:
    if job.status is JobStatus.CANCELLED:
        return f"Cancelled {job.short_id}."
    return f"Cancelling {job.short_id}: {_running(job)} finishing.  jobctl watch {job.short_id}"


def _pausing_line(job: Job) -> str:
    return f"Paused {job.short_id}, {_running(job)} finishing.  jobctl resume {job.short_id}"


def _going_on_line(job: Job) -> str:
    return f"Resumed {job.short_id}.  jobctl watch {job.short_id}"


def _running(job: Job) -> str:
    return count_noun(sum(stage.active for stage in job.stages), "step")
