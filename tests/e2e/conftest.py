"""The whole product as real processes, on real services."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from services.stack import SHORT_LEASES, Stack, opened
from services.valkey import ValkeyServer


@pytest.fixture
def stack(database_url: str, own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[Stack]:
    """Nothing of it runs yet: a test starts the servers and workers that it needs."""
    yield from opened(database_url, own_valkey.url, tmp_path, dict(SHORT_LEASES))
