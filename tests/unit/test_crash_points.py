"""Crash points: without the tests' switch nothing happens; with it, a fuse ends one process and is gone."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from jobcontrol_core.crash_points import CrashPoint
from jobcontrol_core.settings import environment_with

PROGRAM = "from jobcontrol_core.crash_points import CrashPoint, crash_at; crash_at(CrashPoint.AFTER_CLAIM)"


def run(fuses: str) -> int:
    environment = environment_with(JOBCONTROL_CRASH_FUSES=fuses)
    return subprocess.run([sys.executable, "-c", PROGRAM], env=environment, check=False).returncode


def test_without_the_switch_a_fuse_is_not_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / CrashPoint.AFTER_CLAIM).touch()
    assert run("") == 0
    assert (tmp_path / CrashPoint.AFTER_CLAIM).exists()


def test_a_fuse_ends_the_first_process_that_comes_by_and_no_other(tmp_path: Path) -> None:
    (tmp_path / CrashPoint.AFTER_CLAIM).touch()
    assert [run(str(tmp_path)) for _ in range(2)] == [-signal.SIGKILL, 0]


def test_the_fuse_of_another_point_stays(tmp_path: Path) -> None:
    (tmp_path / CrashPoint.BEFORE_COMMIT).touch()
    assert run(str(tmp_path)) == 0
    assert (tmp_path / CrashPoint.BEFORE_COMMIT).exists()
