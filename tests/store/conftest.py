"""A migrated database for every store test, on SQLite and on PostgreSQL, and the builds that run in it."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobcontrol_core.store.engine import Store
from jobcontrol_migrations import upgrade
from services.postgres import PostgresServer
from store.builds import Builds


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated SQLite file, to be copied."""
    path = tmp_path_factory.mktemp("template") / "jobcontrol.db"
    upgrade(sqlite_url(path))
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: PostgresServer) -> str:
    """The name of a migrated PostgreSQL database, to be copied."""
    name = postgres_server.create_database()
    upgrade(postgres_server.url(name))
    return name


@pytest.fixture
def sqlite_store_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The URL of a migrated SQLite database that this test has for itself."""
    path = tmp_path / "jobcontrol.db"
    shutil.copyfile(sqlite_template, path)
    return sqlite_url(path)


@pytest.fixture
def postgres_store_url(postgres_server: PostgresServer, postgres_template: str) -> Iterator[str]:
    """The URL of a migrated PostgreSQL database that this test has for itself."""
    name = postgres_server.create_database(template=postgres_template)
    yield postgres_server.url(name)
    postgres_server.drop_database(name)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The URL of a migrated database: the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_store_url" if request.param == "sqlite" else "postgres_store_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def store(store_url: str) -> Iterator[Store]:
    """A store on a migrated database."""
    opened = Store(store_url)
    yield opened
    opened.close()


@pytest.fixture
def builds(store: Store) -> Builds:
    """Drives builds through the store and audits every job after every write."""
    return Builds(store)


def sqlite_url(path: Path) -> str:
    """The SQLAlchemy URL of a SQLite file."""
    return f"sqlite+pysqlite:///{path}"
