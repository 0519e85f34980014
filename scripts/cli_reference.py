"""docs/cli.md, written from the commands themselves: run it after changing one, and commit what it wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
import typer.main

from jobcontrol.cli.app import application

TARGET = Path(__file__).resolve().parents[1] / "docs" / "cli.md"
HEAD = """\
# The command line

Written from the commands by `scripts/cli_reference.py`; do not edit. `jobctl COMMAND --help` tells the same.

`jobctl` and `jobcontrol` are one command. Everything below comes with `pip install jobcontrol`, but what runs the
server, which needs `pip install 'jobcontrol[server]'`: {server_commands}.

- **Ids.** Wherever a JOB is asked for, any unique ending of its id of four characters or more will do, and `@last`
  is the job that was started last from here. Times are `90s`, `10m`, `1h30m` or `7d`.
- **Streams.** Data goes to stdout; progress and everything said to people go to stderr. `--json` writes one document,
  for a list `{{"items": [...], "next_cursor": null}}`; `--jsonl` one object a line, as it comes; `--fields a,b` only
  these members, and without JSON their values, tab-separated.
- **Progress.** Bars on a terminal, lines elsewhere and with `TERM=dumb`. `NO_COLOR` and `FORCE_COLOR` are heeded.
  Ctrl+C lets go of a job, which goes on; a second one within two seconds cancels it.
"""
EXITS = """\
## Exit codes

The same for every command, and for jobs that had ended before:

| code | meaning |
|---|---|
| 0 | completed, or done |
| 1 | failed; with `--fail-fast` a step failed; or an internal error |
| 2 | usage |
| 3 | completed with failed steps; 0 with `--allow-partial` |
| 4 | cancelled |
| 5 | not found |
| 6 | conflict or wrong state |
| 7 | not allowed: token missing or wrong |
| 8 | server out of reach after retries |
| 124 | `--timeout` passed; the job goes on |
| 130 | Ctrl+C; the job goes on unless it was told to be cancelled |

`wait` of several jobs, and commands that steer several, answer with the worst: 1, 4, 3, 0 in this order.
"""
#: They join by entry point, and need what runs the server.
SERVER_COMMANDS = ("dev", "server", "worker", "migrate", "gateway")


def reference() -> str:
    """The whole page."""
    root = typer.main.get_command(application([]))
    context = typer.Context(root, info_name="jobctl")
    commands: Mapping[str, Any] = root.commands  # type: ignore[attr-defined]
    parts = [HEAD.format(server_commands=", ".join(f"`{name}`" for name in SERVER_COMMANDS if name in commands))]
    parts += [_section("Options of every command", "", _rows(root, context)), EXITS]
    for name, command in commands.items():
        parts += _command(name, command, context)
    return "\n".join(parts)


def _command(name: str, command: Any, parent: typer.Context) -> Iterator[str]:
    context = typer.Context(command, parent=parent, info_name=name)
    if children := getattr(command, "commands", None):
        for child, below in children.items():
            yield from _command(child, below, context)
        return
    pieces = " ".join(re.sub(r"[{}]", "", piece) for piece in command.collect_usage_pieces(context))
    usage = (
        f"```\n{context.command_path} {pieces.replace('[[', '[').replace(']]', ']').replace('......', '...')}\n```\n"
    )
    yield _section(context.command_path, f"{usage}\n{_told(command.help or '')}\n", _rows(command, context))


def _section(title: str, text: str, rows: list[str]) -> str:
    table = "\n".join(["| | |", "|---|---|", *rows]) + "\n" if rows else ""
    return "\n".join(part for part in (f"## {title}\n", text, table) if part)


def _rows(command: Any, context: typer.Context) -> list[str]:
    records = (parameter.get_help_record(context) for parameter in command.get_params(context))
    shown = (record for record in records if record is not None and record[0] != "--help")
    return [f"| `{_name(names)}` | {_told(words)} |" for names, words in shown]


def _name(names: str) -> str:
    names = re.sub(r" <(int|float)[^>]*>$", " N", names)
    return re.sub(r" <[^>]+>$", "", names).replace("|", "\\|")


def _told(words: str) -> str:
    """One paragraph, with what the library says of defaults and ranges in the words of people."""
    words = re.sub(r"([\d.]+)<=x<=([\d.]+)", r"\1 to \2", " ".join(words.split()))
    return re.sub(r"x>=([\d.]+)", r"\1 or more", words).replace("|", "\\|")


if __name__ == "__main__":
    TARGET.write_text(reference(), encoding="utf-8")
