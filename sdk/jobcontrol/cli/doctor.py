"""The command doctor: is all there that a build needs, and what to do about what is not."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from importlib.metadata import version as installed_version

import typer

from jobcontrol._profiles import read_profiles
from jobcontrol.cli.advice import error_line
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.cli.session import Session, session_of
from jobcontrol.client import Client
from jobcontrol.display.wording import count_noun, format_seconds
from jobcontrol.errors import JobControlError, NotAuthenticated, NotFound, PermissionDenied
from jobcontrol.operations import WorkerProcess

#: Seconds for one answer.
PATIENCE = 5.0
#: Seconds that two clocks may be apart before times look wrong to people.
MOST_SKEW = 5.0
COLUMNS = ("STATUS", "CHECK", "FOUND", "WHAT TO DO")


class Verdict(StrEnum):
    """`note` is worth knowing, `problem` stops builds, `unknown` could not be found out."""

    OK = "ok"
    NOTE = "note"
    PROBLEM = "problem"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check has found, and the way out where there is one."""

    check: str
    verdict: Verdict
    message: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.FAILED


Check = Callable[[Client, Sequence[WorkerProcess]], Iterator[Finding]]


def doctor(context: typer.Context) -> int:
    """Check address, server, token, database, Redis, clock, versions, workers, queues and pipelines; say what to do.

    Exits with 0 if builds can run, else as the first problem says: 7 token, 8 server, 1 anything else.
    """
    session = session_of(context)
    found = list(_examine(session))
    rows = [(one.verdict, one.check, one.message, one.hint) for one in found]
    session.write_rows(found, COLUMNS, rows)
    return next((one.exit_code for one in found if one.verdict is Verdict.PROBLEM), ExitCode.COMPLETED)


def _examine(session: Session) -> Iterator[Finding]:
    client = session.client.with_options(timeout=PATIENCE, retries=0)
    yield Finding("address", Verdict.OK, f"{client.server}, {_origin(session)}")
    try:
        yield from _ask_server(client)
        workers = client.workers()
    except JobControlError as error:
        yield _problem("server", error)
        return
    for name, check in CHECKS.items():
        try:
            yield from check(client, workers)
        except JobControlError as error:
            yield _problem(name, error)


def _origin(session: Session) -> str:
    settings = session.settings
    name = settings.profile or read_profiles(settings.config_folder).default
    if settings.server:
        return "as --server or JOBCONTROL_SERVER says"
    return f"as profile {name} says" if name else "where a server is unless told"


def _ask_server(client: Client) -> Iterator[Finding]:
    began = time.monotonic()
    is_serving = client.is_serving()
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    if is_serving:
        yield Finding("server", Verdict.OK, f"takes calls; answered in {took}")
    else:
        yield Finding("server", Verdict.PROBLEM, "is draining", "wait for its restart", ExitCode.UNREACHABLE)


def _problem(name: str, error: JobControlError) -> Finding:
    check = "token" if isinstance(error, NotAuthenticated | PermissionDenied) else name
    message, _, hint = error_line(error).removeprefix("error: ").partition("; ")
    return Finding(check, Verdict.PROBLEM, message, hint, code_of_error(error))


def _check_database(client: Client, _: Sequence[WorkerProcess]) -> Iterator[Finding]:
    began = time.monotonic()
    stats = client.stats()
    took = f"{(time.monotonic() - began) * 1000:.0f} ms"
    jobs = f"{stats.active:,} active and {stats.waiting:,} waiting {'job' if stats.waiting == 1 else 'jobs'}"
    yield Finding("database", Verdict.OK, f"answered in {took}: {jobs}")


def _check_redis(client: Client, _: Sequence[WorkerProcess]) -> Iterator[Finding]:
    try:
        is_there = client.is_serving("redis")
    except NotFound:
        yield Finding("redis", Verdict.UNKNOWN, "a server of this version does not tell")
        return
    if is_there:
        yield Finding("redis", Verdict.OK, "the server reaches it")
    else:
        hint = "start it, or mend JOBCONTROL_REDIS_URL of the server"
        yield Finding(
            "redis",
            Verdict.PROBLEM,
            "out of the server's reach: nothing is lost, but steps may wait until it is back",
            hint,
        )


def _check_clock(_: Client, workers: Sequence[WorkerProcess]) -> Iterator[Finding]:
    """A heartbeat's moment and its age, both by the server's clock, say what time it is there."""
    told = [one.heartbeat_at + one.heartbeat_age for one in workers if one.heartbeat_at is not None]
    if not told:
        yield Finding("clock", Verdict.UNKNOWN, "a server without workers does not tell the time")
        return
    skew = abs((datetime.now(UTC) - max(told)).total_seconds())
    if skew <= MOST_SKEW:
        yield Finding("clock", Verdict.OK, f"within {MOST_SKEW:g} s of the server's")
    else:
        apart = f"{format_seconds(skew)} from the server's"
        yield Finding("clock", Verdict.NOTE, apart, "ages and --since are off by as much: set the clock")


def _check_versions(_: Client, workers: Sequence[WorkerProcess]) -> Iterator[Finding]:
    ours, theirs = installed_version("jobcontrol"), sorted({one.version for one in workers if one.version})
    if all(version == ours for version in theirs):
        yield Finding("versions", Verdict.OK, f"jobctl {ours}" + (", workers the same" if theirs else ""))
    else:
        message = f"jobctl {ours}, workers {', '.join(theirs)}"
        yield Finding("versions", Verdict.NOTE, message, "pip install the same jobcontrol everywhere")


def _check_workers(_: Client, workers: Sequence[WorkerProcess]) -> Iterator[Finding]:
    ready = [one for one in workers if one.status == "ready"]
    others = len(workers) - len(ready)
    told = f"{len(ready)} ready"
    if others:
        told += f", {others} draining or lost"
    if ready:
        yield Finding("workers", Verdict.OK, f"{told}, {sum(one.slots for one in ready)} steps at once")
    else:
        yield Finding("workers", Verdict.PROBLEM, told, "start one: jobctl worker")


def _check_queues(client: Client, _: Sequence[WorkerProcess]) -> Iterator[Finding]:
    queues = client.queues()
    for queue in queues:
        if not queue.workers:
            stuck = Verdict.PROBLEM if queue.waiting else Verdict.NOTE
            message = f"{queue.queue} has no worker and {count_noun(queue.waiting, 'step')} waiting"
            yield Finding("queues", stuck, message, "start one that serves it: jobctl worker")
        elif queue.paused:
            yield Finding("queues", Verdict.NOTE, f"{queue.queue} is paused", f"jobctl queues resume {queue.queue}")
    if all(queue.workers and not queue.paused for queue in queues):
        yield Finding("queues", Verdict.OK, f"{len(queues)}, each with workers and open")


def _check_pipelines(client: Client, _: Sequence[WorkerProcess]) -> Iterator[Finding]:
    if names := [one.pipeline for one in client.pipelines()]:
        yield Finding("pipelines", Verdict.OK, ", ".join(names))
    else:
        yield Finding("pipelines", Verdict.PROBLEM, "none is published", "start a worker, or: jobctl migrate")


#: In the order in which they are told.
CHECKS: dict[str, Check] = {
    "database": _check_database,
    "redis": _check_redis,
    "clock": _check_clock,
    "versions": _check_versions,
    "workers": _check_workers,
    "queues": _check_queues,
    "pipelines": _check_pipelines,
}
