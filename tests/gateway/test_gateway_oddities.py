"""Requests that few clients send: nothing of them may end in a 500, in silence, or in another request's answer."""

import pytest

from gateway.raw_http import Ask
from gateway.served import MIB, Site

pytestmark = pytest.mark.asyncio(loop_scope="module")

HEAD = b" HTTP/1.1\r\nHost: zoo.test\r\n"


def nested(depth: int, name: str = "inner") -> bytes:
    return (f'{{"{name}":' * depth + "{}" + "}" * depth).encode()


@pytest.mark.parametrize("depth", [*range(90, 106), 1000])
async def test_no_depth_of_a_body_or_a_query_is_a_failure_of_the_server(depth: int, zoo_site: Site) -> None:
    typed = b'{"any":{"@type":"type.googleapis.com/zoo.v1.Everything",'
    for ask in (
        Ask("POST /v1/everything", nested(depth)),
        Ask("PUT /v1/parts/p/everything", nested(depth)),
        Ask("POST /v1/everything", b'{"value":' + b"[" * depth + b"]" * depth + b"}"),
        Ask("POST /v1/everything", b'{"free":' + nested(depth, "a") + b"}"),
        Ask("POST /v1/everything", typed + nested(depth)[1:] + b"}"),
        Ask(f"GET /v1/everything?{'inner.' * depth}a_string=x"),
    ):
        answer = await zoo_site.ask(ask)
        assert answer.status in (200, 400), (ask.line, answer.body[:200])
        assert answer.status == 200 or answer.json["code"] == 3


async def test_a_body_that_is_announced_too_large_is_refused_before_it_comes(zoo_site: Site) -> None:
    announced = b"POST /v1/animals" + HEAD + b"Content-Length: 9999999999\r\n\r\n"
    async with zoo_site.exchange(announced) as sent:
        assert (await sent.head()).status == 413
        assert b'"code":8' in await sent.until(b"}")


async def test_nobody_is_told_to_go_on_with_a_body_that_is_too_large(zoo_site: Site) -> None:
    announced = b"POST /v1/animals" + HEAD + b"Expect: 100-continue\r\nContent-Length: 9999999999\r\n\r\n"
    async with zoo_site.exchange(announced) as sent:
        assert (await sent.head()).status == 413


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("POST /v1/plants", 404),
        ("POST /v1/total", 405),
        ("POST /v1/animals/%zz/look", 400),
        ("GET /v1/total", 200),
    ],
)
async def test_an_answer_is_not_lost_because_the_body_was_not_read(line: str, status: int, zoo_site: Site) -> None:
    answer = await zoo_site.ask(Ask(line, b" " * (4 * MIB)))

    assert answer.status == status
    assert answer.json


async def test_requests_on_one_connection_are_answered_in_their_order(zoo_site: Site) -> None:
    refused = b"POST /v1/animals" + HEAD + b"Content-Length: %d\r\n\r\n" % (2 * MIB) + b" " * (2 * MIB)
    wrong = b"GET /v1/everything?an_int32=x" + HEAD + b"\r\n"
    right = b"GET /v1/animals/leo" + HEAD + b"\r\n"
    unread = b"POST /v1/total" + HEAD + b"Content-Length: 30\r\n\r\nGET /v1/animals/leo HTTP/1.1\r\n"
    async with zoo_site.exchange(b"".join([refused, wrong, unread, right])) as sent:
        answers = [await sent.answer() for _ in range(4)]

    assert [answer.status for answer in answers] == [413, 400, 405, 200]
    assert [call.rpc for call in zoo_site.keeper.calls] == ["GetAnimal"]


async def test_a_head_leaves_the_connection_in_order(zoo_site: Site) -> None:
    head = b"HEAD /v1/animals/leo" + HEAD + b"\r\n"
    async with zoo_site.exchange(head + b"GET /v1/animals/tom" + HEAD + b"\r\n") as sent:
        told = await sent.head()
        answer = await sent.answer()

    assert (told.status, answer.status) == (200, 200)
    assert told.values("content-length") == answer.values("content-length")


@pytest.mark.parametrize("path", ["/v1/animals/é", "/v1/files/é/ü"])
async def test_bytes_that_stand_bare_in_a_path_are_taken_or_refused(path: str, zoo_site: Site) -> None:
    bare = b"GET " + path.encode() + HEAD + b"Connection: close\r\n\r\n"
    async with zoo_site.exchange(bare) as sent:
        head = await sent.head()

    assert head.status in (200, 400)
    assert all(path.endswith(f"/{call.request.name}") for call in zoo_site.keeper.calls)
