"""Calls of the store from the event loop: on a bounded pool of threads, so that the loop never waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from jobcontrol_core.store.engine import Store

P = ParamSpec("P")
R = TypeVar("R")

#: As many as the store's pool has connections for, with some left for the dispatcher.
THREADS = 12


class StoreCalls:
    """Awaitable reads of one store. A caller that goes away leaves its call to end by itself."""

    def __init__(self, store: Store, threads: int = THREADS) -> None:
        self._store = store
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store-call")

    async def read(self, fn: Callable[Concatenate[Connection, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`fn(tx, ...)` as Store.read does it."""
        return await self.run(partial(self._store.read, fn, *args, **kwargs))

    async def run(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`fn(...)`, which may read and write the store."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(fn, *args, **kwargs))

    def close(self) -> None:
        """Wait for the calls under way."""
        self._threads.shutdown(cancel_futures=True)
