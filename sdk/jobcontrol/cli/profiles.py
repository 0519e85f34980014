"""Commands about servers that are known by name: config, profile list, add, use, remove."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from jobcontrol._profiles import FILE_NAME, find_target, read_profiles
from jobcontrol._requests import invalid
from jobcontrol.cli.exits import ExitCode
from jobcontrol.cli.files import whole_file
from jobcontrol.cli.session import Session, session_of

COLUMNS = ("PROFILE", "SERVER", "TOKEN", "TLS", "DEFAULT")
ProfileName = Annotated[str, typer.Argument(metavar="NAME", help="What you call the server.")]
File = Annotated[str, typer.Option(metavar="FILE", help="PEM; a relative path is from the folder of the profiles.")]


def config(context: typer.Context) -> int:
    """Show which server is talked to, how, and from where that is known. Tokens are not shown."""
    session = session_of(context)
    settings = session.settings
    name = settings.profile or read_profiles(settings.config_folder).default
    target = find_target(settings.server or None, settings.token or None, settings.tls, settings.profile or None)
    facts = {
        "server": session.client.server,
        "token": "set" if target.token else "none",
        "tls": target.tls is not None,
        "profile": name or None,
        "profiles_file": str(settings.config_folder / FILE_NAME) if settings.config_folder else None,
        "state_folder": str(settings.state_folder) if settings.state_folder else None,
    }
    if session.wants_data:
        session.write_document(facts)
    else:
        session.write("\n".join(f"{name:<14} {_word(value)}" for name, value in facts.items()))
    return ExitCode.COMPLETED


def list_profiles(context: typer.Context) -> int:
    """List the servers that are known by name."""
    session = session_of(context)
    known = read_profiles(session.settings.config_folder)
    items = [
        {
            "profile": name,
            "server": target.address,
            "token": "set" if target.token else "none",
            "tls": target.tls is not None,
            "default": name == known.default,
        }
        for name, target in sorted(known.by_name.items())
    ]
    session.write_rows(items, COLUMNS, [[_word(value) for value in item.values()] for item in items])
    return ExitCode.COMPLETED


def add(
    context: typer.Context,
    name: ProfileName,
    address: Annotated[str, typer.Argument(metavar="HOST:PORT", help="Where its gRPC is.")],
    with_token: Annotated[
        bool, typer.Option("--with-token", help="Keep the token of --token or JOBCONTROL_TOKEN with it.")
    ] = False,
    tls: Annotated[bool, typer.Option("--tls", help="Encrypted, by the certificates of the system.")] = False,
    root_certificates: File = "",
    client_certificate: File = "",
    client_key: File = "",
) -> int:
    """Remember a server under a name, in place of one that has it; the first one becomes the default."""
    session = session_of(context)
    if with_token and not session.settings.token:
        raise invalid("--with-token", "there is none; give --token, or set JOBCONTROL_TOKEN")
    given = {
        "server": address,
        "token": session.settings.token if with_token else "",
        "tls": tls,
        "root_certificates": root_certificates,
        "client_certificate": client_certificate,
        "client_key": client_key,
    }
    told = _read(session)
    told.setdefault("profiles", {})[name] = {key: value for key, value in given.items() if value}
    told.setdefault("default", name)
    return _keep(session, told, f"Added {name}.")


def use(context: typer.Context, name: ProfileName) -> int:
    """Make a server the default."""
    session = session_of(context)
    told = _read(session)
    _require(told, name)
    return _keep(session, {**told, "default": name}, f"{name} is the default now.")


def remove(context: typer.Context, name: ProfileName) -> int:
    """Forget a server."""
    session = session_of(context)
    told = _read(session)
    _require(told, name)
    del told["profiles"][name]
    if told.get("default") == name:
        del told["default"]
    return _keep(session, told, f"Removed {name}.")


def _path(session: Session) -> Path:
    folder = session.settings.config_folder
    if folder is None:
        raise invalid("profile", "there is no home to keep it in; set XDG_CONFIG_HOME")
    return folder / FILE_NAME


def _read(session: Session) -> dict[str, Any]:
    """What the file says, which is as it should be. Raises InvalidInput."""
    path = _path(session)
    read_profiles(path.parent)
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def _require(told: Mapping[str, Any], name: str) -> None:
    known = told.get("profiles", {})
    if name not in known:
        raise invalid("profile", f"{name!r} is not known ({', '.join(sorted(known)) or 'there are none'})")


def _keep(session: Session, told: Mapping[str, Any], words: str) -> int:
    """Write the file anew, for its owner's eyes alone: it may hold tokens. Comments in it are lost."""
    path = _path(session)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise invalid("profile", f"{path} cannot be written: {problem.strerror}") from problem
    with whole_file(path, option="profile") as file:
        file.write(_to_toml(told))
    session.say(f"{words}  {path}")
    return ExitCode.COMPLETED


def _to_toml(told: Mapping[str, Any]) -> str:
    """Texts and flags as JSON has them, which TOML reads alike."""
    lines = [f"default = {json.dumps(told['default'])}\n"] if told.get("default") else []
    for name, table in told.get("profiles", {}).items():
        lines.append(f"[profiles.{json.dumps(name)}]")
        lines += [f"{key} = {json.dumps(value)}" for key, value in table.items()]
        lines.append("")
    return "\n".join(lines)


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "-"
    return str(value or "-")
