"""Gateways for the tests of this shelf: one for the tests of a module, which ask it one after another."""

from collections.abc import AsyncIterator

import pytest_asyncio

from gateway.served import ORIGIN, Site, site


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def zoo_site() -> AsyncIterator[Site]:
    """A gateway as it is without options: no other origin may read it."""
    async with site() as served:
        yield served


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_site() -> AsyncIterator[Site]:
    """A gateway that lets the pages of one other origin read it."""
    async with site(cors_origins=[ORIGIN]) as served:
        yield served
