"""A floor for worker processes on this loop, on a real store and a real Valkey."""

from collections.abc import AsyncIterator

import pytest

from jobcontrol_migrations import upgrade
from jobcontrol_workers import taker
from workers.floor import Floor


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """The URL of a database with its tables: the test runs once on SQLite and once on PostgreSQL."""
    upgrade(database_url)
    return database_url


@pytest.fixture
async def floor(migrated_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    """Workers whose taker notices within a moment that it is to end."""
    monkeypatch.setattr(taker, "POP_SECONDS", 0.1)
    opened = Floor(migrated_url, redis_url)
    yield opened
    await opened.close()
