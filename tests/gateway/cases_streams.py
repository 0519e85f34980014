"""R14 to R16: streams as lines and as events, how they end, and how a browser takes them up again."""

from collections.abc import Sequence
from typing import Any

import grpc
from google.rpc.error_details_pb2 import RetryInfo

from gateway import zoo
from gateway.cases import ABSENT, Case, asked, gets
from gateway.raw_http import Header
from gateway.zookeeper import Failure, Script

WATCH = "GET /v1/animals/leo:watch"
EVENTS = ("Accept", "text/event-stream")
BIG = 1 << 63


def noted(number: int, note: str = "") -> Any:
    return zoo.Event(number=number, note=note)


HEARTBEAT = zoo.Event(number=99, heartbeat={})
FINISHED = zoo.Event(number=3, finished={"name": "leo"})
LEO = {"name": "leo", "legs": 0, "mood": "MOOD_UNSPECIFIED", "tags": []}
GONE = Failure(grpc.StatusCode.UNAVAILABLE, "going", [RetryInfo(retry_delay={"seconds": 2})])
GONE_JSON = {
    "code": 14,
    "message": "going",
    "details": [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2s"}],
}


def _as_json(number: int, **told: Any) -> dict[str, Any]:
    return {"number": str(number), **told}


def _lines(claim: str, script: Script, *lines: Any, line: str = WATCH, status: int = 200, **expected: Any) -> Case:
    expected = {"headers": {"Content-Type": "application/x-ndjson"}, **expected}
    return Case("R14", claim, asked(line), status, script=script, lines=list(lines), **expected)


LINES = [
    _lines(
        "a line for each message",
        Script([noted(1, "a"), HEARTBEAT, FINISHED]),
        {"result": _as_json(1, note="a")},
        {"result": _as_json(99, heartbeat={})},
        {"result": _as_json(3, finished=LEO)},
    ),
    _lines("a stream of nothing", Script()),
    _lines(
        "a line break in a text breaks no line",
        Script([noted(1, "a\nb\r\u2028\u0085c")]),
        {"result": _as_json(1, note="a\nb\r\u2028\u0085c")},
    ),
    _lines(
        "an error after messages is the last line",
        Script([noted(1)], GONE),
        {"result": _as_json(1, note="")},
        {"error": GONE_JSON},
    ),
    _lines(
        "an error before them has its status",
        Script(then=GONE),
        {"error": GONE_JSON},
        status=503,
        headers={"Retry-After": "2"},
    ),
    _lines(
        "what a handler raised is not told",
        Script([noted(1)], ValueError("innards")),
        {"result": _as_json(1, note="")},
        {"error": {"code": 2, "message": "the service failed while it answered", "details": []}},
        lacks=b"innards",
    ),
    Case(
        "R14",
        "what the gateway refuses is an error before",
        asked(f"{WATCH}?limit=x"),
        400,
        called=[],
        starts=b'{"error":{"code":3,',
    ),
    _lines(
        "one field of each message",
        Script([noted(1, "a"), HEARTBEAT]),
        {"result": "a"},
        {"result": None},
        line="GET /v1/notes",
    ),
    _lines(
        "of an RPC of which nothing is known",
        Script([noted(1, "a")]),
        {"result": _as_json(1, note="a")},
        line="GET /v1/animals/leo:follow",
    ),
    gets(
        "R14",
        "a stream of a POST",
        asked("POST /v1/watch", {"animal": "leo", "after": "7"}),
        zoo.WatchRequest(animal="leo", after=7),
        rpc="Watch",
    ),
    Case(
        "R14",
        "no browser's events unless asked for",
        asked(WATCH, b"", ("Accept", "*/*"), ("Last-Event-ID", "3")),
        script=Script([FINISHED]),
        lines=[{"result": _as_json(3, finished=LEO)}],
        got=zoo.WatchRequest(animal="leo"),
    ),
]

RETRY, COMMENT = {"retry": "2000"}, {"comment": True}
END: tuple[str, Any] = ("end", {})


def _events(claim: str, script: Script, *blocks: Any, line: str = WATCH, accept: Sequence[Header] = (EVENTS,)) -> Case:
    headers = {"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no"}
    return Case("R15", claim, asked(line, b"", *accept), script=script, events=[RETRY, *blocks], headers=headers)


A, B = ("1", _as_json(1, note="a")), ("2", _as_json(2, note="b"))
SERVER_SENT = [
    _events("messages by their ids, then the end", Script([noted(1, "a"), noted(2, "b")]), A, B, END),
    _events("a stream of nothing", Script(), END),
    _events("a heartbeat is a comment", Script([HEARTBEAT, noted(1, "a"), HEARTBEAT]), COMMENT, A, COMMENT, END),
    _events(
        "the last message is a message", Script([noted(1, "a"), FINISHED]), A, ("3", _as_json(3, finished=LEO)), END
    ),
    _events(
        "a line break in a text breaks no line",
        Script([noted(1, "a\nb\r\n\nc")]),
        ("1", _as_json(1, note="a\nb\r\n\nc")),
        END,
    ),
    _events("an error after messages", Script([noted(1, "a")], GONE), A, ("stream-error", GONE_JSON)),
    _events("an error after a heartbeat", Script([HEARTBEAT], GONE), COMMENT, ("stream-error", GONE_JSON)),
    _events("one field of each message", Script([noted(1, "a")]), ("1", "a"), END, line="GET /v1/notes"),
    _events(
        "of an RPC of which nothing is known",
        Script([noted(1, "a"), HEARTBEAT]),
        (None, _as_json(1, note="a")),
        (None, _as_json(99, heartbeat={})),
        END,
        line="GET /v1/animals/leo:follow",
    ),
    *(
        _events(f"Accept: {accept}", Script([noted(1, "a")]), A, END, accept=[("Accept", accept)])
        for accept in [
            "text/html, text/event-stream",
            "text/event-stream;q=0.9, */*",
            "Text/Event-Stream",
            "*/*,text/event-stream",
        ]
    ),
    _events("Accept on two lines", Script([noted(1, "a")]), A, END, accept=[("Accept", "text/html"), EVENTS]),
    *(
        Case(
            "R15",
            f"no events for Accept: {accept}",
            asked(WATCH, b"", ("Accept", accept)),
            headers={"Content-Type": "application/x-ndjson"},
        )
        for accept in ["*/*", "text/*", "application/json", "text/event-streams", "x-text/event-stream"]
    ),
    Case(
        "R15",
        "an error before is plain JSON",
        asked(WATCH, b"", EVENTS),
        503,
        script=Script(then=GONE),
        json=GONE_JSON,
        headers={"Content-Type": "application/json", "Retry-After": "2"},
    ),
    Case(
        "R15",
        "so is what the gateway refuses",
        asked(f"{WATCH}?limit=x", b"", EVENTS),
        400,
        called=[],
        holds={"code": 3},
        headers={"Content-Type": "application/json"},
    ),
    Case(
        "R15",
        "events of a POST",
        asked("POST /v1/watch", {"animal": "leo"}, EVENTS),
        script=Script([noted(1, "a")]),
        events=[RETRY, A, END],
    ),
    Case(
        "R15",
        "each line as the standard has it",
        asked(WATCH, b"", EVENTS),
        script=Script([noted(1, "é")]),
        body='retry: 2000\n\nid: 1\ndata: {"number":"1","note":"é"}\n\nevent: end\ndata: {}\n\n'.encode(),
    ),
]


def _resumes(claim: str, last_id: str, after: int | None, *, query: str = "") -> Case:
    request = zoo.WatchRequest(animal="leo") if after is None else zoo.WatchRequest(animal="leo", after=after)
    return gets("R16", claim, asked(WATCH + query, b"", EVENTS, ("Last-Event-ID", last_id)), request, rpc="Watch")


def _over(claim: str, last_id: str, says: Sequence[Any], *, is_over: bool, accept: Header = EVENTS) -> Case:
    ask = asked(WATCH, b"", accept, ("Last-Event-ID", last_id))
    if is_over:
        return Case("R16", claim, ask, 204, script=Script(says), body=b"", headers={"Content-Type": ABSENT})
    return Case("R16", claim, ask, 200, script=Script(says))


RESUMED = [
    _resumes("an id is where it goes on", "7", 7),
    _resumes("zero is one, too", "0", 0),
    _resumes("the greatest", str(BIG - 1), BIG - 1),
    _resumes("it beats the URL's", "7", 7, query="?after=3"),
    _resumes("though that is the later", "3", 3, query="?after=7"),
    _resumes("an empty one is none", "", None),
    _resumes("an empty one leaves the URL's", "", 3, query="?after=3"),
    *(
        Case(
            "R16",
            f"no id: {last_id[:20]!r}",
            asked(WATCH, b"", EVENTS, ("Last-Event-ID", last_id)),
            400,
            called=[],
            holds={"code": 3},
            headers={"Content-Type": "application/json"},
        )
        for last_id in ["x", "-1", str(BIG), "1.0", "1_0", "+1", "1 2", "0x1", "1e3", "\xb2", "9" * 5000]
    ),
    gets(
        "R16",
        "lines do not look at it",
        asked(f"{WATCH}?after=3", b"", ("Last-Event-ID", "7")),
        zoo.WatchRequest(animal="leo", after=3),
    ),
    gets("R16", "not even at a bad one", asked(WATCH, b"", ("Last-Event-ID", "x")), zoo.WatchRequest(animal="leo")),
    gets(
        "R16",
        "nor do streams that cannot resume",
        asked("GET /v1/animals/leo:follow", b"", EVENTS, ("Last-Event-ID", "x")),
        zoo.WatchRequest(animal="leo"),
    ),
    _over("the end that was seen already is no content", "3", [FINISHED], is_over=True),
    _over("however it was written", "003", [FINISHED], is_over=True),
    _over("another end is an event", "2", [FINISHED], is_over=False),
    _over("a later id than the end's is no end seen", "4", [FINISHED], is_over=False),
    _over("an end after messages is an event", "3", [noted(3), FINISHED], is_over=False),
    _over("a message of that id is no end", "3", [noted(3)], is_over=False),
    _over("nothing is no end", "3", [], is_over=False),
    _over("an end without an id is an event", "", [FINISHED], is_over=False),
    _over("lines tell the end again", "3", [FINISHED], is_over=False, accept=("Accept", "*/*")),
    Case(
        "R16",
        "without Last-Event-ID the end is told",
        asked(f"{WATCH}?after=3", b"", EVENTS),
        script=Script([FINISHED]),
        events=[RETRY, ("3", _as_json(3, finished=LEO)), END],
    ),
    Case(
        "R16",
        "a service out of reach lets a browser that resumes come again, which only 200 does",
        asked(WATCH, b"", EVENTS, ("Last-Event-ID", "3")),
        script=Script(then=GONE),
        events=[RETRY, ("stream-error", GONE_JSON)],
        headers={"Content-Type": "text/event-stream"},
    ),
    Case(
        "R16",
        "another failure sends it away with its status",
        asked(WATCH, b"", EVENTS, ("Last-Event-ID", "3")),
        404,
        script=Script(then=Failure(grpc.StatusCode.NOT_FOUND, "no lion")),
        json={"code": 5, "message": "no lion", "details": []},
    ),
]

CASES = [*LINES, *SERVER_SENT, *RESUMED]
