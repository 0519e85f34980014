"""One HTTP exchange over ASGI: what was asked, the body counted as it comes, the answer, and the client that leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from contextlib import suppress
from typing import Any, TypeVar

from jobcontrol_server.gateway.answers import JSON, to_json
from jobcontrol_server.gateway.errors import document_of
from jobcontrol_server.gateway.failures import Failure, too_large
from jobcontrol_server.gateway.headers import Header

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Value = TypeVar("Value")

#: Seconds that a client may leave a part of an answer unread before it counts as gone.
STALLED_AFTER = 60.0

#: Seconds for which the rest of a body is still taken that nobody will read.
_LINGER = 1.0


class ClientGone(Exception):
    """Nobody is there any more to be answered."""


class BrokenOff(Exception):
    """An answer that failed when its head was out, and can tell so only by staying without its end."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class Exchange:
    """One request and its answer."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._scope = scope
        self._receive = receive
        self._send = send
        self._has_unread = self._tells_of_body()
        self.has_begun = False
        """Whether the head of the answer is out, so that its status can no longer change."""

    @property
    def method(self) -> str:
        """The HTTP method, as it was sent."""
        return str(self._scope["method"])

    @property
    def raw_path(self) -> bytes:
        """The path as it was sent, below the prefix that the application is mounted under."""
        raw: bytes = self._scope.get("raw_path") or str(self._scope["path"]).encode("utf-8")
        return raw.removeprefix(str(self._scope.get("root_path") or "").encode("utf-8"))

    @property
    def raw_query(self) -> bytes:
        """What follows the question mark, as it was sent."""
        return bytes(self._scope.get("query_string", b""))

    @property
    def headers(self) -> list[Header]:
        """The headers in their order, their names in lower case."""
        return list(self._scope["headers"])

    @property
    def client(self) -> str | None:
        """The address of the peer, without its port."""
        client = self._scope.get("client")
        return str(client[0]) if client else None

    def header(self, name: bytes) -> str:
        """The first header of that name in lower case; empty without one."""
        return next((value.decode("latin-1").strip() for key, value in self._scope["headers"] if key == name), "")

    def listed(self, name: bytes) -> list[str]:
        """The members of a header that is a list, which may stand on several lines."""
        lines = [value.decode("latin-1") for key, value in self._scope["headers"] if key == name]
        return ",".join(lines).split(",")

    def note_route(self, template: str) -> None:
        """Leave the path template that was taken where an access log finds it: `http.route` in the scope."""
        self._scope["http.route"] = template

    async def body(self, limit: int) -> bytes:
        """The whole body. Raises Failure if it has more than `limit` bytes, ClientGone if it breaks off."""
        declared = self.header(b"content-length")
        if declared.isdecimal() and int(declared) > limit:
            raise too_large(limit)
        parts, size = [], 0
        while True:
            message = await self._next_part()
            if message["type"] == "http.disconnect":
                raise ClientGone
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > limit:
                raise too_large(limit)
            if not message.get("more_body", False):
                return b"".join(parts)

    async def gone(self) -> None:
        """Return when the client has left. To be awaited once the body is read."""
        while (await self._next_part())["type"] != "http.disconnect":
            pass

    async def unless_gone(self, work: Awaitable[Value]) -> Value:
        """What `work` comes to. Raises ClientGone, and cancels it, if the client leaves before."""
        working, leaving = asyncio.ensure_future(work), asyncio.ensure_future(self.gone())
        try:
            await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
            if not working.done():
                raise ClientGone
            return working.result()
        finally:
            for task in (working, leaving):
                task.cancel()

    async def begin(self, status: int, headers: Iterable[Header]) -> None:
        """Send the head of the answer. Raises ClientGone if nobody reads what went before."""
        self.has_begun = True
        await self._send_in_time({"type": "http.response.start", "status": status, "headers": list(headers)})

    async def write(self, content: bytes) -> None:
        """Send a part of the answer and wait until it is on its way. Raises ClientGone if nobody reads it."""
        await self._send_in_time({"type": "http.response.body", "body": content, "more_body": True})

    async def end(self, content: bytes = b"") -> None:
        """Send the last part of the answer. Raises ClientGone if nobody reads it."""
        await self._send_in_time({"type": "http.response.body", "body": content})

    async def answer(self, status: int, content: bytes, headers: Iterable[Header]) -> None:
        """Send a whole answer; its length is told, and its content kept back, where HEAD asked."""
        length = (b"content-length", str(len(content)).encode("ascii"))
        await self.begin(status, [*headers, length] if status != 204 else headers)
        sent = b"" if self.method == "HEAD" else content
        if self._has_unread:
            await self.write(sent)
            await self._take_rest()
            sent = b""
        await self.end(sent)

    async def refuse(self, failure: Failure) -> None:
        """Answer with a failure as google.rpc.Status in JSON."""
        await self.answer(failure.http_status, to_json(document_of(failure)), failure_headers(failure, JSON))

    async def _send_in_time(self, message: MutableMapping[str, Any]) -> None:
        try:
            async with asyncio.timeout(STALLED_AFTER):
                await self._send(message)
        except TimeoutError:
            raise ClientGone from None

    def _tells_of_body(self) -> bool:
        return self.header(b"content-length") not in ("", "0") or bool(self.header(b"transfer-encoding"))

    async def _next_part(self) -> MutableMapping[str, Any]:
        message = await self._receive()
        self._has_unread = message["type"] == "http.request" and message.get("more_body", False)
        return message

    async def _take_rest(self) -> None:
        # A connection that is closed while bytes come in is reset, and its client may never see the answer.
        with suppress(TimeoutError):
            async with asyncio.timeout(_LINGER):
                while self._has_unread:
                    await self._next_part()


def failure_headers(failure: Failure, content_type: str) -> list[Header]:
    """The headers of an answer that tells a failure."""
    return [(b"content-type", content_type.encode("ascii")), *failure.headers]
