"""Servers with REST, in this process."""

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
    """A server on SQLite with REST beside gRPC."""
    async with serving(sqlite_url, http="127.0.0.1:0") as running:
        yield running
