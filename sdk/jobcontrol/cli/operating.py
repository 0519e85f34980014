"""Commands for operators: logs, workers."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import timedelta
from typing import Annotated

import typer

from jobcontrol._requests import invalid
from jobcontrol.cli.advice import detached_line
from jobcontrol.cli.arguments import parse_duration
from jobcontrol.cli.building import JobId
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.session import Session, session_of
from jobcontrol.cli.tables import WORKER_COLUMNS, log_text, wait_text, worker_row
from jobcontrol.display.wording import format_seconds
from jobcontrol.job import Job
from jobcontrol.operations import LogLine


def logs(
    context: typer.Context,
    job: JobId,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on until the job ends.")] = False,
    errors: Annotated[bool, typer.Option("--errors", help="Only errors.")] = False,
    step: Annotated[str, typer.Option(metavar="STEP", help="Only of this step.")] = "",
) -> int:
    """Print what happened in a job, line by line. Ctrl+C lets go of it; the job goes on."""
    session = session_of(context)
    found = session.job(job)
    if session.json and follow:
        raise invalid("--json", "is one document at the end; to follow a log: --jsonl")
    if session.json:
        session.write_items(found.log(step_id=step, errors_only=errors))
        return ExitCode.COMPLETED
    position = found.state.last_sequence
    try:
        position = _print_after(session, found, 0, errors, step) or position
        if follow and not found.has_ended:
            for _ in found.watch(position):
                position = _print_after(session, found, position, errors, step) or position
    except KeyboardInterrupt:
        session.say(detached_line(found.state))
        return ExitCode.INTERRUPTED
    return ExitCode.COMPLETED


def explain(context: typer.Context, job: JobId) -> int:
    """Say why a job, or what of it, waits."""
    session = session_of(context)
    found = session.job(job)
    waits = session.client.explain(found.id)
    if session.wants_data:
        session.write_items(waits)
    elif found.has_ended:
        session.say(f"{found.short_id} has ended: {found.status}.")
    elif not waits:
        session.say("Nothing waits.")
    else:
        session.write("\n".join(wait_text(wait) for wait in waits))
    return ExitCode.COMPLETED


def stats(
    context: typer.Context,
    window: Annotated[str, typer.Option(metavar="TIME", help="For what has ended: 1m to 168h.")] = "24h",
) -> int:
    """Count jobs: active and waiting now, completed and failed lately, and steps that failed for good."""
    session = session_of(context)
    found = session.client.stats(window=timedelta(seconds=parse_duration(window, "--window")))
    if session.wants_data:
        session.write_document(found)
        return ExitCode.COMPLETED
    lately = format_seconds(found.window.total_seconds())
    session.write(f"active {found.active:,}  waiting {found.waiting:,}  dead letters {found.dead_letters:,}")
    session.write(f"within {lately}: completed {found.completed:,}  failed {found.failed:,}")
    return ExitCode.COMPLETED


def workers(
    context: typer.Context,
    drained: Annotated[
        list[str], typer.Argument(metavar="[drain WORKER...]", help="Let these finish what they run, and exit.")
    ] = [],  # noqa: B006  typer reads it and never changes it
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Only workers that serve this queue.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why they are drained; kept in the audit log.")] = "",
) -> int:
    """List worker processes and what each is doing, or drain some of them."""
    session = session_of(context)
    if drained and (drained[0] != "drain" or not drained[1:]):
        raise invalid("workers", f"{' '.join(drained)!r} is not: drain WORKER...")
    if drained:
        found = [session.client.drain_worker(worker, reason=reason) for worker in drained[1:]]
    else:
        found = session.client.workers(queue=queue)
    session.write_rows(found, WORKER_COLUMNS, [worker_row(worker) for worker in found])
    return ExitCode.COMPLETED


def _print_after(session: Session, job: Job, position: int, errors: bool, step: str) -> int:
    """Print what follows a commit; returns the last commit of which something was printed, 0 if there was none."""
    return _print(session, job.log(after=position, step_id=step, errors_only=errors))


def _print(session: Session, lines: Iterable[LogLine]) -> int:
    last = 0
    for line in lines:
        last = line.sequence
        if session.wants_data:
            session.write_list([line])
        else:
            session.write(log_text(line))
    sys.stdout.flush()
    return last
