"""A floor for worker processes on this loop, on a real store and a real Valkey."""

from collections.abc import AsyncIterator

import pytest

from jobcontrol_migrations import upgrade
from jobcontrol_workers import journal, process, taker
from workers.floor import Floor


@pytest.fixture
def migrated_url(database_url: str) -> str:
    """The URL of a database with its tables: the test runs once on SQLite and once on PostgreSQL."""
    upgrade(database_url)
    return database_url


@pytest.fixture
async def floor(migrated_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    """Workers that notice within a moment that they are to end, or that something is back."""
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(taker, "POP_SECONDS", 0.02)
    monkeypatch.setattr(taker, "POP_TIMEOUT", 0.5)
    monkeypatch.setattr(taker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.05)
    opened = Floor(migrated_url, redis_url)
    yield opened
    await opened.close()
