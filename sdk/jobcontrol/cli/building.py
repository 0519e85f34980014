"""Commands that start a build and stay with it: start, watch, wait."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Annotated, Any, cast

import typer

from jobcontrol._requests import IfRunning, invalid
from jobcontrol.cli.advice import closing_line
from jobcontrol.cli.arguments import parse_duration, parse_input, parse_labels, read_document
from jobcontrol.cli.exits import ExitCode, code_of_job, worst
from jobcontrol.cli.following import Stay, stay_with
from jobcontrol.cli.session import Session, session_of
from jobcontrol.display import Mode
from jobcontrol.errors import JobCancelled, JobFailed
from jobcontrol.job import Job
from jobcontrol.values import JobState, short_id

JobId = Annotated[str, typer.Argument(metavar="JOB", help="An id or any unique ending of it, or @last.")]
JobIds = Annotated[list[str], typer.Argument(metavar="JOB...", help="Ids or unique endings of them, or @last.")]
Timeout = Annotated[str, typer.Option(metavar="TIME", help="Stop waiting after so long, for example 10m (exit 124).")]
AllowPartial = Annotated[bool, typer.Option("--allow-partial", help="Exit 0 also when some steps failed.")]
Pairs = Annotated[list[str], typer.Option("-i", "--input", metavar="KEY=VALUE", help="A parameter; again for more.")]
Labels = Annotated[list[str], typer.Option("--label", metavar="KEY=VALUE", help="A label; again for more.")]
InputFile = Annotated[str, typer.Option("-f", "--input-file", metavar="FILE", help="Parameters as JSON; - is stdin.")]
Document = Annotated[
    str, typer.Option(metavar="FILE", help="What to build from: a file, - for stdin, or sample for the pipeline's own.")
]
After = Annotated[int | None, typer.Option(min=0, metavar="N", help="Replay what followed commit N; 0: all.")]
CancelOnInterrupt = Annotated[
    bool, typer.Option("--cancel-on-interrupt", help="Ctrl+C cancels the job; its end is waited for.")
]
MaxAttempts = Annotated[
    int | None, typer.Option(min=1, max=20, help="Tries of each step, instead of what the pipeline says.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything and tell what would be done; do nothing.")]
Policy = Annotated[
    str, typer.Option(metavar="fail|attach|replace", help="What to do if the path is being built already.")
]


def start(
    context: typer.Context,
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="What to build with; see: jobctl pipelines.")],
    path_id: Annotated[str, typer.Argument(metavar="PATH", help="What to build, in your own terms.")],
    stdin: Annotated[str, typer.Argument(metavar="[-]", help="A -: parameters as JSON from stdin, as with -f -.")] = "",
    document: Document = "",
    title: Annotated[str, typer.Option(help="Name of it for people.")] = "",
    pairs: Pairs = [],  # noqa: B006  typer reads it and never changes it
    input_file: InputFile = "",
    labels: Labels = [],  # noqa: B006
    priority: Annotated[int, typer.Option(min=0, max=9, help="Builds of a higher one are served first.")] = 0,
    max_attempts: MaxAttempts = None,
    time_limit: Annotated[str, typer.Option(metavar="TIME", help="The build fails if it takes longer.")] = "",
    dry_run: DryRun = False,
    key: Annotated[str, typer.Option(metavar="KEY", help="Idempotency key: the same key starts one job.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Show the build until it ends.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait silently until it ends.")] = False,
    timeout: Timeout = "",
    if_running: Policy = "fail",
    allow_partial: AllowPartial = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
) -> int:
    """Start a build. Without --watch or --wait it prints the job's id and leaves it to itself."""
    session = session_of(context)
    seconds = _seconds(timeout, is_used=watch or wait)
    asked: dict[str, Any] = {
        "parameters": parse_input(pairs, _input_source(stdin, input_file, document)),
        "document": read_document(document),
        "title": title,
        "labels": parse_labels(labels),
        "if_running": cast(IfRunning, if_running),
        "time_limit": parse_duration(time_limit, "--time-limit") if time_limit else None,
        "priority": priority,
        "retry": max_attempts,
    }
    if dry_run:
        return _tell_checked(session, session.client.check(pipeline, path_id, **asked))
    job = session.client.start(pipeline, path_id, **asked, request_id=key or None)
    mode: Mode | None = None if watch else "quiet"
    stay = Stay(timeout=seconds, allow_partial=allow_partial, cancel_on_interrupt=cancel_on_interrupt, mode=mode)
    return begin(session, job, stay if watch or wait else None)


def watch(
    context: typer.Context,
    job: JobId,
    after: After = None,
    with_steps: Annotated[bool, typer.Option("--steps", help="A line for each step that moves, too.")] = False,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="Leave when a step has failed for good (exit 1); the job goes on.")
    ] = False,
    timeout: Timeout = "",
    allow_partial: AllowPartial = False,
    cancel_on_interrupt: CancelOnInterrupt = False,
) -> int:
    """Show a job until it ends. Ctrl+C detaches and the job goes on; a second one soon after cancels it."""
    session = session_of(context)
    stay = Stay(
        timeout=_seconds(timeout),
        after=after,
        allow_partial=allow_partial,
        fail_fast=fail_fast,
        with_steps=with_steps,
        cancel_on_interrupt=cancel_on_interrupt,
    )
    return stay_with(session, session.job(job), stay)


def wait(
    context: typer.Context,
    jobs: JobIds,
    timeout: Timeout = "",
    allow_partial: AllowPartial = False,
) -> int:
    """Wait until all these jobs have ended; the exit code tells of the worst."""
    session = session_of(context)
    seconds = _seconds(timeout)
    ended = []
    for job in _wait_for([session.job(job) for job in jobs], seconds):
        session.say(f"{job.path_id} ({job.short_id}): {closing_line(job.state)}")
        ended.append(job)
    if session.wants_data:
        session.write_items(job.state for job in ended)
    return worst(code_of_job(job.state, allow_partial=allow_partial) for job in ended)


def _tell_checked(session: Session, state: JobState) -> int:
    if session.wants_data:
        session.write_document(state)
    else:
        if state.job_id:
            session.say(f"{state.path_id} is being built already by {short_id(state.job_id)}; nothing was done.")
            return ExitCode.COMPLETED
        session.say(f"This build of {state.path_id} with {state.pipeline} could be started; nothing was done.")
    return ExitCode.COMPLETED


def begin(session: Session, job: Job, stay: Stay | None) -> int:
    """Say that a job has started, and stay with it if that is wanted."""
    session.remember(job)
    _announce(session, job)
    if stay is not None:
        return stay_with(session, job, stay)
    if session.wants_data:
        session.write_document(job.state)
    else:
        session.write(job.id)
    return ExitCode.COMPLETED


def _announce(session: Session, job: Job) -> None:
    if job.was_running:
        session.say(f"Already being built by {job.short_id} ({job.percent}%)  {job.url}".rstrip())
    else:
        waits = f", waits for {short_id(job.state.waits_for)} to end" if job.state.waits_for else ""
        session.say(f"Started {job.short_id}{waits}  {job.url}".rstrip())


def _wait_for(jobs: Iterable[Job], timeout: float | None) -> Iterable[Job]:
    deadline = None if timeout is None else time.monotonic() + timeout
    for job in jobs:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        try:
            yield job.wait(timeout=left)
        except (JobFailed, JobCancelled):
            yield job


def _input_source(stdin: str, input_file: str, document: str) -> str:
    """The file that parameters come from, empty if there is none; stdin is read once."""
    if stdin not in ("", "-"):
        raise invalid("start", f"{stdin!r} is one word too many; parameters: -i key=value, -f FILE or -")
    if stdin and input_file:
        raise invalid("-f", "not together with -")
    source = stdin or input_file
    if source == document == "-":
        raise invalid("--document", "parameters and document cannot both come from stdin")
    return source


def _seconds(timeout: str, *, is_used: bool = True) -> float | None:
    if timeout and not is_used:
        raise invalid("--timeout", "needs --watch or --wait")
    return parse_duration(timeout) if timeout else None
