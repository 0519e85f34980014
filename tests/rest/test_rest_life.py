"""REST in one process with its server: health, ids, the token, the end."""

import asyncio
import json

import pytest
from structlog.testing import capture_logs

from jobcontrol_core.settings import Settings
from jobcontrol_server.app import running_server
from jobcontrol_server.rest.composition import Rest
from rest.asking import ask, line_with, streaming
from rpc.serving import NO_REDIS, Serving, serving
from services.stack import free_port

TOKEN = "correct-horse-battery"
EVENTS = {"accept": "text/event-stream"}
UNSAID = [({}, "TOKEN_MISSING"), ({"authorization": "Bearer something-else-entirely"}, "TOKEN_INVALID")]


async def test_both_say_that_all_is_well(server: Serving) -> None:
    for path, status in (("/healthz", "alive"), ("/readyz", "ready")):
        told = await ask(server.http, path)
        assert (told.status, told.json, told.headers["cache-control"]) == (200, {"status": status}, "no-store")
        assert (await ask(server.http, path, method="HEAD")).status == 200
        refused = await ask(server.http, path, method="POST")
        assert (refused.status, refused.headers["allow"], refused.json["code"]) == (405, "GET, HEAD", 12)


async def test_a_gateway_whose_server_is_away_lives_and_is_not_ready() -> None:
    settings = Settings.load(http="127.0.0.1:0")
    rest = Rest(settings, f"127.0.0.1:{free_port()}")
    await rest.start()
    try:
        assert (await ask(rest.address, "/healthz")).status == 200
        away = await ask(rest.address, "/readyz")
        assert (away.status, away.json["why"]) == (503, "the server does not answer (UNAVAILABLE)")
        call = await ask(rest.address, "/v1/pipelines")
        assert (call.status, call.json["code"], call.json["message"]) == (503, 14, "the service is out of reach")
    finally:
        await rest.stop()


async def test_a_browser_that_comes_back_while_the_server_is_away_is_told_so_that_it_tries_again() -> None:
    rest = Rest(Settings.load(http="127.0.0.1:0"), f"127.0.0.1:{free_port()}")
    await rest.start()
    try:
        first = await ask(rest.address, "/jobs/7f3a/stream", headers=EVENTS)
        again = await ask(rest.address, "/jobs/7f3a/stream", headers={**EVENTS, "last-event-id": "4"})
    finally:
        await rest.stop()
    assert (first.status, first.json["code"]) == (503, 14)
    assert (again.status, again.headers["content-type"]) == (200, "text/event-stream")
    assert again.body.startswith(b"retry: 2000\n\nevent: stream-error\ndata: {")


async def test_a_request_has_one_id_in_the_answer_the_access_log_and_the_servers_log(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr("jobcontrol_server.rpc.service.to_job", burst)
    with capture_logs() as logs:
        job = {"pathId": "p"}
        told = await ask(server.http, "/v1/jobs", method="POST", json_body=job, headers={"x-request-id": "order-17"})
    assert (told.status, told.headers["x-request-id"]) == (500, "order-17")
    assert {"requestId": "order-17"}.items() <= told.json["details"][1].items()
    named = {line["event"]: line for line in logs}
    assert named["rpc_failed"]["request_id"] == named["http_request"]["request_id"] == "order-17"
    assert named["http_request"]["route"] == "/v1/jobs"


@pytest.mark.parametrize(("headers", "reason"), UNSAID)
async def test_without_the_token_every_call_and_stream_is_401(
    sqlite_url: str, headers: dict[str, str], reason: str
) -> None:
    async with serving(sqlite_url, http="127.0.0.1:0", token=TOKEN) as server:
        call = await ask(server.http, "/v1/jobs", headers=headers)
        watch = await ask(server.http, "/v1/jobs/0123:watch", headers={**EVENTS, **headers})
        health = [await ask(server.http, path, headers=headers) for path in ("/healthz", "/readyz")]
    for told in (call, watch):
        assert (told.status, told.json["code"], told.reason) == (401, 16, reason)
        assert told.headers["www-authenticate"] == "Bearer"
    assert [told.status for told in health] == [200, 200]


async def test_without_the_token_no_body_is_read(sqlite_url: str) -> None:
    async with serving(sqlite_url, http="127.0.0.1:0", token=TOKEN) as server:
        head = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
        host, _, port = server.http.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(head.encode())
        assert b" 401 " in await reader.readline()
        writer.close()


async def test_with_the_token_a_request_is_what_it_is_without_one(sqlite_url: str) -> None:
    async with serving(sqlite_url, http="127.0.0.1:0", token=TOKEN) as server:
        said = {"authorization": f"Bearer {TOKEN}"}
        assert (await ask(server.http, "/v1/pipelines", headers=said)).json["pipelines"]


async def test_a_page_of_a_configured_origin_may_read_a_refusal(sqlite_url: str) -> None:
    origin = {"origin": "https://app.example"}
    async with serving(sqlite_url, http="127.0.0.1:0", token=TOKEN, cors_origins="https://app.example") as server:
        told = await ask(server.http, "/v1/jobs", headers=origin)
        asking = await ask(
            server.http, "/v1/jobs", method="OPTIONS", headers={**origin, "access-control-request-method": "POST"}
        )
    assert (told.status, told.headers["access-control-allow-origin"]) == (401, "https://app.example")
    assert (asking.status, "POST" in asking.headers["access-control-allow-methods"]) == (204, True)


async def test_a_gateway_that_drains_is_not_ready_ends_its_streams_and_answers_calls(server: Serving) -> None:
    job_id = await server.start()
    rest = Rest(Settings.load(http="127.0.0.1:0"), server.address)
    await rest.start()
    try:
        async with streaming(rest.address, f"/v1/jobs/{job_id}:watch", EVENTS) as reader:
            await line_with(reader, b"data:")
            rest.drain()
            await line_with(reader, b"event: stream-error")
        ready = await ask(rest.address, "/readyz")
        assert (ready.status, ready.json["why"]) == (503, "shutting down")
        assert (await ask(rest.address, f"/v1/jobs/{job_id}:watch", headers=EVENTS)).status == 503
        assert (await ask(rest.address, f"/v1/jobs/{job_id}")).status == 200
    finally:
        await rest.stop()


async def test_watchers_over_rest_are_told_when_their_server_stops(sqlite_url: str) -> None:
    settings = Settings.load(database_url=sqlite_url, redis_url=NO_REDIS, listen="127.0.0.1:0", http="127.0.0.1:0")
    async with serving(sqlite_url) as before:
        job_id = await before.start()
    server = running_server(settings)
    address = (await server.__aenter__()).http or ""
    async with streaming(address, f"/v1/jobs/{job_id}:watch", EVENTS) as reader:
        await line_with(reader, b"data:")
        stopping = asyncio.create_task(server.__aexit__(None, None, None))
        await line_with(reader, b"event: stream-error")
        told = await line_with(reader, b"data:")
        await stopping
    assert json.loads(told.removeprefix(b"data:"))["code"] == 14
    with pytest.raises(ConnectionRefusedError):
        await ask(address, "/healthz")
