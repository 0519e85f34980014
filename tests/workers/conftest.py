"""A floor for worker processes on this loop, on a real store and a real Valkey."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from jobcontrol_workers import journal, process, taker
from store.conftest import postgres_store_url, postgres_template, sqlite_store_url, sqlite_template, store_url
from workers.floor import Floor
from workers.site import Site

# Migrated databases, once on SQLite and once on PostgreSQL, as the store's own tests have them.
__all__ = ["floor", "postgres_store_url", "postgres_template", "sqlite_store_url", "sqlite_template", "store_url"]


@pytest.fixture
async def floor(store_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Floor]:
    """Workers that notice within a moment that they are to end, or that something is back."""
    monkeypatch.setattr(process, "STOP_SECONDS", 0.2)
    monkeypatch.setattr(taker, "POP_SECONDS", 0.02)
    monkeypatch.setattr(taker, "POP_TIMEOUT", 0.5)
    monkeypatch.setattr(taker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(journal, "RETRY_SECONDS", 0.05)
    opened = Floor(store_url, redis_url)
    yield opened
    await opened.close()


@pytest.fixture
def site(floor: Floor, tmp_path: Path) -> Iterator[Site]:
    path = tmp_path / "site"
    path.mkdir()
    opened = Site(floor, path)
    yield opened
    opened.close()
