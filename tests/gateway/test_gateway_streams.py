"""Streams while they run: sent on at once, held back by a slow client, cancelled with one that is gone, drained."""

import asyncio
import itertools
import json
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import pytest
from google.api.httpbody_pb2 import HttpBody

from gateway import zoo
from gateway.cases_streams import EVENTS, GONE, HEARTBEAT, LEO, WATCH, noted
from gateway.raw_http import Ask, server_sent
from gateway.served import Site, site
from gateway.zookeeper import Failure, Script
from jobcontrol_server.gateway import EventStream
from services.waiting import wait_until_async

LINES_OF_LEO = Ask(WATCH)
EVENTS_OF_LEO = Ask(WATCH, headers=[EVENTS])
BYTES = Ask("GET /v1/files/a:read")
HANGING = Script([noted(1, "a")], hangs=True)
HUGE = "x" * 100_000


@pytest.fixture
async def zoo_alone() -> AsyncIterator[Site]:
    """A gateway of this test's own."""
    async with site() as served:
        yield served


def endless(note: str = "") -> Iterator[Any]:
    """Messages that nobody has ever read to their end."""
    return (noted(number, note) for number in itertools.count(1))


async def everyone_has_left(served: Site, rpcs: list[str]) -> None:
    async def is_so() -> bool:
        return served.keeper.cancelled == rpcs and served.keeper.open_streams == 0

    await wait_until_async(is_so, f"{rpcs} are cancelled", timeout=5)


async def test_each_message_is_sent_when_it_comes_and_not_when_there_are_more(zoo_alone: Site) -> None:
    messages: asyncio.Queue[Any] = asyncio.Queue()

    async def says() -> AsyncIterator[Any]:
        while (message := await messages.get()) is not None:
            yield message

    for asked, end in ((LINES_OF_LEO, b"\n"), (EVENTS_OF_LEO, b"\n\n")):
        async with zoo_alone.exchange(asked, Script(says())) as sent:
            for number in (1, 2, 3):
                await messages.put(noted(number))
                if number == 1:
                    assert (await sent.head()).status == 200
                    await sent.until(b"2000\n\n") if asked is EVENTS_OF_LEO else None
                assert f'"number":"{number}"'.encode() in await sent.until(end)
            await messages.put(None)
            assert await sent.rest() in (b"", b"event: end\ndata: {}\n\n")


@pytest.mark.parametrize("asked", [LINES_OF_LEO, EVENTS_OF_LEO, Ask("POST /v1/watch", b"{}")])
async def test_a_client_that_is_gone_cancels_the_rpc(asked: Ask, zoo_alone: Site) -> None:
    async with zoo_alone.exchange(asked, HANGING) as sent:
        await sent.head()
        await sent.until(b'"a"')
        sent.leave()

        await everyone_has_left(zoo_alone, ["Watch"])


@pytest.mark.parametrize("line", [WATCH, "GET /v1/animals/leo", "GET /v1/files/a:read"])
async def test_so_does_one_that_has_not_been_answered_yet(line: str, zoo_alone: Site) -> None:
    async with zoo_alone.exchange(Ask(line), Script(hangs=True)) as sent:
        await wait_until_async(lambda: has_been_called(zoo_alone), "the RPC has begun")
        sent.leave()

        await wait_until_async(lambda: nothing_is_open(zoo_alone), "the RPC is cancelled", timeout=5)
    assert len(zoo_alone.keeper.cancelled) == 1


async def test_and_one_that_closes_in_order(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(EVENTS_OF_LEO, HANGING) as sent:
        await sent.until_head_and(b'"a"')

    await everyone_has_left(zoo_alone, ["Watch"])


async def test_a_client_that_goes_while_it_sends_its_body_makes_no_call(zoo_alone: Site) -> None:
    half = b"POST /v1/animals HTTP/1.1\r\nHost: zoo.test\r\nContent-Length: 100\r\n\r\n{"
    async with zoo_alone.exchange(half) as sent:
        sent.leave()

    assert (await zoo_alone.ask("GET /v1/animals/leo")).status == 200
    assert [call.rpc for call in zoo_alone.keeper.calls] == ["GetAnimal"]


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        (LINES_OF_LEO, endless(HUGE)),
        (EVENTS_OF_LEO, endless(HUGE)),
        (BYTES, (HttpBody(data=HUGE.encode()) for _ in itertools.count())),
    ],
)
async def test_a_client_that_does_not_read_stops_the_stream(asked: Ask, says: Iterator[Any], zoo_alone: Site) -> None:
    async with zoo_alone.exchange(asked, Script(says)) as sent:
        await wait_until_async(lambda: has_stopped(zoo_alone), "the stream has stopped")
        stopped_at = zoo_alone.keeper.said

        # What is under way fills the buffers of two connections and no more: megabytes, where it would have no end.
        assert stopped_at * len(HUGE) < 32 << 20

        await sent.head()
        while zoo_alone.keeper.said == stopped_at:
            await sent.piece()
        sent.leave()
        await wait_until_async(lambda: nothing_is_open(zoo_alone), "the RPC is cancelled", timeout=5)


async def test_a_slow_client_misses_nothing(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(LINES_OF_LEO, Script(itertools.islice(endless(HUGE), 300))) as sent:
        await wait_until_async(lambda: has_stopped(zoo_alone), "the stream has stopped")
        await sent.head()
        lines = (await sent.rest()).splitlines()

    assert [json.loads(line)["result"]["number"] for line in lines] == [str(number) for number in range(1, 301)]


async def test_one_that_does_not_read_holds_up_nobody_else(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(LINES_OF_LEO, Script(endless(HUGE))):
        await wait_until_async(lambda: has_stopped(zoo_alone), "the stream has stopped")

        assert (await zoo_alone.ask("GET /v1/animals/leo")).json["name"] == ""


async def test_draining_ends_every_stream_with_a_word_and_refuses_new_ones(zoo_alone: Site) -> None:
    asked = [LINES_OF_LEO, EVENTS_OF_LEO] * 25
    async with AsyncExitStack() as stack:
        streams = [await stack.enter_async_context(zoo_alone.exchange(ask, HANGING)) for ask in asked]
        for stream in streams:
            await stream.until_head_and(b'"a"')

        zoo_alone.gateway.drain()
        ends = await asyncio.wait_for(asyncio.gather(*(stream.rest() for stream in streams)), 5)

    assert all(b'{"error":{"code":14,' in end for end in ends[::2])
    assert [server_sent(end.partition(b"\n\n")[2])[-1].type for end in ends[1::2]] == ["stream-error"] * 25
    await wait_until_async(lambda: nothing_is_open(zoo_alone), "every RPC has ended", timeout=5)
    for ask, body in ((LINES_OF_LEO, "error"), (EVENTS_OF_LEO, "code")):
        refused = await zoo_alone.ask(ask, HANGING)
        assert refused.status == 503
        assert body in refused.json
        assert zoo_alone.keeper.calls == []
    assert (await zoo_alone.ask("GET /v1/animals/leo")).status == 200


async def test_draining_ends_a_stream_that_nobody_reads(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(LINES_OF_LEO, Script(endless(HUGE))):
        await wait_until_async(lambda: has_stopped(zoo_alone), "the stream has stopped")

        zoo_alone.gateway.drain()

        await wait_until_async(lambda: nothing_is_open(zoo_alone), "the RPC has ended", timeout=5)


async def test_draining_ends_a_stream_that_has_said_nothing(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(EVENTS_OF_LEO, Script(hangs=True)) as sent:
        await wait_until_async(lambda: has_been_called(zoo_alone), "the RPC has begun")

        zoo_alone.gateway.drain()

        assert (await sent.head()).status == 503
    await everyone_has_left(zoo_alone, ["Watch"])


async def test_bytes_that_are_missing_leave_the_body_without_its_end(zoo_alone: Site) -> None:
    failing = Script([HttpBody(content_type="text/csv", data=b"a,b")], Failure(grpc.StatusCode.DATA_LOSS))
    async with zoo_alone.exchange(BYTES, failing) as sent:
        assert (await sent.head()).status == 200
        assert await sent.until(b"b") == b"a,b"
        with pytest.raises(EOFError):
            await sent.rest()


async def test_a_message_that_cannot_be_json_ends_the_stream_with_an_error(zoo_alone: Site) -> None:
    failing = Script([noted(1, "a"), zoo.Event(number=2, packed={"type_url": "type.googleapis.com/zoo.v1.Plant"})])

    lines = await zoo_alone.ask(LINES_OF_LEO, failing)
    events = await zoo_alone.ask(EVENTS_OF_LEO, failing)

    assert lines.body.splitlines()[-1].startswith(b'{"error":{"code":13,')
    assert server_sent(events.body)[-1].type == "stream-error"
    await wait_until_async(lambda: nothing_is_open(zoo_alone), "every RPC has ended", timeout=5)


async def test_a_stream_goes_on_where_a_browser_left_it(zoo_alone: Site) -> None:
    async with zoo_alone.exchange(EVENTS_OF_LEO, Script([noted(1), HEARTBEAT, noted(2)], GONE)) as sent:
        await sent.head()
        ids = [block.id for block in server_sent(await sent.rest()) if block.id is not None]

    again = Ask(WATCH, headers=[EVENTS, ("Last-Event-ID", ids[-1])])
    resumed = await zoo_alone.ask(again, Script([zoo.Event(number=3, finished=LEO)]))
    [call] = zoo_alone.keeper.calls
    over = Ask(WATCH, headers=[EVENTS, ("Last-Event-ID", "3")])

    assert (ids, call.request.after) == (["1", "2"], 2)
    assert [block.type for block in server_sent(resumed.body) if block.data] == ["message", "end"]
    assert (await zoo_alone.ask(over, Script([zoo.Event(number=3, finished=LEO)]))).status == 204


async def test_ids_may_be_texts_of_any_script_but_no_line_breaks() -> None:
    by_note = EventStream(id="note", resume="animal", end="finished")
    async with site(event_streams={"zoo.v1.Zoo.Follow": by_note}) as served:
        follow = "GET /v1/animals/leo:follow"
        told = await served.ask(
            Ask(follow, headers=[EVENTS]), Script([noted(1, "é"), noted(2, "a\ndata: x"), noted(3, "b\0")])
        )
        ids = [block.id for block in server_sent(told.body) if block.type == "message" and block.data]
        sent_by_browsers = "é".encode().decode("latin-1")
        await served.ask(Ask(follow, headers=[EVENTS, ("Last-Event-ID", sent_by_browsers)]))
        [call] = served.keeper.calls
        refused = await served.ask(Ask(follow, headers=[EVENTS, ("Last-Event-ID", "\xff")]))

    assert ids == ["é", None, None]
    assert call.request.animal == "é"
    assert refused.status == 400


async def test_a_server_out_of_reach_is_told_at_once() -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with (
            grpc.aio.insecure_channel(f"127.0.0.1:{nobody.getsockname()[1]}") as channel,
            site(channel) as served,
        ):
            unary = await served.ask("GET /v1/animals/leo")
            stream = await served.ask(EVENTS_OF_LEO)

    assert [(answer.status, answer.json["code"]) for answer in (unary, stream)] == [(503, 14)] * 2
    assert b"127.0.0.1" not in unary.body + stream.body


async def has_been_called(served: Site) -> bool:
    return len(served.keeper.calls) == 1


async def nothing_is_open(served: Site) -> bool:
    return served.keeper.open_streams == 0


async def has_stopped(served: Site) -> bool:
    """Whether the stream that began has said nothing more over some turns of the loop."""
    said = served.keeper.said
    for _ in range(200):
        await asyncio.sleep(0)
    return said > 0 and served.keeper.said == said
