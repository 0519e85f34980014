"""One run of the command line: its settings, its client, and where its words go."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import typer

from jobcontrol._settings import ClientSettings
from jobcontrol.cli import recent
from jobcontrol.cli.output import Output
from jobcontrol.client import Client
from jobcontrol.display import Mode
from jobcontrol.job import Job

Connect = Callable[[ClientSettings], Client]


@dataclass(frozen=True, slots=True, kw_only=True)
class Session(Output):
    """What all commands share."""

    settings: ClientSettings
    client: Client
    mode: Mode = "auto"

    def job(self, given: str) -> Job:
        """The job that an argument names. Raises NotFound."""
        return self.client.job(self.resolve(given))

    def resolve(self, given: str) -> str:
        return recent.resolve(self.settings.state_folder, self.client.server, given)

    def remember(self, job: Job) -> None:
        recent.remember(self.settings.state_folder, self.client.server, job.id)


def session_of(context: typer.Context) -> Session:
    """The session of a command that runs."""
    return cast(Session, context.obj)
