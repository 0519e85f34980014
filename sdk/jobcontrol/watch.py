"""A watch in a caller's hands: iterate it, and let go of it whenever you like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Self

from jobcontrol._connection import AsyncConnection, Awaiting, Blocking, Connection
from jobcontrol._watching import WatchedJob
from jobcontrol.events import Event

__all__ = ["AsyncWatch", "Watch"]


class Watch(Blocking, Iterator[Event]):
    """The events of one job, once. Leaving the loop, or the `with` block, lets go of the stream; the job goes on."""

    def __init__(self, connection: Connection, watched: WatchedJob) -> None:
        self._connection, self._watched = connection, watched

    def __next__(self) -> Event:
        if (event := self._connection.run(self._watched.next_event())) is None:
            raise StopIteration
        return event

    def close(self) -> None:
        """Let go of the stream; harmless if it is gone."""
        self._watched.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        # Who leaves a `for` loop does not say so, and grpcio would keep the call.
        self.close()


class AsyncWatch(Awaiting, AsyncIterator[Event]):
    """A `Watch` for `async for`."""

    def __init__(self, connection: AsyncConnection, watched: WatchedJob) -> None:
        self._connection, self._watched = connection, watched

    async def __anext__(self) -> Event:
        if (event := await self._connection.run(self._watched.next_event())) is None:
            raise StopAsyncIteration
        return event

    async def close(self) -> None:
        """Let go of the stream; harmless if it is gone."""
        self._watched.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    def __del__(self) -> None:
        self._watched.close()
