"""Commands that other packages bring, by entry point; each is loaded only when it is called."""

from __future__ import annotations

import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points

import typer

from jobcontrol.cli.exits import ExitCode

GROUP = "jobcontrol.commands"


def plugin_names() -> list[str]:
    """The names of the commands that are installed, whether or not they can be loaded."""
    return sorted({point.name for point in entry_points(group=GROUP)})


def add_plugins(app: typer.Typer, wanted: str | None) -> None:
    """Add the command `wanted` for a run, or all of them for the help, where only a name is asked for."""
    for point in entry_points(group=GROUP):
        if wanted in (None, point.name):
            _add(app, point)


def _add(app: typer.Typer, point: EntryPoint) -> None:
    try:
        command = point.load()
    except ImportError as problem:
        app.command(point.name)(_missing(point, problem))
        return
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=point.name)
    else:
        app.command(point.name)(command)


def _missing(point: EntryPoint, problem: ImportError) -> Callable[[], int]:
    needs = f"jobctl {point.name} needs {_how_to_install(point)}"

    def tell() -> int:
        sys.stderr.write(f"error: {needs} ({problem})\n")
        return ExitCode.USAGE

    tell.__doc__ = f"Needs {_how_to_install(point)}."
    return tell


def _how_to_install(point: EntryPoint) -> str:
    distribution = point.dist.name if point.dist is not None else "jobcontrol"
    return "pip install 'jobcontrol[server]'" if distribution == "jobcontrol" else f"all that {distribution} needs"
