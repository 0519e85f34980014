"""Watches as tests read them: message by message, each wait bounded."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from jobcontrol import v1 as pb

Message = pb.WatchProgressResponse
_SECONDS = 30


class Stream:
    """One open watch."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def read(self) -> Message:
        """The next message that is no heartbeat."""
        while True:
            message = await self.read_any()
            if not message.HasField("heartbeat"):
                return message

    async def read_any(self) -> Message:
        message = await self._next()
        assert message is not None, "the stream has ended"
        return message

    async def rest(self) -> list[Message]:
        """All that comes until the stream ends, without heartbeats. Raises what ends it early."""
        messages = []
        while (message := await self._next()) is not None:
            if not message.HasField("heartbeat"):
                messages.append(message)
        return messages

    async def _next(self) -> Message | None:
        async with asyncio.timeout(_SECONDS):
            message = await self._call.read()
        return message if isinstance(message, Message) else None

    def cancel(self) -> None:
        self._call.cancel()


@asynccontextmanager
async def watching(stub: Any, job_id: str, **fields: Any) -> AsyncIterator[Stream]:
    """A watch that is cancelled when the block ends, if it has not ended by itself."""
    call = stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id, **fields))
    try:
        yield Stream(call)
    finally:
        call.cancel()


async def watch_whole(stub: Any, job_id: str, **fields: Any) -> list[Message]:
    """Every message until the job ends."""
    async with watching(stub, job_id, **fields) as stream:
        return await stream.rest()


def assert_joined(messages: Sequence[Message], after: int) -> int:
    """Each message tells the commits right after the one before; returns the last one told."""
    for message in messages:
        assert message.first_sequence == after + 1, f"{message.first_sequence} came after {after}"
        assert message.sequence >= message.first_sequence
        after = message.sequence
    return after


def kinds(messages: Sequence[Message]) -> list[str]:
    """Which of snapshot, changed and finished each message is."""
    return [str(message.WhichOneof("event")) for message in messages]
