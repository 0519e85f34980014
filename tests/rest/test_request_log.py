"""The line of every request, its id, and the answer to one that fails."""

from collections.abc import Iterable, MutableMapping
from typing import Any

import pytest
from structlog.testing import capture_logs

from jobcontrol_server.gateway.exchange import Receive, Scope, Send
from jobcontrol_server.rest.asgi import ROUTE, Application
from jobcontrol_server.rest.request_log import AS_METADATA, HEADER, RequestLog
from rest.asking import answer

Headers = Iterable[tuple[bytes, bytes]]


async def hello(scope: Scope, _receive: Receive, send: Send) -> None:
    scope[ROUTE] = "/v1/jobs/{job_id}"
    await answer(send, 201, {"seen": [value.decode() for name, value in scope["headers"] if name == AS_METADATA]})


async def stream(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    for part in (b"one", b"two", b"three"):
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


async def silence(_scope: Scope, _receive: Receive, _send: Send) -> None:
    """Sends nothing, as one whose client has left."""


async def late_failure(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("secret of the database")


async def failure(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("secret of the database")


class Exchange:
    """One request made, and what was sent and logged."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.logs: list[MutableMapping[str, Any]] = []

    async def make(self, application: Application, *, path: str = "/v1/jobs/7f3a", headers: Headers = ()) -> "Exchange":
        scope = {
            "type": "http", "method": "GET", "path": path, "query_string": b"token=secret", "headers": list(headers),
        }  # fmt: skip

        async def receive() -> MutableMapping[str, Any]:
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            self.sent.append(message)

        with capture_logs() as self.logs:
            await RequestLog(application)(scope, receive, send)
        return self

    @property
    def line(self) -> MutableMapping[str, Any]:
        (line,) = [line for line in self.logs if line["event"] == "http_request"]
        return line

    @property
    def told_id(self) -> str:
        (told,) = [value for name, value in self.sent[0]["headers"] if name == HEADER]
        return str(told.decode())


async def test_a_line_says_method_template_status_time_bytes_and_id_and_nothing_else() -> None:
    made = await Exchange().make(hello)
    assert made.line.keys() == {"event", "log_level", "method", "route", "status", "ms", "bytes", "request_id"}
    assert (made.line["method"], made.line["route"], made.line["status"]) == ("GET", "/v1/jobs/{job_id}", 201)
    assert made.line["bytes"] == len(made.sent[1]["body"])
    assert made.line["log_level"] == "info"
    assert "secret" not in str(made.logs)


async def test_a_stream_has_one_line_at_its_end() -> None:
    made = await Exchange().make(stream)
    assert (made.line["status"], made.line["bytes"], made.line["route"]) == (200, 11, "-")


async def test_the_clients_id_is_logged_answered_and_passed_on() -> None:
    made = await Exchange().make(hello, headers=[(HEADER, b"order-17")])
    assert made.line["request_id"] == made.told_id == "order-17"
    assert made.sent[1]["body"] == b'{"seen": ["order-17"]}'


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(HEADER, b"")],
        [(HEADER, b"a b")],
        [(HEADER, b"a\tlevel=error")],
        [(HEADER, "ä".encode())],
        [(HEADER, b"x" * 65)],
        [(HEADER, b"one"), (HEADER, b"two")],
        [(AS_METADATA, b"forged")],
    ],
)
async def test_who_sends_none_that_can_be_logged_gets_one(headers: Headers) -> None:
    made, again = await Exchange().make(hello, headers=headers), await Exchange().make(hello, headers=headers)
    assert made.line["request_id"] == made.told_id
    assert len(made.told_id) == 36
    assert made.told_id != again.told_id
    assert made.sent[1]["body"] == f'{{"seen": ["{made.told_id}"]}}'.encode()


async def test_a_client_that_left_before_the_answer_is_told_apart() -> None:
    assert (await Exchange().make(silence)).line["status"] == 499


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_what_machines_ask_all_the_time_is_told_to_who_asks_for_everything(path: str) -> None:
    assert (await Exchange().make(hello, path=path)).line["log_level"] == "debug"


async def test_a_failure_is_answered_with_its_id_and_logged_with_its_traceback() -> None:
    made = await Exchange().make(failure)
    assert (made.sent[0]["status"], made.line["status"]) == (500, 500)
    assert made.told_id.encode() in made.sent[1]["body"]
    assert b"secret" not in made.sent[1]["body"]
    (told,) = [line for line in made.logs if line["event"] == "http_failed"]
    assert (told["request_id"], str(told["exc_info"])) == (made.told_id, "secret of the database")


async def test_an_answer_that_has_begun_is_broken_off_by_a_failure() -> None:
    made = Exchange()
    with pytest.raises(ConnectionAbortedError):
        await made.make(late_failure)
    assert len(made.sent) == 1
    assert {line["event"] for line in made.logs} == {"http_failed", "http_request"}
