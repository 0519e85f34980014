"""Many streams as one: whichever has a message next."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence


async def merged(
    sources: Sequence[AsyncGenerator[bytes, None]], *, silence: float
) -> AsyncGenerator[bytes | None, None]:
    """The messages of all, each source's in its order, until all have ended; None after `silence` seconds without one.

    Of each source one message is pulled ahead, so that a reader who does not read costs no more. What one raises
    ends it all.
    """
    pulled = {asyncio.create_task(_pull(source)): source for source in sources}
    try:
        while pulled:
            done, _ = await asyncio.wait(pulled, timeout=silence, return_when=asyncio.FIRST_COMPLETED)
            if not done:
                yield None
            for task in done:
                source = pulled.pop(task)
                if (message := task.result()) is not None:
                    yield message
                    pulled[asyncio.create_task(_pull(source))] = source
    finally:
        for task in pulled:
            task.cancel()
        await asyncio.gather(*pulled, return_exceptions=True)
        for source in sources:
            await source.aclose()


async def _pull(source: AsyncGenerator[bytes, None]) -> bytes | None:
    return await anext(source, None)
