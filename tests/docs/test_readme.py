"""README.md is true: its Python and its commands run as pasted, against real processes, and its table is the code's."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.source_tree import read
from jobcontrol.cli.exits import ExitCode
from jobcontrol_workers.pipelines import BUILT_IN
from services.stack import SHORT_LEASES, Stack, opened
from services.valkey import ValkeyServer

TEXT = read(Path("README.md"))
#: What every shell gives to a command whose reader has gone; no promise of ours.
UNLISTED = {ExitCode.BROKEN_PIPE}


def block(language: str, beginning: str) -> str:
    """The block of this language that begins like this."""
    found = [text for text in re.findall(rf"```{language}\n(.+?)```", TEXT, re.DOTALL) if text.startswith(beginning)]
    assert len(found) == 1, beginning
    return str(found[0])


@pytest.fixture
def stack(own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[Stack]:
    """A server and a worker, and in `tmp_path` the documents that the README names."""
    sample = BUILT_IN[0].sample
    assert sample is not None
    for name in ("rust.md", "book.md"):
        (tmp_path / name).write_bytes(sample())
    database = f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}"
    for stack in opened(database, own_valkey.url, tmp_path, dict(SHORT_LEASES)):
        stack.start_worker()
        yield stack


def run(stack: Stack, directory: Path, *command: str) -> str:
    """Run it as a user of this stack in `directory`; returns what it prints."""
    server = stack.start_server()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {
        **os.environ,
        "PATH": path,
        "JOBCONTROL_SERVER": server.address,
        "XDG_STATE_HOME": str(directory / "state"),
    }
    done = subprocess.run(
        command, cwd=directory, env=environment, capture_output=True, text=True, timeout=90, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_its_python_runs_as_pasted(stack: Stack, tmp_path: Path) -> None:
    printed = run(stack, tmp_path, sys.executable, "-c", block("python", "from pathlib"))
    assert printed.strip().endswith(" 0"), "the title, and no failed steps"


def test_its_commands_for_a_book_run_as_pasted(stack: Stack, tmp_path: Path) -> None:
    run(stack, tmp_path, "bash", "-ec", block("sh", "jobctl start learning-path my-book"))
    assert (tmp_path / "path.md").read_text().startswith("# ")


def test_its_exit_codes_are_those_of_the_code() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", TEXT, re.MULTILINE)}
    assert told == set(map(int, set(ExitCode) - UNLISTED))


def test_every_command_that_it_names_exists() -> None:
    named = set(re.findall(r"\bjobctl (?:--\S+ \S+ )*([a-z]+)", TEXT))
    helped = subprocess.run(
        [sys.executable, "-m", "jobcontrol.cli", "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    assert {command for command in named if not re.search(rf"\b{command}\b", helped)} == set()
