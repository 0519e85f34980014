"""The server does what it was asked, and its reply is lost: the call is made again, and done once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import select

from chaos.proxy import Proxy
from jobcontrol import SAMPLE, AsyncClient, Client
from jobcontrol_core.store.tables import jobs
from rpc.serving import Serving, serving
from services.waiting import wait_until_async


class LosingProxy(Proxy):
    """Loses what the server says, while told to."""

    is_losing = False

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        if sink.get_extra_info("sockname")[1] == self.port:
            source = Lost(self, source)  # type: ignore[assignment]
        await super()._pump(source, sink)


class Lost:
    """What a server says, as far as it is not lost."""

    def __init__(self, proxy: LosingProxy, source: asyncio.StreamReader) -> None:
        self._proxy, self._source = proxy, source

    async def read(self, most: int) -> bytes:
        while data := await self._source.read(most):
            if not self._proxy.is_losing:
                return data
        return b""


@pytest.fixture
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Serving]:
    url = f"sqlite+pysqlite:///{tmp_path_factory.mktemp('lost') / 'jobcontrol.db'}"
    async with serving(url) as running:
        yield running


async def blocking(proxy: LosingProxy) -> str:
    def start() -> str:
        with Client(proxy.address) as client:
            client.stats()
            proxy.is_losing = True
            return client.start("learning-path", "rust-101", document=SAMPLE).id

    return await asyncio.to_thread(start)


async def awaited(proxy: LosingProxy) -> str:
    async with AsyncClient(proxy.address) as client:
        await client.stats()
        proxy.is_losing = True
        return (await client.start("learning-path", "rust-101", document=SAMPLE)).id


@pytest.mark.parametrize("start", [blocking, awaited])
async def test_a_build_whose_start_was_not_answered_is_started_once(
    server: Serving, start: Callable[[LosingProxy], Awaitable[str]]
) -> None:
    async def started() -> list[str]:
        return await asyncio.to_thread(server.store.read, lambda tx: list(tx.execute(select(jobs.c.id)).scalars()))

    proxy = LosingProxy(server.address)
    starting = asyncio.ensure_future(start(proxy))
    await wait_until_async(started, "the server has started the build")
    assert not starting.done()
    proxy.is_losing = False
    proxy.cut()
    proxy.heal()
    assert await started() == [await starting]
