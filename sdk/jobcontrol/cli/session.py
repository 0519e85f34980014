"""One run of the command line: its options, its client, and where its words go."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import typer

from jobcontrol._settings import ClientSettings
from jobcontrol.cli import recent
from jobcontrol.cli.advice import closing_line, detached_line
from jobcontrol.cli.documents import event_lines, to_json, to_pretty_json
from jobcontrol.cli.exits import ExitCode, code_of_job
from jobcontrol.client import Client
from jobcontrol.display import Mode, follow
from jobcontrol.display.wording import missing_lines
from jobcontrol.job import Job
from jobcontrol.values import JobStatus

Connect = Callable[[ClientSettings], Client]


@dataclass(frozen=True, slots=True)
class Session:
    """What all commands share. Data goes to stdout, everything said to people to stderr."""

    settings: ClientSettings
    client: Client
    json: bool = False
    jsonl: bool = False
    mode: Mode = "auto"

    def job(self, given: str) -> Job:
        """The job that an argument names. Raises NotFound."""
        return self.client.job(self.resolve(given))

    def resolve(self, given: str) -> str:
        return recent.resolve(self.settings.state_folder, self.client.server, given)

    def remember(self, job: Job) -> None:
        recent.remember(self.settings.state_folder, self.client.server, job.id)

    def write(self, text: str) -> None:
        """Data, one line."""
        sys.stdout.write(f"{text}\n")

    def say(self, text: str) -> None:
        """Words for people; a program that asked for data does not need them, and finds them on stderr."""
        sys.stderr.write(f"{text}\n")

    def write_document(self, value: Any) -> None:
        """One JSON document, readable where somebody reads it."""
        self.write(to_pretty_json(value) if sys.stdout.isatty() else to_json(value))

    def write_list(self, items: Iterable[Any]) -> None:
        """One JSON line for each."""
        for item in items:
            self.write(to_json(item))

    def follow(
        self,
        job: Job,
        *,
        timeout: float | None = None,
        after: int | None = None,
        allow_partial: bool = False,
        mode: Mode | None = None,
    ) -> ExitCode:
        """Show a job until it ends, say how, and answer with its exit code. Ctrl+C lets go of it."""
        try:
            if self.jsonl:
                self._write_events(job, timeout, after)
            else:
                follow(job, timeout=timeout, mode=mode or self.mode, settings=self.settings, after=after)
        except KeyboardInterrupt:
            self.say(detached_line(job.state))
            return ExitCode.INTERRUPTED
        if job.status is JobStatus.COMPLETED:
            for line in missing_lines(job.state):
                self.say(f"Missing  {line}")
        self.say(closing_line(job.state))
        if self.json:
            self.write_document(job.state)
        return code_of_job(job.state, allow_partial=allow_partial)

    def _write_events(self, job: Job, timeout: float | None, after: int | None) -> None:
        for event in job.watch(after, timeout=timeout):
            self.write_list(event_lines(event))
            sys.stdout.flush()


def session_of(context: typer.Context) -> Session:
    """The session of a command that runs."""
    return cast(Session, context.obj)
