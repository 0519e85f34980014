"""Set-up on a fresh machine: what is missing is said in one line, and make tells what it can do."""

import os
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from house.source_tree import ROOT


def preflight(name: str) -> Callable[..., Any]:
    """A function of the preflight script, whose module-level names stay as the script has them."""
    function: Callable[..., Any] = runpy.run_path(str(ROOT / "scripts" / "preflight.py"))[name]
    return function


def test_this_machine_lacks_nothing() -> None:
    assert preflight("find_lack")() is None


@pytest.mark.parametrize(
    ("machine", "named"),
    [
        (("win32", "AMD64", ("", "")), "not on win32"),
        (("linux", "riscv64", ("glibc", "2.36")), "no binary wheels for riscv64"),
        (("linux", "x86_64", ("", "")), "another libc"),
        (("linux", "x86_64", ("glibc", "2.17")), "glibc 2.17"),
    ],
)
def test_a_machine_without_wheels_is_told_so_in_one_line(machine: tuple[object, ...], named: str) -> None:
    lack = preflight("find_wheel_lack")(*machine)
    assert named in lack
    assert "\n" not in lack


def test_an_old_python_is_told_which_one_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    find_lack = preflight("find_lack")
    monkeypatch.setattr(sys, "version_info", (3, 9, 2, "final", 0))
    assert find_lack().startswith("Python 3.11 or newer is needed, ")


@pytest.mark.parametrize("absent", ["venv", "ensurepip"])
def test_a_missing_module_is_told_with_the_package_that_brings_it(absent: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find_lack = preflight("find_lack")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == absent else object())
    assert f"module {absent} is missing" in find_lack()
    assert "apt-get install python3." in find_lack()


def test_a_missing_interpreter_is_one_line_and_nothing_is_made() -> None:
    run = _make("--always-make", "PYTHON=python-that-is-absent", "test")
    assert run.returncode != 0
    assert run.stderr.startswith("error: python-that-is-absent is missing; install Python 3.11 or newer\n")


def test_make_help_names_every_target() -> None:
    printed = _make("help").stdout
    makefile = (ROOT / "Makefile").read_text()
    phony = next(line for line in makefile.splitlines() if line.startswith(".PHONY:")).split()[1:]
    assert [line.split()[1] for line in printed.splitlines()] == phony


@pytest.fixture
def bare_machine(tmp_path: Path) -> Path:
    """A PATH of a machine with make and a Python that came without its venv module."""
    for program in ("sh", "dirname", "id", "env"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    python = "#!/bin/sh\ncase $2 in *ensurepip*) exit 1;; *print*) echo python3.12-venv;; esac\n"
    for program, script in (
        ("python3", python),
        ("make", "#!/bin/sh\n"),
        ("redis-server", "#!/bin/sh\n"),
        ("curl", "#!/bin/sh\n"),
        ("chromium", "#!/bin/sh\n"),
        ("sudo", '#!/bin/sh\nshift\nexec "$@"\n'),
    ):
        _write_program(tmp_path / program, script)
    return tmp_path


def test_ci_without_a_package_tool_says_what_is_missing(bare_machine: Path) -> None:
    run = _run_ci(bare_machine)
    assert run.returncode == 1
    assert run.stderr == "error: python3.12-venv missing, and there is no apt-get here to install it\n"


def test_ci_whose_package_tool_fails_says_what_to_install_by_hand(bare_machine: Path) -> None:
    _write_program(bare_machine / "apt-get", "#!/bin/sh\nexit 100\n")
    run = _run_ci(bare_machine)
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1] == (
        "error: apt-get could not install python3.12-venv; install it by hand and start again"
    )


def test_ci_on_a_machine_that_has_everything_runs_the_checks_and_allows_no_missing_service(bare_machine: Path) -> None:
    _write_program(bare_machine / "python3", "#!/bin/sh\n")
    _write_program(bare_machine / "make", '#!/bin/sh\necho "CI=$CI make $*"\n')
    assert _run_ci(bare_machine).stdout == "CI=true make PYTHON=python3 client-tools check\n"


def _make(*arguments: str) -> subprocess.CompletedProcess[str]:
    # Without the variables of a make that runs these tests, which would speak through this one.
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(["make", *arguments], cwd=ROOT, env=path, capture_output=True, text=True, check=False)


def _write_program(path: Path, script: str) -> None:
    path.write_text(script)
    path.chmod(0o755)


def _run_ci(machine: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [ROOT / ".ci" / "run"], env={"PATH": str(machine)}, capture_output=True, text=True, check=False
    )
