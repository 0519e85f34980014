"""The command export: everything that is known of a job in one file, secrets masked."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer

from jobcontrol._profiles import find_target
from jobcontrol.cli.building import JobId
from jobcontrol.cli.documents import to_json, to_plain
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.files import whole_file
from jobcontrol.cli.masking import MASK, Masking
from jobcontrol.cli.session import Session, session_of
from jobcontrol.display.wording import seconds_of
from jobcontrol.job import Job
from jobcontrol.values import JobState, Step

FORMAT = "jobcontrol.export/1"


def export(
    context: typer.Context,
    job: JobId,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="Where to; - is stdout. Else job-ID.json, here.")
    ] = "",
    mask: Annotated[
        list[str], typer.Option("--mask", metavar="NAME", help="Mask values of this name, too; again for more.")
    ] = [],  # noqa: B006  typer reads it and never changes it
) -> int:
    """Write all that is known of a job into one JSON file: the job, its steps with inputs, outputs, attempts and logs,
    its events, error groups, timings and versions. Secrets are masked. The file is whole, or it is not there.
    """
    session = session_of(context)
    found = session.job(job)
    masking = Masking(names=mask, secrets=(_token(session),))
    if output == "-":
        _write(sys.stdout, session, found, masking)
        return ExitCode.COMPLETED
    target = Path(output or f"job-{found.short_id}.json")
    with whole_file(target, option="--output") as file:
        _write(file, session, found, masking)
    session.say(f"Wrote {target} ({target.stat().st_size:,} bytes); masked as {MASK!r} is what looks secret.")
    return ExitCode.COMPLETED


def _token(session: Session) -> str:
    settings = session.settings
    return find_target(settings.server or None, settings.token or None, settings.tls, settings.profile or None).token


def _write(file: TextIO, session: Session, job: Job, masking: Masking) -> None:
    """Members one after the other, the long lists thing by thing: no more than a page of them is held."""
    for index, (name, value) in enumerate(_parts(session, job)):
        file.write("{\n" if index == 0 else ",\n")
        file.write(f"{to_json(name)}: ")
        if isinstance(value, Iterator):
            _write_list(file, value, masking)
        else:
            file.write(to_json(masking.mask(to_plain(value))))
    file.write("\n}\n")


def _write_list(file: TextIO, items: Iterator[Any], masking: Masking) -> None:
    file.write("[")
    for index, item in enumerate(items):
        file.write("\n  " if index == 0 else ",\n  ")
        file.write(to_json(masking.mask(to_plain(item))))
    file.write("\n]")


def _parts(session: Session, job: Job) -> Iterator[tuple[str, Any]]:
    state = job.state
    yield "format", FORMAT
    yield "exported_at", datetime.now(UTC)
    yield "versions", _versions(session, state)
    yield "job", state
    yield "timings", _timings(state)
    yield "waits", job.explain()
    yield "error_groups", iter(session.client.error_groups(job_id=job.id))
    yield "steps", (_detail(job, step) for step in job.steps())
    yield "events", iter(job.log())


def _versions(session: Session, state: JobState) -> dict[str, Any]:
    workers = {worker.version for worker in session.client.workers()}
    return {
        "jobctl": installed_version("jobcontrol"),
        "python": platform.python_version(),
        "pipeline": state.pipeline_version,
        "workers": sorted(workers),
    }


def _timings(state: JobState) -> dict[str, Any]:
    """What follows from the moments of a job: seconds until it started, from then to its end, and of each stage."""
    waited = state.started_at - state.created_at if state.started_at and state.created_at else None
    ran = state.completed_at - state.started_at if state.completed_at and state.started_at else None
    stages = {stage.stage: seconds_of(stage) for stage in state.stages}
    return {"waited_seconds": waited, "ran_seconds": ran, "stage_seconds": stages}


def _detail(job: Job, step: Step) -> dict[str, Any]:
    """A step with all that belongs to it, beside its own members."""
    detail = to_plain(job.step(step.step_id))
    return {**detail.pop("step"), **detail}
