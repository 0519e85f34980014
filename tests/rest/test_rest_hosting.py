"""Hosting: the address, the bounds of a connection, the end, and what is left alone."""

import asyncio
import http.client
import signal
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress

import pytest

from jobcontrol_server.addresses import AddressTaken
from jobcontrol_server.gateway.exchange import Receive, Scope, Send
from jobcontrol_server.rest import connections, hosting
from jobcontrol_server.rest.asgi import Application
from jobcontrol_server.rest.hosting import Hosting
from rest.asking import answer, ask, streaming


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    await answer(send, 200, {"path": scope["path"]})


@asynccontextmanager
async def hosted(application: Application = hello, address: str = "127.0.0.1:0") -> AsyncIterator[str]:
    ours = Hosting(address)
    try:
        await ours.start(application, grace=5)
        yield ours.address
    finally:
        await ours.stop()


async def test_port_zero_takes_a_free_port_and_tells_it() -> None:
    async with hosted() as one, hosted() as other:
        assert one != other
        assert (await ask(one, "/here")).json == {"path": "/here"}


async def test_localhost_is_every_address_of_that_name_under_one_port() -> None:
    async with hosted(address="localhost:0") as address:
        port = int(address.rpartition(":")[2])
        for *_, place in socket.getaddrinfo("localhost", port, type=socket.SOCK_STREAM):
            host = f"[{place[0]}]" if ":" in str(place[0]) else place[0]
            assert (await ask(f"{host}:{port}", "/")).status == 200


@pytest.mark.parametrize("address", ["192.0.2.1:8080", "no-such-host.invalid:8080"])
async def test_an_address_of_another_machine_is_refused_in_one_line(address: str) -> None:
    with pytest.raises(AddressTaken, match=rf"^cannot listen on {address} \(.+\); choose another: --http HOST:PORT$"):
        Hosting(address)


async def test_a_port_that_somebody_has_is_refused() -> None:
    async with hosted() as address:
        with pytest.raises(AddressTaken, match="Address already in use"):
            Hosting(address)


async def test_answers_name_no_software() -> None:
    async with hosted() as address:
        assert "server" not in (await ask(address, "/")).headers


async def test_the_signals_of_the_process_stay_as_they_are() -> None:
    before = [signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)]
    async with hosted() as address:
        await ask(address, "/")
        assert [signal.getsignal(signum) for signum in (signal.SIGTERM, signal.SIGINT)] == before


@pytest.mark.parametrize("parts", [1, 300])
async def test_a_head_that_is_too_large_is_refused_before_it_is_a_request(parts: int) -> None:
    async with hosted() as address:
        host, _, port = address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: %s\r\n" % (n, b"a" * (30_000 // parts)) for n in range(parts))
        )
        assert b" 431 " in await reader.readline()
        await reader.read()
        assert reader.at_eof()
        writer.close()


async def test_a_large_body_after_a_small_head_is_no_large_head() -> None:
    async def count(_scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            size, more = size + len(message["body"]), message["more_body"]
        await answer(send, 200, size)

    async with hosted(count) as address:
        told = await ask(address, "/", method="POST", json_body="a" * 1_000_000)
        assert told.json == 1_000_002


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: x\r\n"])
async def test_who_sends_no_whole_head_in_time_is_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connections, "HEAD_SECONDS", 0.05)
    async with hosted() as address:
        await _is_cut_off_after(sent, address)


async def test_who_sends_no_whole_body_in_time_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    has_left = asyncio.Event()

    async def read(_scope: Scope, receive: Receive, _send: Send) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        has_left.set()

    monkeypatch.setattr(connections, "BODY_SECONDS", 0.05)
    async with hosted(read) as address:
        await _is_cut_off_after(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", address)
        await asyncio.wait_for(has_left.wait(), 30)


async def test_a_connection_serves_one_request_after_the_other_until_it_is_idle_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hosting, "KEEP_ALIVE_SECONDS", 1)

    def ask_thrice(address: str) -> None:
        with closing(http.client.HTTPConnection(address, timeout=30)) as connection:
            for path in ("/first", "/second"):
                connection.request("GET", path)
                assert path.encode() in connection.getresponse().read()
            assert connection.sock.recv(1) == b"", "closed"

    async with hosted() as address:
        await asyncio.to_thread(ask_thrice, address)


async def test_a_client_that_reads_nothing_does_not_hold_up_the_end() -> None:
    is_full, is_over = asyncio.Event(), asyncio.Event()

    async def pour(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        # More than what lies between here and there can hold.
        await send({"type": "http.response.body", "body": b"a" * (64 << 20), "more_body": True})
        is_full.set()
        await is_over.wait()

    ours = Hosting("127.0.0.1:0")
    await ours.start(pour, grace=600)
    async with streaming(ours.address, "/"):
        await is_full.wait()
        is_over.set()
        await asyncio.wait_for(ours.stop(), 30)


async def test_what_is_under_way_ends_before_the_hosting_does() -> None:
    has_begun, may_go_on = asyncio.Event(), asyncio.Event()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        has_begun.set()
        await may_go_on.wait()
        await answer(send, 200, "done")

    ours = Hosting("127.0.0.1:0")
    await ours.start(slow, grace=30)
    asking = asyncio.create_task(ask(ours.address, "/"))
    await has_begun.wait()
    stopping = asyncio.create_task(ours.stop())
    may_go_on.set()
    assert (await asking).json == "done"
    await stopping
    with pytest.raises(ConnectionRefusedError):
        await ask(ours.address, "/")


async def _is_cut_off_after(sent: bytes, address: str) -> None:
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    with suppress(ConnectionResetError):
        assert await asyncio.wait_for(reader.read(), 30) == b""
    writer.close()
