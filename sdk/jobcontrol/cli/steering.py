"""Commands that steer jobs: cancel, pause, resume, retry."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from jobcontrol.cli.advice import error_line, running_words, stopping_line
from jobcontrol.cli.arguments import parse_input, read_document
from jobcontrol.cli.building import (
    AllowPartial,
    CancelOnInterrupt,
    Document,
    DryRun,
    InputFile,
    JobId,
    JobIds,
    Pairs,
    begin,
)
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.cli.following import Stay
from jobcontrol.cli.session import Session, session_of
from jobcontrol.display.wording import count_noun
from jobcontrol.errors import ApiError
from jobcontrol.job import Job
from jobcontrol.values import RetryPlan, Step, StepStatus

#: Characters of the steps' names that a line holds.
NAMES = 100
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Kept on the job and told to its watchers.")]


def cancel(
    context: typer.Context,
    jobs: JobIds,
    reason: Reason = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until they have stopped; tells how their steps let go.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="End running steps at once, whatever they do.")] = False,
) -> int:
    """Ask jobs to stop. The exit code is that of the first one that could not be."""
    stopped: dict[str, tuple[Job, int]] = {}

    def stop(job: Job) -> Job:
        stopped[job.id] = (job, job.state.last_sequence)
        return job.cancel(reason, force=force)

    code = _steer(context, jobs, stop, lambda job: stopping_line(job.state))
    # All of them first: while one lets go, the next would start further steps.
    for job, seen in stopped.values() if wait else ():
        let_go = _watch_letting_go(job, seen)
        for line in [stopping_line(job.state), *_receipts(let_go)]:
            session_of(context).say(line)
    return code


def pause(context: typer.Context, jobs: JobIds, reason: Reason = "") -> int:
    """Let no more steps of jobs start; those that run may finish. Exits as cancel does."""
    return _steer(context, jobs, lambda job: job.pause(reason), _pausing_line)


def resume(context: typer.Context, jobs: JobIds, reason: Reason = "") -> int:
    """Let steps of paused jobs start again. Exits as cancel does."""
    return _steer(context, jobs, lambda job: job.resume(reason), _going_on_line)


def retry(
    context: typer.Context,
    job: JobId,
    from_scratch: Annotated[
        bool, typer.Option("--all-steps", "--from-scratch", help="Do completed steps again, too.")
    ] = False,
    pairs: Pairs = [],  # noqa: B006  typer reads it and never changes it
    input_file: InputFile = "",
    document: Document = "",
    reason: Reason = "",
    watch: Annotated[bool, typer.Option("--watch", help="Show the new job until it ends.")] = False,
    dry_run: DryRun = False,
    allow_partial: AllowPartial = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
) -> int:
    """Make a new job of one that failed, was cancelled, or has failed steps; prints its id.

    With --all-steps it may have other parameters, given whole, and another document than the old one.
    """
    session = session_of(context)
    old = session.job(job)
    parameters = parse_input(pairs, input_file) if pairs or input_file else None
    given: dict[str, Any] = {
        "from_scratch": from_scratch,
        "parameters": parameters,
        "document": read_document(document),
    }
    if dry_run:
        return _tell_plan(session, old.retry_plan(**given))
    new = old.retry(**given, reason=reason)
    session.say(f"Attempt {new.state.attempt}, reusing {count_noun(new.state.reused_steps, 'completed step')}.")
    stay = Stay(allow_partial=allow_partial, cancel_on_interrupt=cancel_on_interrupt)
    return begin(session, new, stay if watch else None)


def _tell_plan(session: Session, plan: RetryPlan) -> int:
    if session.wants_data:
        session.write_document(plan)
    else:
        again = count_noun(plan.rerun_steps, "known step")
        session.say(f"Would do {again} again and reuse {plan.reused_steps}; nothing was done.")
    return ExitCode.COMPLETED


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
    if session.wants_data:
        session.write_items(job.state for job in moved)
    return code


def _watch_letting_go(job: Job, after: int) -> list[Step]:
    """Until the job has ended: the steps that ran when it was stopped, as they were told last."""
    told = {
        change.step.step_id: change.step
        for event in job.watch(after)
        if event.changes is not None
        for change in event.changes.steps
        if change.step.stop_receipt
    }
    return [step for step in told.values() if step.status is StepStatus.CANCELLED]


def _receipts(let_go: Sequence[Step]) -> Iterator[str]:
    for receipt in sorted({step.stop_receipt for step in let_go}):
        names = [step.name for step in let_go if step.stop_receipt == receipt]
        yield f"  {receipt}: {textwrap.shorten(', '.join(names), NAMES, placeholder=' …')}"


def _pausing_line(job: Job) -> str:
    return f"Paused {job.short_id}, {running_words(job.state)} finishing.  jobctl resume {job.short_id}"


def _going_on_line(job: Job) -> str:
    return f"Resumed {job.short_id}.  jobctl watch {job.short_id}"
