"""Commands that read: list, get, steps, result, pipelines, version."""

from __future__ import annotations

import platform
import sys
from datetime import UTC, datetime, timedelta
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated

import typer

from jobcontrol._requests import invalid
from jobcontrol.cli.arguments import parse_duration
from jobcontrol.cli.building import AllowPartial, JobId
from jobcontrol.cli.exits import ExitCode, code_of_job
from jobcontrol.cli.session import session_of
from jobcontrol.cli.tables import (
    JOB_COLUMNS,
    PIPELINE_COLUMNS,
    STEP_COLUMNS,
    job_lines,
    job_row,
    pipeline_row,
    step_row,
)
from jobcontrol.listing import Page

FORMATS = {"json": "application/json", "markdown": "text/markdown"}

Statuses = Annotated[list[str], typer.Option("-s", "--status", metavar="STATUS", help="Any of these; again for more.")]
Limit = Annotated[int, typer.Option(min=1, max=1000, help="So many at most.")]
Cursor = Annotated[str, typer.Option(metavar="CURSOR", help="What follows: the next_cursor that --json told.")]
HasErrors = Annotated[bool, typer.Option("--has-errors", help="Only jobs with failed steps.")]


def list_jobs(
    context: typer.Context,
    statuses: Statuses = [],  # noqa: B006  typer reads it and never changes it
    path: Annotated[str, typer.Option(metavar="PATH", help="Only builds of this path.")] = "",
    pipeline: Annotated[str, typer.Option(help="Only jobs of this pipeline.")] = "",
    has_errors: HasErrors = False,
    since: Annotated[str, typer.Option(metavar="TIME", help="Only jobs created within so long, for example 24h.")] = "",
    text: Annotated[str, typer.Option("-q", "--query", metavar="TEXT", help="Only with these words in it.")] = "",
    expression: Annotated[
        str, typer.Option("--filter", metavar="EXPR", help="Only what it finds: 'priority > 3 AND labels.team = red'.")
    ] = "",
    limit: Limit = 50,
    cursor: Cursor = "",
    all_: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
) -> int:
    """List jobs, newest first."""
    session = session_of(context)
    found = session.client.jobs(
        status=statuses or None,
        path_id=path,
        pipeline=pipeline,
        has_failed_steps=True if has_errors else None,
        search=text,
        since=timedelta(seconds=parse_duration(since, "--since")) if since else None,
        filter=expression,
    )
    if all_ and session.wants_data and not session.json:
        session.write_list(job.state for job in found)
        return ExitCode.COMPLETED
    page = Page(tuple(found)) if all_ else found.page(cursor, size=limit)
    shown = [job.state for job in page.items]
    now = datetime.now(UTC)
    session.write_rows(shown, JOB_COLUMNS, [job_row(state, now) for state in shown], next_cursor=page.next_token)
    return ExitCode.COMPLETED


def get(
    context: typer.Context,
    job: JobId,
    exit_status: Annotated[bool, typer.Option("--exit-status", help="Exit as the job ended.")] = False,
    allow_partial: AllowPartial = False,
) -> int:
    """Show one job."""
    session = session_of(context)
    state = session.job(job).state
    if session.wants_data:
        session.write_document(state)
    else:
        session.write("\n".join(job_lines(state, datetime.now(UTC))))
    return code_of_job(state, allow_partial=allow_partial) if exit_status else ExitCode.COMPLETED


def steps(
    context: typer.Context,
    job: JobId,
    failed: Annotated[bool, typer.Option("--failed", help="Only steps that failed.")] = False,
    stage: Annotated[str, typer.Option(help="Only steps of this stage.")] = "",
) -> int:
    """List the steps of a job, stage by stage, in document order."""
    session = session_of(context)
    found = session.job(job).steps(status="failed" if failed else None, stage=stage)
    if session.jsonl:
        session.write_list(found)
        return ExitCode.COMPLETED
    shown = list(found)
    session.write_rows(shown, STEP_COLUMNS, [step_row(step) for step in shown])
    return ExitCode.COMPLETED


def result(
    context: typer.Context,
    job: JobId,
    format_: Annotated[str, typer.Option("--format", metavar="json|markdown", help="json unless told.")] = "",
    media_type: Annotated[str, typer.Option(metavar="TYPE", help="Instead of --format: any that the job has.")] = "",
    output: Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Write it there.")] = "",
) -> int:
    """Print what a job built, or write it to a file."""
    session = session_of(context)
    content = session.job(job).result_bytes(_media_type(format_, media_type))
    if not output or output == "-":
        sys.stdout.buffer.write(content if content.endswith(b"\n") else content + b"\n")
        sys.stdout.buffer.flush()
        return ExitCode.COMPLETED
    try:
        Path(output).write_bytes(content)
    except OSError as problem:
        raise invalid("--output", f"{output} cannot be written: {problem.strerror}") from problem
    session.say(f"Wrote {len(content):,} bytes to {output}")
    return ExitCode.COMPLETED


def pipelines(context: typer.Context) -> int:
    """List what can be built."""
    session = session_of(context)
    found = session.client.pipelines()
    session.write_rows(found, PIPELINE_COLUMNS, [pipeline_row(pipeline) for pipeline in found])
    return ExitCode.COMPLETED


def version(context: typer.Context) -> int:
    """Print the version of jobctl."""
    session = session_of(context)
    facts = {"jobctl": installed_version("jobcontrol"), "python": platform.python_version()}
    if session.wants_data:
        session.write_document(facts)
    else:
        session.write(f"jobctl {facts['jobctl']} (Python {facts['python']})")
    return ExitCode.COMPLETED


def _media_type(format_: str, media_type: str) -> str:
    if format_ and media_type:
        raise invalid("--format", "not together with --media-type")
    if format_ and format_ not in FORMATS:
        raise invalid("--format", f"{format_!r} is none of {', '.join(FORMATS)}; for others: --media-type")
    return media_type or FORMATS[format_ or "json"]
