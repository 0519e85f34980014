"""Jobs that are chosen by a filter: counted, asked about, and only then steered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

import typer

from jobcontrol._requests import invalid
from jobcontrol.batch import Batch
from jobcontrol.cli.advice import error_line, failure_lines
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.session import Session
from jobcontrol.display.wording import count_noun
from jobcontrol.errors import ApiError
from jobcontrol.job import Job
from jobcontrol.operations import BatchFailure
from jobcontrol.values import JobStatus

ChosenJobs = Annotated[
    list[str], typer.Argument(metavar="[JOB...]", help="Ids or unique endings of them, or @last; or else --filter.")
]
Filter = Annotated[
    str,
    typer.Option("--filter", metavar="EXPR", help="All that this finds: 'status = failed AND labels.team = red'."),
]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask before it is done to what --filter finds.")]
#: Jobs that are steered one by one; the server has no call for all of them.
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Choice:
    """Either `jobs` by their ids, or all that an expression finds; `dry_run` only counts those."""

    jobs: Sequence[str]
    expression: str
    dry_run: bool
    yes: bool

    def __post_init__(self) -> None:
        if bool(self.jobs) == bool(self.expression):
            raise invalid("JOB", "name jobs, or choose them by --filter, and not both")
        if self.yes and self.jobs:
            raise invalid("--yes", "goes with --filter alone")


def apply_plan(session: Session, plan: Batch, choice: Choice, verb: str, done: str) -> int:
    """Carry out a plan of the SDK, once it was counted and agreed to; CONFLICT if some jobs could not be."""
    if not _is_agreed(session, plan.count, choice, verb):
        return ExitCode.COMPLETED
    applied = plan.apply()
    if session.wants_data:
        failures = [{"job_id": one.id, "reason": one.reason, "message": one.message} for one in applied.failures]
        session.write_document({"count": applied.count, "job_ids": applied.job_ids, "failures": failures})
    session.say(f"{done} {count_noun(applied.count, 'job')}.")
    return _tell_failures(session, applied.failures)


def steer_found(
    session: Session, choice: Choice, statuses: Sequence[JobStatus], move: Callable[[Job], Job], words: tuple[str, str]
) -> int:
    """Move each job in one of `statuses` that the filter finds, one by one; `words` are the verb and what was done."""
    verb, done = words
    found = session.client.jobs(status=list(statuses), filter=choice.expression).first(MOST + 1)
    if len(found) > MOST:
        raise invalid("--filter", f"finds more than {MOST:,} jobs; narrow it")
    if not _is_agreed(session, len(found), choice, verb):
        return ExitCode.COMPLETED
    moved, failures = list[Job](), list[BatchFailure]()
    for job in found:
        try:
            moved.append(move(job))
        except ApiError as error:
            failures.append(BatchFailure(job.id, error.reason, error_line(error).removeprefix("error: ")))
    if session.wants_data:
        session.write_items(job.state for job in moved)
    session.say(f"{done} {count_noun(len(moved), 'job')}.")
    return _tell_failures(session, failures)


def _is_agreed(session: Session, count: int, choice: Choice, verb: str) -> bool:
    """Say how many jobs it is about, and ask where somebody can answer."""
    jobs = count_noun(count, "job")
    if choice.dry_run or not count:
        if session.wants_data:
            session.write_document({"count": count})
        session.say(f"Would {verb} {jobs}; nothing was done." if count else "The filter finds no such job.")
        return False
    if choice.yes:
        return True
    if not sys.stdin.isatty():
        raise invalid("--filter", f"would {verb} {jobs}; --yes does it, --dry-run counts only")
    sys.stderr.write(f"{verb.capitalize()} {jobs}? [y/N] ")
    sys.stderr.flush()
    if sys.stdin.readline().strip().lower() in ("y", "yes"):
        return True
    session.say("Nothing was done.")
    return False


def _tell_failures(session: Session, failures: Sequence[BatchFailure]) -> int:
    for line in failure_lines(failures):
        session.say(line)
    return ExitCode.CONFLICT if failures else ExitCode.COMPLETED
