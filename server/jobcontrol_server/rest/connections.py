"""One connection of HTTP/1.1, with the bounds that uvicorn leaves open: who sends nothing or no end does not stay."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

#: Request line and headers, of which most becomes metadata of the call.
MOST_HEAD_BYTES = 16 << 10
#: Seconds for a head to arrive, from the connection on or from its first byte; and for the rest of the request.
HEAD_SECONDS, BODY_SECONDS = 10.0, 120.0
#: What a head that is too large gets, being no request yet.
TOO_LARGE = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 31\r\nconnection: close\r\n\r\n"
    b"the head is larger than 16 KiB\n"
)


class Connection(HttpToolsProtocol):
    """Counts a request's head as it arrives, and closes the connection of a request that does not arrive in time."""

    _deadline: asyncio.TimerHandle | None = None
    _is_in_head = True
    _head_bytes = 0
    #: Goes up where a head or a request ends: what arrived around such a place is not one head's alone.
    _ends = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._unanswered: list[RequestResponseCycle] = []
        super().connection_made(transport)
        self._expect_within(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._expect_within(None)
        super().connection_lost(exc)
        # uvicorn tells the newest request alone; the one that is being answered may have others behind it.
        for request in self._unanswered:
            request.disconnected = True
            request.message_event.set()

    def data_received(self, data: bytes) -> None:
        ends = self._ends
        super().data_received(data)
        if self._is_in_head and self._ends == ends and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > MOST_HEAD_BYTES:
                self.transport.write(TOO_LARGE)
                self.transport.close()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._expect_within(HEAD_SECONDS)

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        self._is_in_head, self._head_bytes = False, 0
        self._ends += 1
        self._unanswered = [request for request in (*self._unanswered, self.cycle) if not request.response_complete]
        self._expect_within(BODY_SECONDS)

    def on_message_complete(self) -> None:
        super().on_message_complete()
        self._is_in_head = True
        self._ends += 1
        self._expect_within(None)

    def _expect_within(self, seconds: float | None) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = None if seconds is None else self.loop.call_later(seconds, self.transport.abort)
