"""README.md's tables are the code's; what it says to type is run with that of the other pages."""

import re
import subprocess
import sys
from pathlib import Path

import jobcontrol
from docs.pages import pages
from house.source_tree import read
from jobcontrol.cli.exits import ExitCode, code_of_error
from jobcontrol.errors import ApiError, ConnectionFailed, JobControlError, JobError

TEXT = read(Path("README.md"))
ROWS = {int(code): row for code, row in re.findall(r"^\| (\d+) \|(.+)\|$", TEXT, re.MULTILINE)}
#: What every shell gives to a command whose reader has gone; no promise of ours.
UNLISTED = {ExitCode.BROKEN_PIPE}
#: Those that only bring others together.
ABSTRACT = {JobControlError, ApiError, JobError}
#: How a job ended, which the exit code is made of without an exception.
ENDS = {"JobFailed": ExitCode.FAILED, "JobCancelled": ExitCode.CANCELLED, "JobPartiallyFailed": ExitCode.PARTIAL}


def errors() -> set[type[JobControlError]]:
    public = (getattr(jobcontrol, name) for name in jobcontrol.__all__)
    return {kind for kind in public if isinstance(kind, type) and issubclass(kind, JobControlError)} - ABSTRACT


def code_of(kind: type[JobControlError]) -> ExitCode:
    return ENDS.get(kind.__name__) or code_of_error(kind.__new__(kind))


def test_its_exit_codes_are_those_of_the_code() -> None:
    assert ROWS.keys() == set(map(int, set(ExitCode) - UNLISTED))


def test_every_error_of_the_sdk_stands_beside_its_exit_code() -> None:
    assert ConnectionFailed in errors()
    told = {(name, code) for code, row in ROWS.items() for name in re.findall(r"`([A-Z]\w+)[`(]", row)}
    assert told == {(kind.__name__, int(code_of(kind))) for kind in errors()}


def test_every_command_that_a_page_names_exists() -> None:
    helped = subprocess.run(
        [sys.executable, "-m", "jobcontrol.cli", "--help"], capture_output=True, text=True, timeout=60, check=True
    ).stdout
    commands = set(re.findall(r"^  ([a-z]+) ", helped, re.MULTILINE))
    assert {"start", "dev", "queues"} <= commands
    named = {
        (str(page), command)
        for page in pages()
        if page != Path("CHANGELOG.md")
        for command in re.findall(r"[`$\n] ?jobctl (?:--\S+ \S+ )*([a-z]+)\b", read(page))
    }
    assert {(page, command) for page, command in named if command not in commands} == set()
