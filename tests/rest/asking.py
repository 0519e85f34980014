"""A client of HTTP for the tests: whole answers, and streams line by line."""

import asyncio
import http.client
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from jobcontrol_server.gateway.exchange import Send

NO_HEADERS: Mapping[str, str] = {}


@dataclass(frozen=True)
class Answer:
    """What came back; the names of headers in lower case."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def reason(self) -> str:
        """The reason of the ErrorInfo among the details."""
        return str(next(detail["reason"] for detail in self.json["details"] if "reason" in detail))


async def ask(
    address: str, path: str, *, method: str = "GET", headers: Mapping[str, str] = NO_HEADERS, json_body: object = None
) -> Answer:
    """One request on a connection of its own, made on a thread since the server may share this loop."""
    return await asyncio.to_thread(asked, address, path, method=method, headers=headers, json_body=json_body)


def asked(
    address: str, path: str, *, method: str = "GET", headers: Mapping[str, str] = NO_HEADERS, json_body: object = None
) -> Answer:
    """The same from a thread."""
    connection = http.client.HTTPConnection(address, timeout=30)
    try:
        body = None if json_body is None else json.dumps(json_body)
        connection.request(method, path, body=body, headers={"content-type": "application/json", **headers})
        answer = connection.getresponse()
        return Answer(answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()


async def answer(send: Send, status: int, document: object) -> None:
    """What an application of a test answers."""
    content = json.dumps(document).encode()
    length = (b"content-length", str(len(content)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [length]})
    await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def streaming(
    address: str, path: str, headers: Mapping[str, str] = NO_HEADERS
) -> AsyncIterator[asyncio.StreamReader]:
    """A stream whose head has been asked for: what comes is read as it comes, head and sizes of chunks included."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1 << 22)
    lines = [f"GET {path} HTTP/1.1", f"Host: {address}", *(f"{name}: {value}" for name, value in headers.items())]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    try:
        yield reader
    finally:
        writer.close()


async def line_with(reader: asyncio.StreamReader, words: bytes) -> bytes:
    """The next line that holds `words`."""
    while words not in (line := await reader.readline()):
        assert line, f"the stream ended before {words!r}"
    return line
