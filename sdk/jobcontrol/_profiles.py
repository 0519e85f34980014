"""Profiles: servers that a user knows by name, from one file in the folder where programs keep their settings.

default = "staging"

[profiles.staging]
server = "jobs.example.org:443"
token = "..."
root_certificates = "ca.pem"        # `tls = true` instead: those of the system; paths are relative to this file
client_certificate = "me.pem"
client_key = "me.key"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jobcontrol._requests import invalid
from jobcontrol._settings import Target, Tls, read_settings

FILE_NAME = "profiles.toml"
_TEXTS = ("server", "token", "root_certificates", "client_certificate", "client_key")


@dataclass(frozen=True, slots=True)
class Profiles:
    """What the file says; nothing if there is none. `default` is the name of the one that counts unless told."""

    by_name: Mapping[str, Target] = field(default_factory=dict)
    default: str = ""


def find_target(
    server: str | None = None, token: str | None = None, tls: Tls | None = None, profile: str | None = None
) -> Target:
    """What is given; for the rest what the environment says, or the profile.

    A profile's token and certificates are for its own server and go to no other one.
    """
    settings = read_settings()
    if server is None and profile is None:
        server = settings.server or None
    chosen = _choose(profile or settings.profile, settings.config_folder)
    if chosen is None or server not in (None, chosen.address):
        chosen = Target(server or Target().address, settings.token, settings.tls)
    return Target(
        chosen.address, (chosen.token or settings.token) if token is None else token, tls or chosen.tls or settings.tls
    )


def read_profiles(folder: Path | None) -> Profiles:
    """The profiles of a settings folder. Raises InvalidInput if its file cannot be read, or says what it may not."""
    path = folder / FILE_NAME if folder else None
    if path is None or not path.exists():
        return Profiles()
    try:
        told = tomllib.loads(path.read_text())
    except (OSError, ValueError) as problem:
        raise invalid("profile", f"{path}: {problem}") from problem
    tables = told.get("profiles", {})
    if not isinstance(tables, dict) or not isinstance(told.get("default", ""), str):
        raise invalid("profile", f"{path}: needs default = NAME, and a table [profiles.NAME] for each")
    return Profiles(
        {name: _to_target(f"{path}: {name}", table, path.parent) for name, table in tables.items()},
        told.get("default", ""),
    )


def _choose(name: str, folder: Path | None) -> Target | None:
    profiles = read_profiles(folder)
    name = name or profiles.default
    if name and name not in profiles.by_name:
        known = ", ".join(sorted(profiles.by_name)) or "there are none"
        raise invalid("profile", f"{name!r} is not in {folder / FILE_NAME if folder else FILE_NAME} ({known})")
    return profiles.by_name.get(name)


def _to_target(where: str, table: Any, folder: Path) -> Target:
    if not isinstance(table, dict) or not table.get("server"):
        raise invalid("profile", f"{where}: needs a server")
    if unknown := set(table) - {*_TEXTS, "tls"}:
        raise invalid("profile", f"{where}: {min(unknown)} is none of {', '.join(_TEXTS)}, tls")
    if wrong := [name for name in _TEXTS if not isinstance(table.get(name, ""), str)]:
        raise invalid("profile", f"{where}: {wrong[0]} is no text")
    paths = {name: folder / table[name] for name in _TEXTS[2:] if table.get(name)}
    tls = Tls(**paths) if paths or table.get("tls") is True else None
    return Target(table["server"], table.get("token", ""), tls)
