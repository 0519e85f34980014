"""Many streams as one: each in its order, none pulled far ahead, all closed at the end."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from jobcontrol_server.watch.merging import merged


class Source:
    """Numbers, made as they are asked for; `fails` raises at its end."""

    def __init__(self, name: str, count: int, *, fails: bool = False) -> None:
        self.name, self.count, self.fails = name, count, fails
        self.made = 0
        self.is_closed = False

    async def messages(self) -> AsyncGenerator[bytes, None]:
        try:
            while self.made < self.count:
                self.made += 1
                yield f"{self.name}{self.made}".encode()
            if self.fails:
                raise LookupError(self.name)
        finally:
            self.is_closed = True


async def silent() -> AsyncGenerator[bytes, None]:
    await asyncio.Event().wait()
    yield b""


async def test_each_source_comes_in_its_order_until_all_have_ended() -> None:
    sources = [Source("a", 3), Source("b", 5), Source("c", 0)]
    found = [message async for message in merged([source.messages() for source in sources], silence=60)]
    assert [one for one in found if one and one.startswith(b"a")] == [b"a1", b"a2", b"a3"]
    assert [one for one in found if one and one.startswith(b"b")] == [b"b1", b"b2", b"b3", b"b4", b"b5"]
    assert len(found) == 8


async def test_of_each_source_one_message_is_pulled_ahead() -> None:
    sources = [Source("a", 100), Source("b", 100)]
    stream = merged([source.messages() for source in sources], silence=60)
    for read in range(1, 20):
        await anext(stream)
        assert sum(source.made for source in sources) <= read + len(sources)
    await stream.aclose()
    assert all(source.is_closed for source in sources)


async def test_silence_is_told_and_a_source_may_go_on_after_it() -> None:
    stream = merged([silent(), Source("a", 1).messages()], silence=0.001)
    assert [await anext(stream) for _ in range(3)] == [b"a1", None, None]
    await stream.aclose()


async def test_what_one_source_raises_ends_all() -> None:
    broken, other = Source("a", 1, fails=True), Source("b", 1_000)
    with pytest.raises(LookupError):
        async for _ in merged([broken.messages(), other.messages(), silent()], silence=60):
            pass
    assert other.is_closed
    assert other.made < 1_000
