"""Commands about steps that failed for good: dead list, dead groups."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.reading import write_rows
from jobcontrol.cli.session import session_of
from jobcontrol.cli.tables import GROUP_COLUMNS, LETTER_COLUMNS, group_row, letter_row

JobOption = Annotated[str, typer.Option("--job", metavar="JOB", help="Only of this job.")]
Limit = Annotated[int, typer.Option(min=1, help="So many at most.")]


def list_letters(
    context: typer.Context,
    queue: Annotated[str, typer.Option(metavar="QUEUE", help="Only of this queue.")] = "",
    job: JobOption = "",
    fingerprint: Annotated[str, typer.Option(metavar="HEX", help="Only of this group, as dead groups tells it.")] = "",
    limit: Limit = 50,
) -> int:
    """List the steps that failed for good, newest first."""
    session = session_of(context)
    job_id = session.resolve(job) if job else ""
    found = list(session.client.dead_letters(queue=queue, job_id=job_id, fingerprint=fingerprint, limit=limit + 1))
    shown = found[:limit]
    if session.jsonl:
        session.write_list(shown)
        return ExitCode.COMPLETED
    now = datetime.now(UTC)
    rows = [letter_row(letter, now) for letter in shown]
    write_rows(session, shown, LETTER_COLUMNS, rows, has_more=len(found) > limit)
    return ExitCode.COMPLETED


def list_groups(context: typer.Context, job: JobOption = "", limit: Limit = 20) -> int:
    """Group the steps that failed for good by what their errors share, most frequent first."""
    session = session_of(context)
    found = list(session.client.error_groups(job_id=session.resolve(job) if job else "", limit=limit))
    if session.jsonl:
        session.write_list(found)
        return ExitCode.COMPLETED
    now = datetime.now(UTC)
    write_rows(session, found, GROUP_COLUMNS, [group_row(group, now) for group in found])
    return ExitCode.COMPLETED
