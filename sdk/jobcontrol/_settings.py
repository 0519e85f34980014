"""The settings of the SDK and the CLI: the one place here that reads the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_SERVER = "localhost:50051"


@dataclass(frozen=True, slots=True)
class Tls:
    """An encrypted connection. Without `root_certificates` (PEM) the server's is held against those of the system.

    `client_certificate` and `client_key` (PEM) are for servers that want to see who calls.
    """

    root_certificates: Path | None = None
    client_certificate: Path | None = None
    client_key: Path | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """A server, and how we prove to it who we are."""

    address: str = DEFAULT_SERVER
    token: str = field(default="", repr=False)
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class ClientSettings:
    """Where the server is and how we prove who we are, as far as told; and what the user's terminal asks for."""

    server: str = ""
    token: str = field(default="", repr=False)
    tls: Tls | None = None
    profile: str = ""
    """Name of the profile that says the rest; see `_profiles`."""
    config_folder: Path | None = None
    """Where the profiles are; None where there is no home to keep them in."""
    state_folder: Path | None = None
    """Where the CLI remembers its last job; None where there is no home to keep it in."""
    wants_no_color: bool = False
    wants_color: bool = False
    is_dumb_terminal: bool = False

    def is_colored(self, is_terminal: bool) -> bool:
        """Whether text gets colors: NO_COLOR wins over FORCE_COLOR, which wins over what the stream is."""
        return not self.wants_no_color and (self.wants_color or (is_terminal and not self.is_dumb_terminal))


def let_grpc_fork() -> None:
    """Have grpcio take care of forks, which it decides as it is imported; who has chosen otherwise is heard.

    Without it a child now and then waits for ever in its first call.
    """
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "1")


def read_settings(environment: Mapping[str, str] | None = None) -> ClientSettings:
    """The settings of this process, read anew each time. Empty variables count as unset."""
    given = os.environ if environment is None else environment
    return ClientSettings(
        server=given.get("JOBCONTROL_SERVER", ""),
        token=given.get("JOBCONTROL_TOKEN", ""),
        tls=_tls(given),
        profile=given.get("JOBCONTROL_PROFILE", ""),
        config_folder=_folder(given, "XDG_CONFIG_HOME", ".config"),
        state_folder=_folder(given, "XDG_STATE_HOME", ".local/state"),
        wants_no_color=bool(given.get("NO_COLOR")),
        wants_color=given.get("FORCE_COLOR", "0") not in ("", "0"),
        is_dumb_terminal=given.get("TERM", "") in ("dumb", "unknown"),
    )


def _tls(given: Mapping[str, str]) -> Tls | None:
    names = ("JOBCONTROL_ROOT_CERTIFICATES", "JOBCONTROL_CLIENT_CERTIFICATE", "JOBCONTROL_CLIENT_KEY")
    paths = [Path(given[name]) if given.get(name) else None for name in names]
    is_wanted = given.get("JOBCONTROL_TLS", "").lower() in ("1", "true", "yes", "on")
    return Tls(*paths) if is_wanted or any(paths) else None


def _folder(given: Mapping[str, str], variable: str, usual: str) -> Path | None:
    """Per the XDG base directory specification: the variable's if it is absolute, else the usual one below home."""
    if (chosen := Path(given.get(variable, ""))).is_absolute():
        return chosen / "jobcontrol"
    if home := given.get("HOME"):
        return Path(home, usual, "jobcontrol")
    return None
