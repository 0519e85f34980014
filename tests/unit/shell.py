"""Runs command lines against a scripted server."""

import io
from pathlib import Path

import pytest

from jobcontrol import Client
from jobcontrol._settings import ClientSettings
from jobcontrol.cli import app
from jobcontrol.errors import JobControlError
from sdk.recording import JOB_ID
from sdk.scripted import ScriptedTransport


class Shell:
    """Runs command lines and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str], state: Path) -> None:
        self._capsys = capsys
        self._state = state
        self.settings: list[ClientSettings] = []
        self.out = self.err = ""

    def run(self, transport: ScriptedTransport, *argv: str) -> int:
        def connect(settings: ClientSettings) -> Client:
            self.settings.append(settings)
            return Client(transport=transport)

        code = app.run(argv, connect)
        self.out, self.err = self._capsys.readouterr()
        return code

    def read_err(self) -> str:
        """What was said by a run that did not come back."""
        return self._capsys.readouterr().err

    def type(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        """What the next run finds on stdin."""
        monkeypatch.setattr("sys.stdin", io.StringIO(text))

    def fails(self, error: JobControlError, *argv: str) -> tuple[int, str]:
        """The exit code and stderr of a command whose first call is refused."""
        command = argv or ("get", JOB_ID)
        names = ("GetJob", "StartBuild", "ListJobs", "ListPipelines")
        return self.run(ScriptedTransport(**dict.fromkeys(names, error)), *command), self.err
