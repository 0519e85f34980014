"""docs/cli.md says what the commands are: it is written from them, and every command has a sentence."""

import re
import runpy
from collections.abc import Callable
from pathlib import Path

from house.source_tree import ROOT, read
from jobcontrol.cli.app import EPILOG
from jobcontrol.cli.exits import ExitCode

PAGE = read(Path("docs/cli.md"))
#: What no user meets: the reader of a pipe has gone, and so has whoever would read the code.
UNTOLD = {ExitCode.BROKEN_PIPE}


def written() -> str:
    reference: Callable[[], str] = runpy.run_path(str(ROOT / "scripts" / "cli_reference.py"))["reference"]
    return reference()


def test_the_page_is_what_the_commands_say() -> None:
    assert written() == PAGE, "a command changed: run .venv/bin/python scripts/cli_reference.py"


def test_every_command_and_every_option_has_a_sentence() -> None:
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]
    for section in sections:
        told = [line for line in section.splitlines()[1:] if line and not line.startswith(("|", "`"))]
        assert told or section.startswith("Options of every command"), section
    assert re.findall(r"^\| `[^`]*` \| *\|$", PAGE, re.MULTILINE) == []


def test_every_exit_code_is_told_on_the_page_in_the_readme_and_in_the_help() -> None:
    codes = {int(code) for code in ExitCode if code not in UNTOLD}
    for text in (PAGE, read(Path("README.md"))):
        assert {int(code) for code in re.findall(r"^\| (\d+) \|", text, re.MULTILINE)} == codes
    assert {int(code) for code in re.findall(r"\d+", EPILOG)} == codes
