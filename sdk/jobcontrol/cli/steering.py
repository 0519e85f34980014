"""Commands that steer jobs: cancel, pause, resume, retry."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any

import typer

from jobcontrol._requests import invalid
from jobcontrol.cli.advice import error_line, running_words, stopping_line
from jobcontrol.cli.arguments import parse_input, read_document
from jobcontrol.cli.building import (
    AllowPartial,
    CancelOnInterrupt,
    Document,
    DryRun,
    InputFile,
    Pairs,
    begin,
)
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.cli.following import Stay
from jobcontrol.cli.many import Choice, ChosenJobs, Filter, Yes, apply_plan, steer_found
from jobcontrol.cli.session import Session, session_of
from jobcontrol.display.wording import count_noun
from jobcontrol.errors import ApiError
from jobcontrol.job import Job
from jobcontrol.values import JobStatus, RetryPlan, Step, StepStatus

#: Characters of the steps' names that a line holds.
NAMES = 100
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Kept on the job and told to its watchers.")]
CountOnly = Annotated[bool, typer.Option("--dry-run", help="Count what --filter finds, and do nothing.")]


def cancel(
    context: typer.Context,
    jobs: ChosenJobs = [],  # noqa: B006  typer reads it and never changes it
    expression: Filter = "",
    dry_run: CountOnly = False,
    yes: Yes = False,
    reason: Reason = "",
    wait: Annotated[
        bool, typer.Option("--wait", help="Until they have stopped; tells how their steps let go.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="End running steps at once, whatever they do.")] = False,
) -> int:
    """Ask jobs to stop. The exit code is that of the first one that could not be."""
    choice = _choose(jobs, expression, dry_run, yes)
    if expression:
        if wait or force:
            raise invalid("--filter", "not together with --wait or --force")
        plan = session_of(context).client.cancel_many(filter=expression, reason=reason, dry_run=True)
        return apply_plan(session_of(context), plan, choice, "cancel", "Cancelled, or cancelling,")
    stopped: dict[str, tuple[Job, int]] = {}

    def stop(job: Job) -> Job:
        seen = job.state.last_sequence
        cancelled = job.cancel(reason, force=force)
        stopped[job.id] = (job, seen)
        return cancelled

    code = _steer(context, jobs, stop, lambda job: stopping_line(job.state))
    # All of them first: while one lets go, the next would start further steps.
    for job, seen in stopped.values() if wait else ():
        let_go = _watch_letting_go(job, seen)
        for line in [stopping_line(job.state), *_receipts(let_go)]:
            session_of(context).say(line)
    return code


def pause(
    context: typer.Context,
    jobs: ChosenJobs = [],  # noqa: B006
    expression: Filter = "",
    dry_run: CountOnly = False,
    yes: Yes = False,
    reason: Reason = "",
) -> int:
    """Let no more steps of jobs start; those that run may finish. Exits as cancel does."""
    choice = _choose(jobs, expression, dry_run, yes)
    if expression:
        running = (JobStatus.PENDING, JobStatus.PROCESSING)
        session, words = session_of(context), ("pause", "Paused")
        return steer_found(session, choice, running, lambda job: job.pause(reason), words)
    return _steer(context, jobs, lambda job: job.pause(reason), _pausing_line)


def resume(
    context: typer.Context,
    jobs: ChosenJobs = [],  # noqa: B006
    expression: Filter = "",
    dry_run: CountOnly = False,
    yes: Yes = False,
    reason: Reason = "",
) -> int:
    """Let steps of paused jobs start again. Exits as cancel does."""
    choice = _choose(jobs, expression, dry_run, yes)
    if expression:
        session, words = session_of(context), ("resume", "Resumed")
        return steer_found(session, choice, (JobStatus.PAUSED,), lambda job: job.resume(reason), words)
    return _steer(context, jobs, lambda job: job.resume(reason), _going_on_line)


def retry(
    context: typer.Context,
    jobs: ChosenJobs = [],  # noqa: B006
    expression: Filter = "",
    yes: Yes = False,
    all_steps: Annotated[bool, typer.Option("--all-steps", help="Do completed steps again, too.")] = False,
    pairs: Pairs = [],  # noqa: B006  typer reads it and never changes it
    input_file: InputFile = "",
    document: Document = "",
    reason: Reason = "",
    watch: Annotated[bool, typer.Option("--watch", help="Show the new job until it ends.")] = False,
    dry_run: DryRun = False,
    allow_partial: AllowPartial = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
) -> int:
    """Make a new job of each that failed, was cancelled, or has failed steps; prints their ids.

    With --all-steps one may have other parameters, given whole, and another document than the old one.
    """
    session, choice = session_of(context), Choice(jobs, expression, dry_run, yes)
    given: dict[str, Any] = {"all_steps": all_steps}
    if len(jobs) == 1:
        changed = parse_input(pairs, input_file) if pairs or input_file else None
        given |= {"parameters": changed, "document": read_document(document)}
        old = session.job(jobs[0])
        if dry_run:
            return _tell_plan(session, old.retry_plan(**given))
        stay = Stay(allow_partial=allow_partial, cancel_on_interrupt=cancel_on_interrupt) if watch else None
        return _retry_one(session, old, given, reason, stay)
    if watch or pairs or input_file or document:
        raise invalid("JOB", "--watch, -i, -f and --document are for one job")
    if dry_run and jobs:
        raise invalid("--dry-run", "is for one job, or for --filter")
    if expression:
        plan = session.client.retry_many(filter=expression, reason=reason, dry_run=True, **given)
        return apply_plan(session, plan, choice, "retry", "Retried")
    return _steer(context, jobs, lambda job: job.retry(**given, reason=reason), _retried_line)


def _retry_one(session: Session, old: Job, given: dict[str, Any], reason: str, stay: Stay | None) -> int:
    new = old.retry(**given, reason=reason)
    session.say(f"Attempt {new.state.attempt}, reusing {count_noun(new.state.reused_steps, 'completed step')}.")
    return begin(session, new, stay)


def _choose(jobs: Sequence[str], expression: str, dry_run: bool, yes: bool) -> Choice:
    choice = Choice(jobs, expression, dry_run, yes)
    if dry_run and jobs:
        raise invalid("--dry-run", "counts what --filter finds")
    return choice


def _retried_line(new: Job) -> str:
    return f"Started {new.short_id}, attempt {new.state.attempt} of {new.path_id}.  jobctl watch {new.short_id}"


def _tell_plan(session: Session, plan: RetryPlan) -> int:
    if session.wants_data:
        session.write_document(plan)
    else:
        again = count_noun(plan.rerun_steps, "known step")
        session.say(f"Would do {again} again and reuse {plan.reused_steps}; nothing was done.")
    return ExitCode.COMPLETED


def _steer(context: typer.Context, jobs: Sequence[str], move: Callable[[Job], Job], line: Callable[[Job], str]) -> int:
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
