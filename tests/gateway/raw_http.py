"""HTTP/1.1 over a bare socket: what a test sends is sent as it is, well formed or not."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

Header = tuple[str, str]


@dataclass(frozen=True)
class Ask:
    """A request: `line` is method and target, such as "GET /v1/animals?page_token=x".

    A `body` of several pieces is sent in as many chunks; headers are sent in Latin-1, in their order, with repetitions.
    """

    line: str
    body: bytes | tuple[bytes, ...] = b""
    headers: Sequence[Header] = ()

    def encoded(self) -> bytes:
        headers = [("Host", "zoo.test"), ("Connection", "close"), *self.headers]
        if isinstance(self.body, tuple):
            headers.append(("Transfer-Encoding", "chunked"))
            body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in (*self.body, b""))
        else:
            body = self.body
            if body:
                headers.append(("Content-Length", str(len(body))))
        lines = [f"{self.line} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        return "\r\n".join([*lines, "", ""]).encode("latin-1") + body


@dataclass(frozen=True)
class Head:
    """The status and the headers of an answer, their names in lower case."""

    status: int
    headers: Sequence[Header]

    def values(self, name: str) -> list[str]:
        return [value for given, value in self.headers if given == name.lower()]

    def listed(self, name: str) -> set[str]:
        """The members of a header that is a list."""
        return {member.strip() for value in self.values(name) for member in value.split(",")}


@dataclass(frozen=True)
class Answer(Head):
    """A whole answer."""

    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Exchange:
    """A request that was sent, whose answer is read as it comes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._left = b""

    async def ended(self) -> bool:
        """Whether the connection brings nothing more."""
        return await self._reader.read(1) == b""

    async def head(self) -> Head:
        lines = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")[:-2]
        pairs = [line.partition(":") for line in lines[1:]]
        head = Head(int(lines[0].split()[1]), [(name.lower(), value.strip()) for name, _, value in pairs])
        self._is_chunked = "chunked" in head.listed("transfer-encoding")
        return head

    async def piece(self) -> bytes:
        """What comes next of the body, b"" at its end. Raises EOFError if it breaks off instead of ending."""
        if not self._is_chunked:
            return await self._reader.read(1 << 16)
        size = int(await self._reader.readuntil(b"\r\n"), 16)
        piece = await self._reader.readexactly(size)
        await self._reader.readuntil(b"\r\n")
        return piece

    async def answer(self) -> Answer:
        """A whole answer that tells its length, after which another may come."""
        head = await self.head()
        return Answer(head.status, head.headers, await self._reader.readexactly(int(head.values("content-length")[0])))

    async def until(self, end: bytes) -> bytes:
        """The body from where it was read to, up to and including `end`."""
        while end not in self._left:
            piece = await self.piece()
            if not piece:
                raise EOFError(f"the body ended with {self._left!r}")
            self._left += piece
        before, found, self._left = self._left.partition(end)
        return before + found

    async def until_head_and(self, end: bytes) -> bytes:
        """The body of a good answer up to and including `end`."""
        assert (await self.head()).status == 200
        return await self.until(end)

    async def rest(self) -> bytes:
        """The body from where it was read to, up to its end."""
        pieces = [self._left]
        while pieces[-1] or len(pieces) == 1:
            pieces.append(await self.piece())
        return b"".join(pieces)

    def leave(self) -> None:
        """Break the connection off, as a client does that is gone."""
        self._writer.transport.abort()


@asynccontextmanager
async def exchange(port: int, ask: Ask | bytes, *, buffer: int = 1 << 16) -> AsyncIterator[Exchange]:
    """Send a request, or bytes that are none; `buffer` is how much of the answer is taken before it is read."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=buffer)
    try:
        writer.write(ask.encoded() if isinstance(ask, Ask) else ask)
        yield Exchange(reader, writer)
    finally:
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


async def ask(port: int, asked: Ask) -> Answer:
    """The whole answer to one request."""
    async with exchange(port, asked) as sent:
        head = await sent.head()
        is_bodiless = asked.line.startswith("HEAD ") or head.status in (204, 304)
        body = b"" if is_bodiless else await sent.rest()
        if is_bodiless:
            assert await sent.ended(), "a body came where none may be"
        return Answer(head.status, head.headers, body)


@dataclass(frozen=True)
class ServerSent:
    """One block of an event stream as a browser reads it; a comment is one with nothing but `comment`."""

    type: str = "message"
    data: str | None = None
    id: str | None = None
    retry: str | None = None
    comment: str | None = None


def server_sent(body: bytes) -> list[ServerSent]:
    """The blocks of an event stream, by the rules of the HTML standard; the stream must not end within one."""
    assert body.endswith(b"\n\n"), f"the stream ends within a block: {body[-80:]!r}"
    return [_block(block.split("\n")) for block in body.decode().removesuffix("\n\n").split("\n\n")]


def _block(lines: Iterable[str]) -> ServerSent:
    fields: dict[str, str] = {}
    for line in lines:
        name, _, value = line.partition(":")
        name = {"": "comment", "event": "type"}.get(name, name)
        assert name not in fields, f"{name} stands twice in one block"
        fields[name] = value.removeprefix(" ")
    return ServerSent(**fields)
