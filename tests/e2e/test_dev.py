"""`jobctl dev`: one command, killed and started again, in every way a person would."""

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.builds_under_fire import WatchedBuild, start_watched_build
from services.processes import is_alive
from services.stack import Process, Stack, free_port
from services.waiting import wait_until


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@contextmanager
def running_dev(home: Path, address: str) -> Iterator[Process]:
    """A stack that listens; killed at the end if it still runs."""
    log = home.parent / "dev.log"
    process = Process(["dev", "--directory", str(home), "--listen", address, "--http", "off"], {}, log, address)
    try:
        process.start()
        yield process
    finally:
        process.kill()


@pytest.fixture
def address() -> str:
    return f"127.0.0.1:{free_port()}"


def start_build(home: Path, address: str, pace: float = 0.15) -> WatchedBuild:
    stack = Stack(f"sqlite+pysqlite:///{home / 'jobcontrol.db'}", "", home)
    return start_watched_build(stack, address, pace=pace)


def family_of(pid: int) -> set[int]:
    """The process and everything that it started, children of children too."""
    known: set[int] = set()
    found = {pid}
    while found - known:
        known |= found
        children = Path("/proc").glob("[0-9]*/stat")
        for stat in children:
            try:
                words = stat.read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(words[1]) in known:
                found.add(int(stat.parent.name))
    return known


def refused(*arguments: str) -> str:
    """What `jobctl dev` says when it cannot start: one line, exit code 1."""
    command = [sys.executable, "-m", "jobcontrol.cli", "dev", "--http", "off", *arguments]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    lines = [line for line in ended.stderr.splitlines() if not line.startswith("timestamp=")]
    assert len(lines) == 1, ended.stderr
    return lines[0]


def test_it_stops_in_order_at_ctrl_c_and_goes_on_when_started_again(home: Path, address: str) -> None:
    with running_dev(home, address) as dev:
        build = start_build(home, address)
        build.wait_for_steps(8)
        family = family_of(dev.pid)
        assert len(family) >= 6, "dev, Valkey, server, supervisor and two worker processes"
        dev.signal(signal.SIGINT)
        wait_until(lambda: dev.has_ended, "dev has ended", timeout=60)
        assert not any(map(is_alive, family))
    with running_dev(home, address):
        build.wait_for_end()
    build.assert_completed_once()


def test_killed_with_sigkill_it_leaves_nothing_that_stops_the_next_start(home: Path, address: str) -> None:
    with running_dev(home, address) as dev:
        build = start_build(home, address)
        build.wait_for_steps(8)
        family = family_of(dev.pid)
        dev.kill()
        wait_until(lambda: not any(map(is_alive, family)), "its processes are gone with it")
    with running_dev(home, address):
        build.wait_for_end()
    build.assert_completed_once()


@pytest.mark.parametrize("program", ["server", "worker", "valkey"])
def test_a_child_that_is_killed_is_started_again_and_the_log_says_so(home: Path, address: str, program: str) -> None:
    with running_dev(home, address) as dev:
        build = start_build(home, address)
        build.wait_for_steps(8)
        children = {pid: Path(f"/proc/{pid}/cmdline").read_bytes() for pid in family_of(dev.pid) - {dev.pid}}
        word = {"server": b"\0server\0", "worker": b"jobcontrol.cli\0worker\0", "valkey": b"valkey"}[program]
        victim = next(pid for pid, command in children.items() if word in command)
        subprocess.run(["kill", "-9", str(victim)], check=True)
        build.wait_for_end()
        build.assert_completed_once()
        log = dev.log.read_text()
    assert f'event=died what={program} how="killed by SIGKILL"' in log
    assert f"event=started_again what={program}" in log


def test_a_second_one_in_the_same_directory_names_the_first(home: Path, address: str) -> None:
    with running_dev(home, address) as dev:
        line = refused("--directory", str(home), "--listen", f"127.0.0.1:{free_port()}")
    assert line.startswith(f"error: another jobctl dev (process {dev.pid}) runs in")
    assert "--directory" in line


def test_a_taken_port_is_told_in_one_line(home: Path) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        line = refused("--directory", str(home), "--listen", f"127.0.0.1:{port}")
    assert line.startswith(f"error: port {port} is taken")
    assert "--listen" in line


def test_a_directory_that_cannot_be_written_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    line = refused("--directory", str(tmp_path / "file" / "below"))
    assert line.startswith("error: cannot write to")
    assert "--directory" in line


@pytest.mark.parametrize("listen", ["nowhere", "127.0.0.1:99999", ":50051"])
def test_an_address_that_is_none_is_told_in_one_line(home: Path, listen: str) -> None:
    assert refused("--directory", str(home), "--listen", listen).startswith(
        "error: JOBCONTROL_LISTEN: must be host:port"
    )


def test_an_address_of_another_machine_is_told_in_one_line(home: Path) -> None:
    line = refused("--directory", str(home), "--listen", "203.0.113.9:50051")
    assert line.startswith("error: 203.0.113.9 is no address of this machine")
