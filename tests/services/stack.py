"""The product as real processes: servers and workers on one database and one Redis, which tests may kill."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import workers
from services.processes import is_alive
from services.waiting import wait_until


@dataclass
class Process:
    """One `jobctl` process; `address` is where it listens last of all, if it is a server."""

    arguments: list[str]
    environment: dict[str, str]
    log: Path
    address: str = ""
    popen: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log.open("ab") as output:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "jobcontrol.cli", *self.arguments],
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        if self.address:
            wait_until(lambda: self._is_listening() or self.has_ended, f"the server listens on {self.address}")
            if self.has_ended:
                pytest.fail(f"the server did not start:\n{self.log.read_text()}", pytrace=False)

    @property
    def pid(self) -> int:
        assert self.popen is not None, "not started"
        return self.popen.pid

    @property
    def has_ended(self) -> bool:
        return self.popen is None or self.popen.poll() is not None

    def signal(self, signum: signal.Signals) -> None:
        os.kill(self.pid, signum)

    def kill(self) -> None:
        """SIGKILL, and gone when this returns. Harmless if it has ended."""
        if self.popen is not None:
            with suppress(ProcessLookupError):
                self.popen.kill()
            self.popen.wait(timeout=30)

    def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self.popen is not None, "not started"
        self.popen.terminate()
        return self.popen.wait(timeout=60)

    def _is_listening(self) -> bool:
        host, port = self.address.rsplit(":", 1)
        with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
            return True
        return False


@dataclass
class Stack:
    """`directory` holds the processes' logs. Everything that was started is killed by `close`."""

    database_url: str
    redis_url: str
    directory: Path
    settings: dict[str, str] = field(default_factory=dict)
    processes: list[Process] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "JOBCONTROL_DATABASE_URL": self.database_url,
            "JOBCONTROL_REDIS_URL": self.redis_url,
            "JOBCONTROL_HTTP": "off",
            **self.settings,
        }

    def start_server(self, *, address: str = "", http: str = "off") -> Process:
        """A server that listens when this returns, over HTTP if `http` says where."""
        address = address or f"127.0.0.1:{free_port()}"
        return self._start(["server", "--listen", address, "--http", http], http if http != "off" else address)

    def start_gateway(self, server: str) -> Process:
        """A gateway to that server, which listens when this returns."""
        address = f"127.0.0.1:{free_port()}"
        return self._start(["gateway", "--grpc", server, "--http", address], address)

    def start_worker(self, *targets: str) -> Process:
        """A supervisor; its processes come up in their own time."""
        return self._start(["worker", *targets], "")

    def worker_pids(self) -> list[int]:
        """The worker processes whose sessions are alive."""
        store = Store(self.database_url)
        try:
            rows = store.read(
                lambda tx: tx.execute(select(workers.c.pid).where(workers.c.ended_at.is_(None))).scalars()
            )
            return [pid for pid in rows if is_alive(pid)]
        finally:
            store.close()

    def close(self) -> None:
        for process in self.processes:
            process.kill()

    def _start(self, arguments: list[str], address: str) -> Process:
        log = self.directory / f"{len(self.processes)}-{arguments[0]}.log"
        process = Process(arguments, self.environment, log, address)
        self.processes.append(process)
        process.start()
        return process


def free_port() -> int:
    """A port of the loopback address that nothing listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


#: Short leases, so that a loss is noticed within a test's patience.
SHORT_LEASES = {
    "JOBCONTROL_HEARTBEAT_SECONDS": "0.5",
    "JOBCONTROL_LEASE_SECONDS": "2",
    "JOBCONTROL_DISPATCH_SECONDS": "0.2",
}


def opened(database_url: str, redis_url: str, directory: Path, settings: dict[str, str]) -> Iterator[Stack]:
    """A stack whose database is ready, closed at the end whatever happens."""
    stack = Stack(database_url, redis_url, directory, settings)
    subprocess.run(
        [sys.executable, "-m", "jobcontrol.cli", "migrate"], env={**os.environ, **stack.environment}, check=True
    )
    try:
        yield stack
    finally:
        stack.close()
