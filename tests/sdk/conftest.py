"""A real server, for what a script cannot show."""

from collections.abc import Iterator

import pytest

from services.stack import Stack, opened

#: Nothing listens there: what these tests ask, a server answers without Redis.
NO_REDIS = "redis://127.0.0.1:1/0"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a server process on SQLite listens."""
    directory = tmp_path_factory.mktemp("server")
    url = f"sqlite+pysqlite:///{directory / 'jobcontrol.db'}"
    for stack in opened(url, NO_REDIS, directory, {}):
        yield _serve(stack)


def _serve(stack: Stack) -> str:
    return stack.start_server().address
