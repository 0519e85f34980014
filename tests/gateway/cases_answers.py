"""R10, R11 and R18: what answers and errors look like, and bodies that are sent as they are."""

from typing import Any

import grpc
from google.api.httpbody_pb2 import HttpBody
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import NULL_VALUE, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc.code_pb2 import Code
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from gateway import zoo
from gateway.cases import ABSENT, Case, asked, gets
from gateway.zookeeper import Failure, Script

LEO = "GET /v1/animals/leo"
BIG = 1 << 63
OUR_DOMAIN = "zoo.example"

NOTHING = {
    **dict.fromkeys(["aDouble", "aFloat"], 0.0),
    **dict.fromkeys(["anInt32", "aUint32", "aSint32", "aFixed32", "aSfixed32"], 0),
    **dict.fromkeys(["anInt64", "aUint64", "aSint64", "aFixed64", "aSfixed64"], "0"),
    "aBool": False,
    **dict.fromkeys(["aString", "someBytes", "strange-name"], ""),
    "mood": "MOOD_UNSPECIFIED",
    "diet": "DIET_UNSPECIFIED",
    "size": "SMALL",
    **{name: [] for name in "doubles int32s int64s bools stringList bytesList moods times children".split()},
    **{name: {} for name in "labels byNumber byFlag amounts moodsByName parts".split()},
}


def _answers(claim: str, fields: dict[str, Any], told: dict[str, Any]) -> Case:
    script = Script([zoo.Everything(**fields)])
    return Case("R10", claim, asked("GET /v1/everything"), script=script, json={**NOTHING, **told})


def _is(claim: str, path: str, body: Any, **fields: Any) -> Case:
    script = Script([zoo.ListAnimalsResponse(**fields)])
    return Case("R10", claim, asked(f"GET {path}"), script=script, json=body)


def _packed(message: Message) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed


EMPTY_ANIMAL = {"name": "", "legs": 0, "mood": "MOOD_UNSPECIFIED", "tags": []}
ANSWERS = [
    _answers("defaults stand there, unset messages and optional fields do not", {}, {}),
    _answers(
        "64 bits are a text",
        {"an_int64": -BIG, "a_uint64": BIG, "maybe_int64": 0, "int64s": [1]},
        {"anInt64": str(-BIG), "aUint64": str(BIG), "maybeInt64": "0", "int64s": ["1"]},
    ),
    _answers("32 bits are a number", {"an_int32": -1, "a_uint32": 4294967295}, {"anInt32": -1, "aUint32": 4294967295}),
    _answers(
        "doubles that are no numbers are texts",
        {"a_double": float("inf"), "doubles": [float("-inf"), float("nan")]},
        {"aDouble": "Infinity", "doubles": ["-Infinity", "NaN"]},
    ),
    _answers(
        "enums by their full names",
        {"mood": 2, "diet": 1, "size": 1, "moods": [1], "moods_by_name": {"a": 2}},
        {
            "mood": "MOOD_VERY_ANGRY",
            "diet": "DIET_MEAT",
            "size": "LARGE",
            "moods": ["MOOD_CALM"],
            "moodsByName": {"a": "MOOD_VERY_ANGRY"},
        },
    ),
    _answers("an unknown enum by its number", {"mood": 77}, {"mood": 77}),
    _answers(
        "bytes in base64", {"some_bytes": b"\xfb\xff", "bytes_list": [b""]}, {"someBytes": "+/8=", "bytesList": [""]}
    ),
    _answers("a JSON name of its own", {"odd": "x"}, {"strange-name": "x"}),
    _answers(
        "optional fields that are set",
        {"maybe_string": "", "maybe_bool": False, "maybe_mood": 0, "maybe_bytes": b""},
        {"maybeString": "", "maybeBool": False, "maybeMood": "MOOD_UNSPECIFIED", "maybeBytes": ""},
    ),
    _answers(
        "wrappers as what they wrap",
        {"wrapped_int64": {"value": 0}, "wrapped_string": {"value": ""}, "wrapped_bool": {"value": True}},
        {"wrappedInt64": "0", "wrappedString": "", "wrappedBool": True},
    ),
    _answers(
        "maps with keys of all kinds",
        {"by_number": {-1: "a"}, "by_flag": {True: "b"}, "amounts": {"": 1}},
        {"byNumber": {"-1": "a"}, "byFlag": {"true": "b"}, "amounts": {"": "1"}},
    ),
    _answers("the member of a oneof that is set", {"number": 0}, {"number": "0"}),
    _answers(
        "messages in messages",
        {"inner": {}, "parts": {"a": {}}, "animal": {}, "nothing": {}},
        {"inner": NOTHING, "parts": {"a": NOTHING}, "animal": EMPTY_ANIMAL, "nothing": {}},
    ),
    _answers(
        "times, durations and masks",
        {
            "at": Timestamp(seconds=1, nanos=500000000),
            "span": Duration(seconds=-3, nanos=-1),
            "mask": {"paths": ["a_string", "inner.string_list"]},
        },
        {"at": "1970-01-01T00:00:01.500Z", "span": "-3.000000001s", "mask": "aString,inner.stringList"},
    ),
    _answers(
        "any JSON as itself",
        {"free": {"a": [1, None]}, "value": Value(null_value=NULL_VALUE), "list": ["x", {}]},
        {"free": {"a": [1, None]}, "value": None, "list": ["x", {}]},
    ),
    _answers(
        "an Any with its type",
        {"any": _packed(zoo.Animal(legs=4))},
        {"any": {"@type": "type.googleapis.com/zoo.v1.Animal", **EMPTY_ANIMAL, "legs": 4}},
    ),
    _answers("texts of all scripts", {"a_string": 'é🦁"\\\n\u2028'}, {"aString": 'é🦁"\\\n\u2028'}),
    Case("R10", "a message of nothing", asked("DELETE /v1/animals/leo"), json={}),
    Case("R10", "JSON by name", asked(LEO), headers={"Content-Type": "application/json"}),
    _is(
        "a field of the response: a list",
        "/v1/animals",
        [{**EMPTY_ANIMAL, "legs": 4}, EMPTY_ANIMAL],
        animals=[{"legs": 4}, {}],
        total=2,
    ),
    _is("a field of the response: an empty list", "/v1/animals", [], total=2),
    _is("a field of the response: a number of 64 bits", "/v1/total", "5", total=5),
    _is("a field of the response: zero", "/v1/total", "0"),
    _is("a field of the response: a message", "/v1/oldest", {**EMPTY_ANIMAL, "name": "leo"}, oldest={"name": "leo"}),
    _is("a field of the response: an unset message", "/v1/oldest", None, total=1),
    _is("a field of the response: a map", "/v1/legs", {"leo": "4"}, legs_by_name={"leo": 4}),
    _is("a field of the response: an enum", "/v1/mood", "MOOD_CALM", mood=1),
    _is("a field of the response: a time", "/v1/counted", "1970-01-01T00:00:01Z", counted_at={"seconds": 1}),
    Case(
        "R10",
        "the whole response where no field is named",
        asked("REPORT /v1/animals"),
        script=Script([zoo.ListAnimalsResponse(total=1)]),
        json={"animals": [], "nextPageToken": "", "total": "1", "legsByName": {}, "mood": "MOOD_UNSPECIFIED"},
    ),
]

STATUSES = {
    Code.CANCELLED: 499,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}
INFO = ErrorInfo(reason="CAGE_EMPTY", domain=OUR_DOMAIN, metadata={"cage": "7"})
INFO_JSON = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "CAGE_EMPTY",
    "domain": OUR_DOMAIN,
    "metadata": {"cage": "7"},
}
UNKNOWN = Packed(type_url="type.googleapis.com/zoo.v1.Plant", value=b"\x08\x01")
GARBLED = Packed(type_url="type.googleapis.com/google.rpc.ErrorInfo", value=b"\xff")


def _fails(claim: str, status: int, failure: Failure | Exception, **expected: Any) -> Case:
    return Case("R11", claim, asked(LEO), status, script=Script(then=failure), called=["GetAnimal"], **expected)


def _retried(claim: str, delay: Duration, after: str) -> Case:
    failure = Failure(grpc.StatusCode.UNAVAILABLE, "closed", [RetryInfo(retry_delay=delay)])
    return _fails(f"Retry-After of {claim}", 503, failure, headers={"Retry-After": after})


def _code(number: int) -> grpc.StatusCode:
    return next(code for code in grpc.StatusCode if code.value[0] == number)


ERRORS = [
    *(
        _fails(
            f"code {number} is {status}",
            status,
            Failure(_code(number), "nö"),
            json={"code": number, "message": "nö", "details": []},
            headers={"Content-Type": "application/json"},
        )
        for number, status in STATUSES.items()
    ),
    _fails(
        "details stand there with their type",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", [INFO]),
        json={"code": 5, "message": "no cage", "details": [INFO_JSON]},
    ),
    _fails(
        "several details",
        400,
        Failure(
            grpc.StatusCode.INVALID_ARGUMENT,
            "no",
            [BadRequest(field_violations=[{"field": "legs", "description": "too many"}]), INFO],
        ),
        holds={"code": 3, "message": "no"},
    ),
    _fails(
        "an unknown detail hides nothing",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", [UNKNOWN]),
        holds={"code": 5, "message": "no cage"},
    ),
    _fails(
        "nor does it hide another",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", [UNKNOWN, INFO]),
        detail=INFO_JSON,
    ),
    _fails(
        "a garbled detail hides nothing",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", [GARBLED, INFO]),
        holds={"code": 5, "message": "no cage"},
        detail=INFO_JSON,
    ),
    _fails(
        "details that are no Status",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", trailer=b"\xff\xff"),
        json={"code": 5, "message": "no cage", "details": []},
    ),
    _fails(
        "details of another status",
        404,
        Failure(grpc.StatusCode.NOT_FOUND, "no cage", trailer=Status(code=13, message="x").SerializeToString()),
        holds={"code": 5, "message": "no cage"},
    ),
    _retried("whole seconds", Duration(seconds=3), "3"),
    _retried("a fraction, rounded up", Duration(seconds=1, nanos=1), "2"),
    _retried("less than a second", Duration(nanos=500000000), "1"),
    _fails(
        "no Retry-After without RetryInfo",
        503,
        Failure(grpc.StatusCode.UNAVAILABLE, "closed", [INFO]),
        headers={"Retry-After": ABSENT},
    ),
    _fails(
        "401 says how to come in",
        401,
        Failure(grpc.StatusCode.UNAUTHENTICATED, "who"),
        headers={"WWW-Authenticate": "Bearer"},
    ),
    _fails("403 does not", 403, Failure(grpc.StatusCode.PERMISSION_DENIED, "no"), headers={"WWW-Authenticate": ABSENT}),
    _fails("what a handler raised is not told", 500, ValueError("innards"), holds={"code": 2}, lacks=b"innards"),
    _fails("nor what kind it was", 500, ZeroDivisionError("innards"), lacks=b"ZeroDivisionError"),
    Case(
        "R11",
        "errors of the gateway have the same shape",
        asked("GET /v1/plants"),
        404,
        json={"code": 5, "message": "no such path", "details": []},
        headers={"Content-Type": "application/json"},
    ),
    Case(
        "R11",
        "a field that is refused is named",
        asked("GET /v1/everything?inner.an_int32=x"),
        400,
        detail={
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [
                {
                    "field": "inner.an_int32",
                    "description": "expected a whole number from -2147483648 to 2147483647",
                    "reason": "",
                }
            ],
        },
    ),
    Case(
        "R11",
        "a response that cannot be JSON is an error",
        asked("GET /v1/everything"),
        500,
        script=Script([zoo.Everything(any=UNKNOWN)]),
        holds={"code": 13, "details": []},
    ),
    Case(
        "R11",
        "so is a time out of range",
        asked("GET /v1/everything"),
        500,
        script=Script([zoo.Everything(at=Timestamp(seconds=1 << 60))]),
        holds={"code": 13, "details": []},
    ),
]


def _raw(claim: str, line: str, script: Script, content_type: str, body: bytes) -> Case:
    return Case("R18", claim, asked(line), script=script, headers={"Content-Type": content_type}, body=body)


PNG = HttpBody(content_type="image/png", data=b"\x89PNG\0\xff")
FILE = "GET /v1/files/a/b"
RAW = [
    _raw("bytes with their type", FILE, Script([PNG]), "image/png", b"\x89PNG\0\xff"),
    _raw(
        "a type with parameters",
        FILE,
        Script([HttpBody(content_type='text/plain; charset="utf-8"', data="é".encode())]),
        'text/plain; charset="utf-8"',
        "é".encode(),
    ),
    _raw(
        "JSON that is sent as it is",
        FILE,
        Script([HttpBody(content_type="application/json", data=b"{ }")]),
        "application/json",
        b"{ }",
    ),
    _raw("no bytes", FILE, Script([HttpBody(content_type="text/csv")]), "text/csv", b""),
    _raw("bytes of no type", FILE, Script([HttpBody(data=b"x")]), "application/octet-stream", b"x"),
    _raw(
        "a type that would be another header",
        FILE,
        Script([HttpBody(content_type="text/plain\r\nX-Evil: 1", data=b"x")]),
        "application/octet-stream",
        b"x",
    ),
    _raw("after a POST", "POST /v1/files", Script([PNG]), "image/png", PNG.data),
    _raw(
        "a field of the response",
        "GET /v1/picture",
        Script([zoo.ListAnimalsResponse(picture=PNG)]),
        "image/png",
        PNG.data,
    ),
    _raw(
        "a stream is one body",
        "GET /v1/files/a:read",
        Script([HttpBody(content_type="text/csv", data=b"a,"), HttpBody(data=b"b\n"), HttpBody(), HttpBody(data=b"c")]),
        "text/csv",
        b"a,b\nc",
    ),
    _raw("a stream of nothing", "GET /v1/files/a:read", Script(), "application/octet-stream", b""),
    Case(
        "R18",
        "a stream that fails at once is an error",
        asked("GET /v1/files/a:read"),
        404,
        script=Script(then=Failure(grpc.StatusCode.NOT_FOUND, "no file")),
        json={"code": 5, "message": "no file", "details": []},
    ),
    Case(
        "R18",
        "an RPC that fails is an error",
        asked(FILE),
        404,
        script=Script(then=Failure(grpc.StatusCode.NOT_FOUND, "no file")),
        holds={"code": 5},
    ),
    gets(
        "R18",
        "a body that is bytes of any type",
        asked("PUT /v1/files/a", b"\xff{", ("Content-Type", "image/png")),
        zoo.PutFileRequest(name="a", content=HttpBody(content_type="image/png", data=b"\xff{")),
        rpc="PutFile",
    ),
    gets(
        "R18",
        "with a query beside it",
        asked("PUT /v1/files/a?keep=1", b"x", ("Content-Type", "a/b")),
        zoo.PutFileRequest(name="a", keep=True, content=HttpBody(content_type="a/b", data=b"x")),
    ),
    gets(
        "R18",
        "a request that is bytes",
        asked("POST /v1/bytes", b"[", ("Content-Type", "application/json")),
        HttpBody(content_type="application/json", data=b"["),
        rpc="PutBytes",
    ),
]

CASES = [*ANSWERS, *ERRORS, *RAW]
