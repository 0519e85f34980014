"""R08, R09 and R13: bodies as strict as proto3 JSON has them, their content types, and how large they may be."""

import json
from typing import Any

from google.protobuf.struct_pb2 import ListValue, Value

from gateway import zoo
from gateway.cases import Case, asked, gets, refuses
from gateway.served import MIB

WRITE = "POST /v1/everything"
BIG = 1 << 63


def body_taken(claim: str, body: str | bytes, **fields: Any) -> Case:
    """A body that makes the request have these fields."""
    sent = body if isinstance(body, bytes) else body.encode()
    return gets("R08", claim, asked(WRITE, sent), zoo.Everything(**fields), rpc="Look")


def body_refused(claim: str, body: str | bytes) -> Case:
    """A body that is no request."""
    return refuses("R08", claim, asked(WRITE, body if isinstance(body, bytes) else body.encode()))


def _part(name: str, body: str, **fields: Any) -> Case:
    return gets(
        "R08",
        f"the body is {name}: {body}",
        asked(f"PUT /v1/parts/p/{name}", body.encode()),
        zoo.PartsRequest(name="p", **fields),
        rpc="PutParts",
    )


def _no_part(name: str, body: str) -> Case:
    return refuses("R08", f"no body for {name}: {body}", asked(f"PUT /v1/parts/p/{name}", body.encode()))


WHOLE = [
    body_taken("no body is an empty message", ""),
    body_taken("a blank one, too", " \r\n\t "),
    body_taken("an empty object", "{}"),
    body_taken("space around it", ' \n{"aString":"x"}\r\n ', a_string="x"),
    body_taken(
        "proto names and JSON names",
        '{"an_int32":1,"aString":"x","strange-name":"y"}',
        an_int32=1,
        a_string="x",
        odd="y",
    ),
    body_taken(
        "null is unset", '{"inner":null,"aString":null,"stringList":null,"labels":null,"maybeInt32":null,"at":null}'
    ),
    gets(
        "R08",
        "path values win over the body's",
        asked("PATCH /v1/animals/leo", {"animal": {"name": "tom", "legs": 4}}),
        zoo.CreateAnimalRequest(animal={"name": "leo", "legs": 4}),
    ),
    gets(
        "R08",
        "path values win over a body field's",
        asked("PUT /v1/animals/leo", {"name": "tom", "legs": 4}),
        zoo.CreateAnimalRequest(animal={"name": "leo", "legs": 4}),
    ),
    gets(
        "R08",
        "a blank body leaves the path's values",
        asked("PATCH /v1/animals/leo", b"\n"),
        zoo.CreateAnimalRequest(animal={"name": "leo"}),
    ),
    *(body_refused(f"an object only: {text}", text) for text in ["[]", "[{}]", "null", "1", "true", '"x"', '"{}"']),
    *(
        body_refused(f"one value only: {text}", text)
        for text in ["{} {}", "{}{}", "{},", "{}]", "{}null", "{}\n{}", '{"aString":"x"} x', "{} //x"]
    ),
    *(
        body_refused(f"JSON only: {text!r}", text)
        for text in [
            "{",
            "}",
            "{]",
            '{"aString":"x",}',
            "{'aString':'x'}",
            '{aString:"x"}',
            '{"aString" "x"}',
            '{"anInt32":01}',
            '{"anInt32":+1}',
            '{"aDouble":.5}',
            '{"aDouble":1.}',
            '{"aDouble":0x10}',
            '{"aBool":True}',
            '{"aString":"a\nb"}',
            '{"aString":"\\x41"}',
            '{"aString":"\\u12"}',
            '{"stringList":["a",]}',
            "{/**/}",
            '{"aDouble":NaN}',
            '{"aDouble":Infinity}',
            '{"aDouble":-Infinity}',
            '{"free":{"a":NaN}}',
            '{"value":Infinity}',
            '{"aString":undefined}',
            "\0",
            "\u00a0{}",
            "{}\f",
            '{"aString":"x"',
        ]
    ),
    body_refused("bytes that are no UTF-8", b'{"aString":"\xff"}'),
    body_refused("half a character", b'{"aString":"\xc3"}'),
    body_refused("a surrogate in UTF-8", b'{"aString":"\xed\xa0\x80"}'),
    body_refused("UTF-16", "{}".encode("utf-16")),
    body_refused("UTF-16 without a mark", "{}".encode("utf-16-le")),
    body_refused("UTF-32", "{}".encode("utf-32")),
    body_refused("a mark of byte order", b"\xef\xbb\xbf{}"),
]

_DOUBLED = {
    "a field": '{"aString":"a","aString":"b"}',
    "with the same value": '{"aString":"a","aString":"a"}',
    "under its two names": '{"aString":"a","a_string":"a"}',
    "under its two names, one of them null": '{"aString":"a","a_string":null}',
    "under a name of its own": '{"odd":"a","strange-name":"a"}',
    "within": '{"inner":{"anInt32":1,"an_int32":1}}',
    "in a list": '{"children":[{"aString":"a","aString":"b"}]}',
    "in a map": '{"parts":{"a":{"aString":"a","a_string":"b"}}}',
    "a key of a map": '{"labels":{"a":"1","a":"2"}}',
    "a key of a map, written otherwise": '{"labels":{"a":"1","\\u0061":"2"}}',
    "a key of a Struct": '{"free":{"a":1,"a":2}}',
    "a key within a Value": '{"value":[{"a":1,"a":2}]}',
    "in an Any": '{"any":{"@type":"type.googleapis.com/zoo.v1.Animal","name":"a","name":"b"}}',
}
_SURROGATES = {
    "in a string": '{"aString":"\\ud800"}',
    "the lower half": '{"aString":"x\\udc00y"}',
    "in the wrong order": '{"aString":"\\udc00\\ud800"}',
    "in a list": '{"stringList":["\\ud800"]}',
    "in a map's value": '{"labels":{"a":"\\ud800"}}',
    "in a map's key": '{"labels":{"\\ud800":"a"}}',
    "in a Struct's value": '{"free":{"a":"\\ud800"}}',
    "in a Struct's key": '{"free":{"\\ud800":1}}',
    "in a Value": '{"value":"\\ud800"}',
    "in a wrapper": '{"wrappedString":"\\ud800"}',
    "in a mask": '{"mask":"\\ud800"}',
    "in a name": '{"\\ud800":1}',
    "in an enum": '{"mood":"\\ud800"}',
    "in a time": '{"at":"\\ud800"}',
    "in bytes": '{"someBytes":"\\ud800"}',
}
_MISSHAPEN = {
    "a list for a message": '{"inner":[]}',
    "a list for a message in a list": '{"children":[[]]}',
    "a list for a message in a map": '{"parts":{"a":[]}}',
    "a list for a message in a oneof": '{"animal":[]}',
    "a text for a message": '{"inner":""}',
    "a number for a message": '{"inner":0}',
    "false for a message": '{"inner":false}',
    "a list for Empty": '{"nothing":[]}',
    "a field of Empty": '{"nothing":{"a":1}}',
    "a list for a map": '{"labels":[]}',
    "a text for a map": '{"labels":""}',
    "an object for a list": '{"stringList":{}}',
    "a text for a list": '{"stringList":"a"}',
    "a null in a list": '{"stringList":[null]}',
    "a null in a map": '{"labels":{"a":null}}',
    "an object for a text": '{"aString":{}}',
    "a number for a text": '{"aString":1}',
    "a truth for a text": '{"aString":true}',
    "a number for a wrapped text": '{"wrappedString":1}',
    "a list for a number": '{"anInt32":[1]}',
    "an object for a wrapper": '{"wrappedInt32":{"value":1}}',
    "a list for a Struct": '{"free":[]}',
    "a text for a Struct": '{"free":"{}"}',
    "an object for a ListValue": '{"list":{}}',
    "two of a oneof": '{"word":"a","number":"1"}',
    "two of a oneof, one of them empty": '{"word":"","animal":{}}',
}
_ENUMS = {
    "a name": '{"mood":"ODD"}',
    "in a list": '{"moods":["calm","odd"]}',
    "in a map": '{"moodsByName":{"a":"odd"}}',
    "in an optional": '{"maybeMood":"odd"}',
    "within": '{"inner":{"mood":"odd"}}',
    "an empty one": '{"mood":""}',
    "a prefix alone": '{"mood":"MOOD_"}',
    "of another": '{"mood":"DIET_MEAT"}',
    "a truth": '{"mood":true}',
    "a fraction": '{"mood":1.5}',
    "a list": '{"mood":[1]}',
    "an object": '{"mood":{}}',
    "out of range": '{"mood":2147483648}',
}

STRICT = [
    *(body_refused(f"twice: {claim}", text) for claim, text in _DOUBLED.items()),
    *(body_refused(f"a lone surrogate {claim}", text) for claim, text in _SURROGATES.items()),
    *(body_refused(f"misshapen: {claim}", text) for claim, text in _MISSHAPEN.items()),
    *(body_refused(f"no enum: {claim}", text) for claim, text in _ENUMS.items()),
    body_taken("a pair of surrogates", '{"aString":"\\ud83e\\udd81"}', a_string="🦁"),
    body_taken("a oneof with the other member null", '{"word":null,"number":"0"}', number=0),
    body_taken(
        "two fields of one value in two messages",
        '{"aString":"a","inner":{"aString":"a"}}',
        a_string="a",
        inner={"a_string": "a"},
    ),
    body_taken(
        "names of a map that are names of a field",
        '{"labels":{"aString":"1","a_string":"2"}}',
        labels={"aString": "1", "a_string": "2"},
    ),
]


def _deep(depth: int, opening: str, innermost: str, closing: str) -> str:
    return opening * depth + innermost + closing * depth


DEPTH = [
    body_taken("a depth of sixty", _deep(60, '{"inner":', "{}", "}"), **json.loads(_deep(60, '{"inner":', "{}", "}"))),
    *(
        body_refused(f"a depth of {depth:,} {claim}", text)
        for depth in (200, 10_000, 100_000)
        for claim, text in {
            "messages": _deep(depth, '{"inner":', "{}", "}"),
            "lists in a Value": '{"value":' + _deep(depth, "[", "", "]") + "}",
            "objects in a Struct": '{"free":' + _deep(depth, '{"a":', "{}", "}") + "}",
            "lists that bind to nothing": _deep(depth, "[", "", "]"),
            "lists that never end": "[" * depth,
        }.items()
    ),
]

PARTS = [
    _part("lines", '["a",""]', lines=["a", ""]),
    _part("lines", "[]"),
    _part("animals", '[{"name":"leo"},{}]', animals=[{"name": "leo"}, {}]),
    _part("counts", '{"a":1}', counts={"a": 1}),
    _part("number", "7", number=7),
    _part("number", '"-7"', number=-7),
    _part("text", '"x"', text="x"),
    _part("mood", '"MOOD_CALM"', mood=1),
    _part("at", '"1970-01-01T00:00:01Z"', at={"seconds": 1}),
    _part("free", '{"a":null}', free={"a": None}),
    _part("value", "[1]", value=Value(list_value=ListValue(values=[Value(number_value=1)]))),
    _part("value", '"x"', value=Value(string_value="x")),
    _part("wrapped", '""', wrapped={"value": ""}),
    _part("everything", '{"aString":"x"}', everything={"a_string": "x"}),
    *(
        _no_part(name, text)
        for name, text in [
            ("lines", '{"lines":["a"]}'),
            ("lines", '"a"'),
            ("lines", "[1]"),
            ("lines", "[null]"),
            ("animals", "[[]]"),
            ("animals", "{}"),
            ("animals", '[{"plants":1}]'),
            ("counts", "[]"),
            ("counts", '{"a":"1_0"}'),
            ("number", '"1_0"'),
            ("number", "{}"),
            ("text", "1"),
            ("text", '"a" "b"'),
            ("mood", '"odd"'),
            ("at", '"now"'),
            ("at", "{}"),
            ("free", "[]"),
            ("wrapped", "{}"),
            ("everything", "[]"),
            ("everything", '"x"'),
            ("everything", "1"),
            ("everything", '{"aString":"a","a_string":"b"}'),
            ("value", "NaN"),
            ("text", '"\\ud800"'),
        ]
    ),
]


def _typed(claim: str, content_type: str, status: int = 200, body: bytes = b'{"aString":"x"}') -> Case:
    ask = asked(WRITE, body, ("Content-Type", content_type))
    if status != 200:
        return refuses("R09", claim, ask, status)
    return gets("R09", claim, ask, zoo.Everything(a_string="x" if body.strip() else ""))


TYPES = [
    _typed("JSON", "application/json"),
    _typed("JSON with parameters", "application/json; charset=utf-8"),
    _typed("JSON in capitals", "Application/JSON"),
    _typed("a type that is JSON", "application/vnd.zoo+json"),
    _typed("a type that is JSON, with parameters", "application/merge-patch+json;x=y"),
    _typed("an empty body of another type", "text/plain", body=b""),
    gets("R09", "no type", asked(WRITE, b'{"aString":"x"}'), zoo.Everything(a_string="x")),
    *(
        _typed(f"another type: {other}", other, 415)
        for other in [
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "text/json",
            "application/jsonp",
            "application/grpc",
            "application/xml",
            "json",
            "application/octet-stream",
        ]
    ),
    refuses(
        "R09",
        "another type of a body that would bind to nothing",
        asked("DELETE /v1/animals/leo", b"x", ("Content-Type", "text/plain")),
        415,
    ),
    *(
        Case(
            "R09",
            f"Accept is not negotiated: {accept}",
            asked("GET /v1/animals/leo", b"", ("Accept", accept)),
            headers={"Content-Type": "application/json"},
        )
        for accept in ["text/html", "application/xml;q=0.9", "image/*", "text/event-stream", "application/x-ndjson"]
    ),
]


def _sized(claim: str, line: str, body: bytes | tuple[bytes, ...], status: int = 200) -> Case:
    if status != 200:
        return refuses("R13", claim, asked(line, body), status)
    return Case("R13", claim, asked(line, body))


SIZES = [
    _sized("the limit itself", "POST /v1/animals", b"{}" + b" " * (MIB - 2)),
    _sized("a byte more", "POST /v1/animals", b"{}" + b" " * (MIB - 1), 413),
    _sized("blanks count", "POST /v1/animals", b" " * (MIB + 1), 413),
    _sized("the limit itself, in chunks", "POST /v1/animals", (b"{}", b" " * (MIB - 2))),
    _sized("a byte more, in chunks", "POST /v1/animals", (b"{}", b" " * (MIB - 2), b" "), 413),
    _sized("many chunks", "POST /v1/animals", (b"{", *[b" " * 1000] * 1100, b"}"), 413),
    _sized("more where the message holds bytes", WRITE, b"{}" + b" " * (2 * MIB)),
    _sized("but no more than eight times", WRITE, b"{}" + b" " * (8 * MIB), 413),
    _sized("a body that would bind to nothing", "DELETE /v1/animals/leo", b" " * (MIB + 1), 413),
    gets(
        "R13", "chunks are one body", asked(WRITE, (b'{"aStr', b'ing":"\xc3', b'\xa9"}')), zoo.Everything(a_string="é")
    ),
]

CASES = [*WHOLE, *STRICT, *DEPTH, *PARTS, *TYPES, *SIZES]
