"""R12 and R17: headers and metadata in both directions, and the pages of other origins."""

from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody

from gateway import zoo
from gateway.cases import ABSENT, Case, asked, gets, refuses
from gateway.raw_http import Header
from gateway.served import MIB, ORIGIN
from gateway.zookeeper import Failure, Script

LEO = "GET /v1/animals/leo"


def _sends(claim: str, *headers: Header, **metadata: list[str | bytes]) -> Case:
    keys = {key.replace("_", "-"): values for key, values in metadata.items()}
    return Case("R12", claim, asked(LEO, b"", *headers), called=["GetAnimal"], metadata=keys)


REQUESTS = [
    _sends("Grpc-Metadata-X is x", ("Grpc-Metadata-X-Cage", "7"), x_cage=["7"]),
    _sends("whatever its case", ("GRPC-METADATA-CAGE", "Seven"), cage=["Seven"]),
    _sends("more than once", ("Grpc-Metadata-Cage", "7"), ("Grpc-Metadata-Cage", "8"), cage=["7", "8"]),
    _sends("of no value", ("Grpc-Metadata-Cage", ""), cage=[""]),
    _sends("authorization is itself", ("Authorization", "Bearer x"), authorization=["Bearer x"]),
    _sends(
        "permanent headers get a prefix",
        ("Accept-Language", "de"),
        ("If-Match", '"1"'),
        ("User-Agent", "ua"),
        grpcgateway_accept_language=["de"],
        grpcgateway_if_match=['"1"'],
        grpcgateway_user_agent=["ua"],
    ),
    _sends(
        "and nothing of their own",
        ("If-Match", '"1"'),
        ("Cookie", "a=b"),
        if_match=[],
        cookie=[],
        grpcgateway_cookie=["a=b"],
    ),
    _sends("other headers are left out", ("X-Cage", "7"), ("Cage", "8"), x_cage=[], cage=[], grpcgateway_x_cage=[]),
    _sends("-Bin is base64", ("Grpc-Metadata-Trace-Bin", "AP8="), trace_bin=[b"\x00\xff"]),
    _sends("padded or not", ("Grpc-Metadata-Trace-Bin", "AP8"), trace_bin=[b"\x00\xff"]),
    _sends("grpc's own keys are left out", ("Grpc-Metadata-Grpc-Cage", "7"), grpc_cage=[]),
    _sends("nor does a deadline come so", ("Grpc-Metadata-Grpc-Timeout", "1n"), grpc_timeout=[]),
    _sends(
        "values that are not ASCII are left out",
        ("Grpc-Metadata-Cage", "sëven"),
        ("Accept-Language", "dë"),
        cage=[],
        grpcgateway_accept_language=[],
    ),
    _sends("names that no metadata has are left out", ("Grpc-Metadata-Ca!ge", "7"), ("Grpc-Metadata-", "7"), cage=[]),
    *(
        _sends(
            f"what grpc sets is not set by a caller: {name}",
            (f"Grpc-Metadata-{name}", "x"),
            ("Grpc-Metadata-A", "b"),
            a=["b"],
        )
        for name in ["Content-Type", "Te", "User-Agent", "Host", "Connection", "Accept-Encoding", "Authority", "Path"]
    ),
    _sends("the peer is told", x_forwarded_for=["127.0.0.1"], x_forwarded_host=["zoo.test"]),
    _sends(
        "after those before it",
        ("X-Forwarded-For", "10.0.0.1, 10.0.0.2"),
        ("X-Forwarded-For", "10.0.0.3"),
        x_forwarded_for=["10.0.0.1, 10.0.0.2, 10.0.0.3, 127.0.0.1"],
    ),
    _sends("the host that a proxy tells", ("X-Forwarded-Host", "zoo.example"), x_forwarded_host=["zoo.example"]),
    _sends(
        "no caller says where it comes from in metadata",
        ("Grpc-Metadata-X-Forwarded-For", "10.0.0.1"),
        x_forwarded_for=["127.0.0.1"],
    ),
    refuses("R12", "-Bin that is no base64", asked(LEO, b"", ("Grpc-Metadata-Trace-Bin", "!"))),
    *(
        Case("R12", f"a deadline of {given}", asked(LEO, b"", ("Grpc-Timeout", given)), called=["GetAnimal"])
        for given in ["10S", "1M", "1H", "9000m", "9000000u", "99999999H", "00000010S"]
    ),
    *(
        refuses("R12", f"no deadline: {given!r}", asked(LEO, b"", ("Grpc-Timeout", given)))
        for given in ["", "10", "S", "1.5S", "-1S", "+1S", "1s", "1 S", "1SS", "999999999S", "\xb2S", "1_0S", "x"]
    ),
    Case(
        "R12",
        "a deadline that passes",
        asked(LEO, b"", ("Grpc-Timeout", "20m")),
        504,
        script=Script(hangs=True),
        holds={"code": 4},
    ),
    Case(
        "R12", "a deadline that has passed", asked(LEO, b"", ("Grpc-Timeout", "0S")), 504, called=[], holds={"code": 4}
    ),
    Case(
        "R12",
        "a stream's deadline",
        asked("GET /v1/animals/leo:watch", b"", ("Grpc-Timeout", "20m")),
        504,
        script=Script(hangs=True),
        starts=b'{"error":{"code":4,',
    ),
    Case(
        "R12",
        "a stream's metadata",
        asked("GET /v1/animals/leo:watch", b"", ("Grpc-Metadata-Cage", "7")),
        metadata={"cage": ["7"]},
    ),
]

_KEY = ("Idempotency-Key", "k1")
KEYS = [
    gets(
        "R12",
        "Idempotency-Key fills the empty field",
        asked("POST /v1/animals", {}, _KEY),
        zoo.CreateAnimalRequest(animal={}, request_id="k1"),
    ),
    gets(
        "R12",
        "without a body, too",
        asked("DELETE /v1/animals/leo", b"", _KEY),
        zoo.CreateAnimalRequest(animal={"name": "leo"}, request_id="k1"),
    ),
    gets(
        "R12",
        "within a body of everything",
        asked("POST /v1/animals:import", {"validateOnly": True}, _KEY),
        zoo.CreateAnimalRequest(validate_only=True, request_id="k1"),
    ),
    gets(
        "R12",
        "what the request says stays",
        asked("POST /v1/animals?request_id=r", {}, _KEY),
        zoo.CreateAnimalRequest(animal={}, request_id="r"),
    ),
    gets(
        "R12",
        "where there is no such field it is nothing",
        asked("POST /v1/animals/leo/look", b"", _KEY),
        zoo.GetAnimalRequest(name="leo"),
    ),
]


def _tells(claim: str, line: str, script: Script, status: int = 200, **headers: str | None) -> Case:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Case("R12", claim, asked(line), status, script=script, headers=named)


def _page(token: str) -> Script:
    return Script([zoo.ListAnimalsResponse(next_page_token=token)])


ANSWERS = [
    _tells("metadata is Grpc-Metadata-*", LEO, Script(metadata=[("cage", "7")]), grpc_metadata_cage="7"),
    _tells("metadata at the end, too", LEO, Script(trailing_metadata=[("cage", "8")]), grpc_metadata_cage="8"),
    _tells("-bin is base64", LEO, Script(metadata=[("trace-bin", b"\x00\xff")]), grpc_metadata_trace_bin="AP8="),
    _tells(
        "metadata of bytes that are sent as they are",
        "GET /v1/files/a",
        Script([HttpBody()], metadata=[("cage", "7")]),
        grpc_metadata_cage="7",
    ),
    _tells(
        "metadata of a stream",
        "GET /v1/animals/leo:watch",
        Script([zoo.Event()], metadata=[("cage", "7")]),
        grpc_metadata_cage="7",
    ),
    _tells(
        "metadata of an error",
        LEO,
        Script(then=Failure(), metadata=[("cage", "7")], trailing_metadata=[("pen", "8")]),
        500,
        grpc_metadata_cage="7",
        grpc_metadata_pen="8",
        grpc_metadata_grpc_status_details_bin=ABSENT,
    ),
    _tells(
        "metadata of a stream that fails at once",
        "GET /v1/animals/leo:watch",
        Script(then=Failure(), metadata=[("cage", "7")]),
        500,
        grpc_metadata_cage="7",
    ),
    _tells(
        "none that is grpc's own",
        LEO,
        Script(),
        grpc_metadata_content_type=ABSENT,
        grpc_metadata_user_agent=ABSENT,
        grpc_metadata_grpc_status=ABSENT,
        grpc_metadata_accept_encoding=ABSENT,
    ),
    _tells(
        "the token of the next page of a bare list", "GET /v1/animals", _page("t1"), Grpc_Metadata_Next_Page_Token="t1"
    ),
    _tells("no token, no header", "GET /v1/animals", _page(""), Grpc_Metadata_Next_Page_Token=ABSENT),
    _tells(
        "no header where the body has the token",
        "REPORT /v1/animals",
        _page("t1"),
        Grpc_Metadata_Next_Page_Token=ABSENT,
    ),
    _tells("a token that would be another header", "GET /v1/animals", _page("t1\r\nX-Evil: 1"), X_Evil=ABSENT),
]


_OURS = ("Origin", ORIGIN)
_GRANTED = {"Access-Control-Allow-Origin": ORIGIN}
_NO_GRANT = {
    "Access-Control-Allow-Origin": ABSENT,
    "Access-Control-Allow-Methods": ABSENT,
    "Access-Control-Allow-Headers": ABSENT,
}
_VARIES = {"Vary": {"Origin"}}


def _shared(claim: str, line: str, status: int = 200, *headers: Header, body: Any = b"", **expected: Any) -> Case:
    return Case("R17", claim, asked(line, body, *headers), status, of_shared=True, listed=_VARIES, **expected)


_PREFLIGHT = (("Access-Control-Request-Method", "PUT"), ("Access-Control-Request-Headers", "content-type, x-cage"))
CROSS_ORIGIN = [
    Case("R17", "off: no answer is shared", asked(LEO, b"", _OURS), headers={**_NO_GRANT, "Vary": ABSENT}),
    Case("R17", "off: nor is an error", asked("GET /v1/plants", b"", _OURS), 404, headers=_NO_GRANT),
    Case(
        "R17",
        "off: a preflight gets what OPTIONS gets",
        asked("OPTIONS /v1/animals", b"", _OURS, *_PREFLIGHT),
        204,
        headers=_NO_GRANT,
        allows={"GET", "HEAD", "POST", "REPORT", "OPTIONS"},
    ),
    _shared("an answer", LEO, 200, _OURS, headers=_GRANTED),
    _shared("an answer to nobody's page varies, too", LEO, 200, headers=_NO_GRANT),
    _shared(
        "a page may read the next page's token", "GET /v1/animals", 200, _OURS, headers=_GRANTED, script=_page("t1")
    ),
    *(
        _shared(f"{claim} is another origin", LEO, 200, ("Origin", origin), headers=_NO_GRANT)
        for claim, origin in {
            "a longer name": f"{ORIGIN}.evil.example",
            "a shorter one": ORIGIN[:-1],
            "another scheme": ORIGIN.replace("https", "http"),
            "another port": f"{ORIGIN}:8443",
            "a part of it": f"https://evil.example/{ORIGIN}",
            "a page of no origin": "null",
            "other letters": ORIGIN.upper(),
        }.items()
    ),
    _shared("preflight", "OPTIONS /v1/animals/leo", 204, _OURS, *_PREFLIGHT, headers=_GRANTED, called=[], body=b""),
    _shared(
        "preflight of a path with a verb", "OPTIONS /v1/animals/leo:watch", 204, _OURS, *_PREFLIGHT, headers=_GRANTED
    ),
    _shared(
        "preflight of another origin",
        "OPTIONS /v1/animals/leo",
        204,
        ("Origin", "https://evil.example"),
        *_PREFLIGHT,
        headers=_NO_GRANT,
        called=[],
    ),
    _shared(
        "OPTIONS that is no preflight",
        "OPTIONS /v1/animals",
        204,
        _OURS,
        headers=_GRANTED,
        allows={"GET", "HEAD", "POST", "REPORT", "OPTIONS"},
    ),
    _shared("404", "GET /v1/plants", 404, _OURS, headers=_GRANTED),
    _shared("405", "POST /v1/total", 405, _OURS, headers=_GRANTED),
    _shared("400", "GET /v1/everything?an_int32=x", 400, _OURS, headers=_GRANTED),
    _shared("400 of a path", "GET /v1/animals/%zz", 400, _OURS, headers=_GRANTED),
    _shared("413", "POST /v1/animals", 413, _OURS, body=(b" " * (MIB + 1),), headers=_GRANTED),
    _shared("415", "POST /v1/animals", 415, _OURS, ("Content-Type", "text/plain"), body=b"x", headers=_GRANTED),
    _shared(
        "an RPC's error", LEO, 404, _OURS, script=Script(then=Failure(grpc.StatusCode.NOT_FOUND)), headers=_GRANTED
    ),
    _shared(
        "a failure of the gateway itself",
        "GET /v1/everything",
        500,
        _OURS,
        headers=_GRANTED,
        script=Script([zoo.Everything(at={"seconds": 1 << 60})]),
    ),
    _shared("bytes", "GET /v1/files/a", 200, _OURS, headers=_GRANTED),
    _shared(
        "a stream of lines", "GET /v1/animals/leo:watch", 200, _OURS, script=Script([zoo.Event()]), headers=_GRANTED
    ),
    _shared(
        "a stream of events",
        "GET /v1/animals/leo:watch",
        200,
        _OURS,
        ("Accept", "text/event-stream"),
        script=Script([zoo.Event()]),
        headers={**_GRANTED, "Content-Type": "text/event-stream"},
    ),
    _shared(
        "a stream that fails at once",
        "GET /v1/animals/leo:watch",
        500,
        _OURS,
        script=Script(then=Failure()),
        headers=_GRANTED,
    ),
    _shared(
        "the end of all events",
        "GET /v1/animals/leo:watch",
        204,
        _OURS,
        ("Accept", "text/event-stream"),
        ("Last-Event-ID", "5"),
        script=Script([zoo.Event(number=5, finished={})]),
        headers=_GRANTED,
    ),
    Case(
        "R17",
        "preflight tells methods and headers",
        asked("OPTIONS /v1/animals/leo", b"", _OURS, *_PREFLIGHT),
        204,
        of_shared=True,
        listed={
            "Access-Control-Allow-Methods": {"GET", "PUT", "PATCH", "DELETE"},
            "Access-Control-Allow-Headers": {"content-type", "x-cage"},
        },
    ),
    Case(
        "R17",
        "what a page may read",
        asked("GET /v1/animals", b"", _OURS),
        of_shared=True,
        listed={"Access-Control-Expose-Headers": {"grpc-metadata-next-page-token", "retry-after"}},
    ),
]

CASES = [*REQUESTS, *KEYS, *ANSWERS, *CROSS_ORIGIN]
