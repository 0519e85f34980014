"""A list that grows while it is read: nothing of what was there comes twice, and nothing is left out."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, insert, select

from jobcontrol import SAMPLE, AsyncClient, Client
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import jobs
from rpc.serving import Serving, serving

JOBS, ADDED = 5_000, 100


@pytest.fixture
async def full_server(tmp_path: Path) -> AsyncIterator[Serving]:
    """A server with 5,000 jobs."""
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as server:
        await server.start("path-0", document={"sample": True})
        await asyncio.to_thread(server.store.write, _multiply)
        yield server


def _multiply(tx: Connection) -> None:
    row = dict(tx.execute(select(jobs)).mappings().one())
    copies = [
        {
            **row,
            "id": f"{row['id'][:-6]}{number:06d}",
            "path_id": f"path-{number}",
            "created_at": row["created_at"] + timedelta(milliseconds=number // 7),
        }
        for number in range(1, JOBS)
    ]
    tx.execute(insert(jobs), copies)


def _ids(store: Store) -> set[str]:
    return set(store.read(lambda tx: tx.execute(select(jobs.c.id)).scalars().all()))


async def test_5000_jobs_are_read_once_each_while_100_are_added(full_server: Serving) -> None:
    before = await asyncio.to_thread(_ids, full_server.store)
    read, added = list[str](), set[str]()
    async with AsyncClient(full_server.address) as client:
        async for job in client.jobs():
            read.append(job.id)
            if len(read) % 10 == 0 and len(added) < ADDED:
                added.add((await client.start("learning-path", f"new-{len(added)}", document=SAMPLE)).id)
    assert len(before) == JOBS
    assert len(read) == len(set(read))
    assert before <= set(read) <= before | added


async def test_the_client_that_blocks_reads_the_same(full_server: Serving) -> None:
    def read() -> list[str]:
        with Client(full_server.address) as client:
            found = list[str]()
            for job in client.jobs():
                found.append(job.id)
                if len(found) % 50 == 0:
                    client.start("learning-path", f"new-{len(found)}", document=SAMPLE)
            return found

    before = await asyncio.to_thread(_ids, full_server.store)
    found = await asyncio.to_thread(read)
    assert len(found) == len(set(found))
    assert before <= set(found)
