"""Commands about queues: queues list, pause, resume, limit."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

import typer

from jobcontrol._requests import KEEP, Keep
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.session import session_of
from jobcontrol.cli.tables import QUEUE_COLUMNS, queue_row
from jobcontrol.operations import Queue
from jobcontrol.pipeline import DefinitionError, Rate

QueueName = Annotated[str, typer.Argument(metavar="QUEUE")]
Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why, for whoever finds it so.")]

NONE = "none"
_RATE = re.compile(r"(\d+)/(\d+(?:\.\d+)?)?(ms|s|m|min|h)")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}


def list_queues(context: typer.Context) -> int:
    """List the queues: what waits and runs in each, and its limits."""
    session = session_of(context)
    found = session.client.queues()
    now = datetime.now(UTC)
    session.write_rows(found, QUEUE_COLUMNS, [queue_row(queue, now) for queue in found])
    return ExitCode.COMPLETED


def pause(context: typer.Context, queue: QueueName, reason: Reason = "") -> int:
    """Start no step of a queue, in any build, until it is resumed; running ones go on."""
    return _tell(context, session_of(context).client.pause_queue(queue, reason=reason))


def resume(context: typer.Context, queue: QueueName, reason: Reason = "") -> int:
    """Start steps of a paused queue again, or of one that a handler had put on hold."""
    return _tell(context, session_of(context).client.resume_queue(queue, reason=reason))


def limit(
    context: typer.Context,
    queue: QueueName,
    max_running: Annotated[
        str, typer.Option(metavar="N", help=f"Steps at once on all workers together; {NONE!r} lifts the limit.")
    ] = "",
    rate: Annotated[
        str, typer.Option(metavar="N/TIME", help=f"Steps that start within a time: 10/1m, 100/s; {NONE!r} lifts it.")
    ] = "",
    declared: Annotated[bool, typer.Option("--declared", help="Forget both: as the pipelines declare.")] = False,
    reason: Reason = "",
) -> int:
    """Change the limits of a queue while builds run; they bind from the next step on."""
    if declared == bool(max_running or rate):
        raise typer.BadParameter("give --max-running, --rate or both; or --declared alone")
    client = session_of(context).client
    if declared:
        return _tell(context, client.reset_queue_limits(queue, reason=reason))
    return _tell(context, client.limit_queue(queue, max_running=_number(max_running), rate=_rate(rate), reason=reason))


def _tell(context: typer.Context, queue: Queue) -> int:
    session = session_of(context)
    if session.wants_data:
        session.write_document(queue)
    else:
        session.write(f"{queue.queue}: {_words(queue)}")
    return ExitCode.COMPLETED


def _words(queue: Queue) -> str:
    state = "paused" if queue.paused else "open"
    return f"{state}, limits {queue.limits}{' (set)' if queue.limits_set else ''}, {queue.waiting} waiting"


def _number(given: str) -> int | Keep | None:
    if not given:
        return KEEP
    if given == NONE:
        return None
    if not given.isdecimal():
        raise typer.BadParameter(f"--max-running must be a number or {NONE!r}, and is {given!r}")
    return int(given)


def _rate(given: str) -> Rate | Keep | None:
    if not given:
        return KEEP
    if given == NONE:
        return None
    found = _RATE.fullmatch(given)
    if found is None:
        raise typer.BadParameter(f"--rate must look like 10/1m, 100/s or {NONE!r}, and is {given!r}")
    count, number, unit = found.groups()
    try:
        return Rate(int(count), float(number or 1) * _SECONDS[unit])
    except DefinitionError as error:
        raise typer.BadParameter(f"--rate: {error}") from None
