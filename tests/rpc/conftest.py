"""Servers for the tests: one on SQLite with a real Valkey, and databases for those who start their own."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rpc.serving import Serving, serving


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of a SQLite database that is not there yet."""
    return f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}"


@pytest.fixture
async def server(sqlite_url: str) -> AsyncIterator[Serving]:
    """A server on SQLite alone: what it is asked, it answers without Redis."""
    async with serving(sqlite_url) as running:
        yield running


@pytest.fixture
async def ringing_server(sqlite_url: str, redis_url: str) -> AsyncIterator[Serving]:
    """A server on SQLite, with doorbells and tickets."""
    async with serving(sqlite_url, redis_url=redis_url) as running:
        yield running


@pytest.fixture
async def either_server(database_url: str) -> AsyncIterator[Serving]:
    """A server once on SQLite and once on PostgreSQL."""
    async with serving(database_url) as running:
        yield running
