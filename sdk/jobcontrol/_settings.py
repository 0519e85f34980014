"""The settings of the SDK and the CLI: the one place here that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_SERVER = "localhost:50051"


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the server is and how we prove who we are; and what the user's terminal asks for."""

    server: str = DEFAULT_SERVER
    token: str = field(default="", repr=False)
    state_folder: Path | None = None
    """Where the CLI remembers its last job; None where there is no home to keep it in."""
    wants_no_color: bool = False
    wants_color: bool = False
    is_dumb_terminal: bool = False

    def is_colored(self, is_terminal: bool) -> bool:
        """Whether text gets colors: NO_COLOR wins over FORCE_COLOR, which wins over what the stream is."""
        return not self.wants_no_color and (self.wants_color or (is_terminal and not self.is_dumb_terminal))


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how we prove to it who we are."""

    address: str
    token: str = field(default="", repr=False)


def find_target(server: str | None = None, token: str | None = None) -> Target:
    """What was given, and for the rest what the environment says."""
    settings = read_settings()
    return Target(server or settings.server, settings.token if token is None else token)


def let_grpc_fork() -> None:
    """Have grpcio take care of forks, which it decides as it is imported; who has chosen otherwise is heard.

    Without it a child now and then waits for ever in its first call.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")


def read_settings(environment: Mapping[str, str] | None = None) -> ClientSettings:
    """The settings of this process, read anew each time. Empty variables count as unset."""
    given = os.environ if environment is None else environment
    return ClientSettings(
        server=given.get("JOBCONTROL_SERVER") or DEFAULT_SERVER,
        token=given.get("JOBCONTROL_TOKEN", ""),
        state_folder=_state_folder(given),
        wants_no_color=bool(given.get("NO_COLOR")),
        wants_color=given.get("FORCE_COLOR", "0") not in ("", "0"),
        is_dumb_terminal=given.get("TERM", "") in ("dumb", "unknown"),
    )


def _state_folder(given: Mapping[str, str]) -> Path | None:
    """Per the XDG base directory specification: an absolute XDG_STATE_HOME, else ~/.local/state."""
    if (chosen := Path(given.get("XDG_STATE_HOME", ""))).is_absolute():
        return chosen / "jobcontrol"
    if home := given.get("HOME"):
        return Path(home, ".local", "state", "jobcontrol")
    return None
