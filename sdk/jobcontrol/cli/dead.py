"""Commands about steps that failed for good: dead list, show, groups, requeue, discard."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from jobcontrol._requests import invalid
from jobcontrol.cli.advice import failure_lines
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.reading import Cursor, Limit
from jobcontrol.cli.session import Session, session_of
from jobcontrol.cli.tables import GROUP_COLUMNS, LETTER_COLUMNS, group_row, letter_lines, letter_row
from jobcontrol.display.wording import count_noun
from jobcontrol.operations import Discarded, Requeued
from jobcontrol.values import short_id

LetterIds = Annotated[
    list[str], typer.Argument(metavar="[LETTER...]", help="Ids or unique endings of them, unless told by conditions.")
]
QueueOption = Annotated[str, typer.Option("--queue", metavar="QUEUE", help="Only of this queue.")]
JobOption = Annotated[str, typer.Option("--job", metavar="JOB", help="Only of this job.")]
GroupOption = Annotated[
    str, typer.Option("--fingerprint", metavar="HEX", help="Only of this group, as dead groups tells it.")
]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Kept in the audit log, and told to who watches.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Tell what would be done, and do nothing.")]


def list_letters(
    context: typer.Context,
    queue: QueueOption = "",
    job: JobOption = "",
    fingerprint: GroupOption = "",
    limit: Limit = 50,
    cursor: Cursor = "",
) -> int:
    """List the steps that failed for good, newest first."""
    session = session_of(context)
    job_id = session.resolve(job) if job else ""
    found = session.client.dead_letters(queue=queue, job_id=job_id, fingerprint=fingerprint)
    page = found.page(cursor, size=limit)
    now = datetime.now(UTC)
    rows = [letter_row(letter, now) for letter in page.items]
    session.write_rows(page.items, LETTER_COLUMNS, rows, next_cursor=page.next_token)
    return ExitCode.COMPLETED


def show(
    context: typer.Context,
    letter: Annotated[str, typer.Argument(metavar="LETTER", help="An id or any unique ending of it.")],
) -> int:
    """Show one step that failed for good: its error, its tries and their traceback."""
    session = session_of(context)
    found = session.client.dead_letter(letter)
    if session.wants_data:
        session.write_document(found)
        return ExitCode.COMPLETED
    detail = session.client.job(found.step.job_id).step(found.step.step_id)
    session.write("\n".join(letter_lines(found, detail)))
    return ExitCode.COMPLETED


def list_groups(context: typer.Context, job: JobOption = "", limit: Limit = 20) -> int:
    """Group the steps that failed for good by what their errors share, most frequent first."""
    session = session_of(context)
    found = list(session.client.error_groups(job_id=session.resolve(job) if job else "", limit=limit))
    now = datetime.now(UTC)
    session.write_rows(found, GROUP_COLUMNS, [group_row(group, now) for group in found])
    return ExitCode.COMPLETED


def requeue(
    context: typer.Context,
    letters: LetterIds = [],  # noqa: B006  typer reads it and never changes it
    queue: QueueOption = "",
    job: JobOption = "",
    fingerprint: GroupOption = "",
    canary: Annotated[
        bool,
        typer.Option("--canary", help="One (or an ended job) first, the others when its step has completed."),
    ] = False,
    per_second: Annotated[float, typer.Option(min=0, metavar="N", help="No more than so many a second.")] = 0.0,
    reason: Reason = "",
    dry_run: DryRun = False,
) -> int:
    """Give steps that failed for good a fresh set of tries, in their job or in a retry job. At most 1,000 at a time."""
    session = session_of(context)
    _require_choice(letters, queue, job, fingerprint)
    done = session.client.requeue(
        letters,
        queue=queue,
        job_id=session.resolve(job) if job else "",
        fingerprint=fingerprint,
        reason=reason,
        canary=canary,
        per_second=per_second,
        dry_run=dry_run,
    )
    told = [f"{'Would requeue' if dry_run else 'Requeued'} {count_noun(done.count, 'dead letter')}."]
    if done.retry_job_ids:
        told.append(f"Retry jobs: {' '.join(short_id(job_id) for job_id in done.retry_job_ids)}.")
    if done.waiting:
        told.append(f"{done.waiting} more {_when(canary=canary, per_second=per_second)}.  jobctl dead list")
    return _tell(session, done, told)


def discard(
    context: typer.Context,
    letters: LetterIds = [],  # noqa: B006  typer reads it and never changes it
    queue: QueueOption = "",
    job: JobOption = "",
    fingerprint: GroupOption = "",
    reason: Reason = "",
    dry_run: DryRun = False,
) -> int:
    """Drop dead letters; their steps stay failed. At most 1,000 at a time."""
    session = session_of(context)
    _require_choice(letters, queue, job, fingerprint)
    done = session.client.discard(
        letters,
        queue=queue,
        job_id=session.resolve(job) if job else "",
        fingerprint=fingerprint,
        reason=reason,
        dry_run=dry_run,
    )
    return _tell(
        session, done, [f"{'Would discard' if dry_run else 'Discarded'} {count_noun(done.count, 'dead letter')}."]
    )


def _require_choice(letters: Sequence[str], *conditions: str) -> None:
    if bool(letters) == any(conditions):
        raise invalid("LETTER", "name dead letters, or choose them by --queue, --job or --fingerprint")


def _when(*, canary: bool, per_second: float) -> str:
    pace = f" at {per_second:g} a second" if per_second else ""
    return f"follow{pace} when its step has completed" if canary else f"follow{pace}"


def _tell(session: Session, done: Requeued | Discarded, told: list[str]) -> int:
    """Say what was done; a program that asked for data gets the document.

    CONFLICT if some could not be, NOT_FOUND if that is all there is to say of them.
    """
    if session.wants_data:
        session.write_document(done)
    if done.remaining:
        told.append(f"{done.remaining} remain: call again.")
    for line in [*told, *failure_lines(done.failures)]:
        session.say(line)
    if not done.failures:
        return ExitCode.COMPLETED
    is_missing = all(failure.reason == "DEAD_LETTER_NOT_FOUND" for failure in done.failures)
    return ExitCode.NOT_FOUND if is_missing else ExitCode.CONFLICT
