"""A real server and worker of two processes on the embedded Valkey, for as long as a benchmark takes."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jobcontrol import Client, ConnectionFailed
from jobcontrol_core.settings import environment_with
from jobcontrol_workers.dev.directory import DataDirectory
from jobcontrol_workers.dev.embedded import find_program, server_command, socket_url, wait_until_it_answers

TARGET = "bare_steps:bare"


@dataclass(frozen=True)
class Arena:
    """Where the server answers, what the database is, and which processes serve."""

    address: str
    database_url: str
    redis_pid: int
    server_pid: int
    worker_pid: int


@contextmanager
def running(url: str | None = None, *, target: str = TARGET, **settings: str) -> Iterator[Arena]:
    """Start everything on an empty database, SQLite without a `url`, and end it in order.

    The worker serves `target`; `settings` are variables for all processes.
    """
    with tempfile.TemporaryDirectory(prefix="jc-bench-") as temporary:
        directory = DataDirectory(Path(temporary))
        address, database_url = f"127.0.0.1:{free_port()}", url or directory.database_url
        environment = environment_with(
            JOBCONTROL_DATABASE_URL=database_url,
            JOBCONTROL_REDIS_URL=socket_url(directory.socket),
            JOBCONTROL_LISTEN=address,
            PYTHONPATH=str(Path(__file__).parent),
            **{"JOBCONTROL_HTTP": "off", **settings},
        )
        programs = [subprocess.Popen(server_command(find_program(), directory))]
        try:
            wait_until_it_answers(socket_url(directory.socket), directory.path / "valkey.log")
            jobctl = [sys.executable, "-m", "jobcontrol.cli"]
            subprocess.run([*jobctl, "migrate", target], env=environment, check=True)
            with (directory.path / "log").open("wb") as log:
                for command in (["server"], ["worker", target]):
                    programs.append(subprocess.Popen([*jobctl, *command], env=environment, stderr=log))
            with Client(address) as client:
                _wait_for(client)
            yield Arena(address, database_url, *(program.pid for program in programs))
        finally:
            for program in reversed(programs):
                program.send_signal(signal.SIGTERM)
                program.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_for(client: Client) -> None:
    while True:
        try:
            if client.pipelines():
                return
        except ConnectionFailed:
            os.sched_yield()
