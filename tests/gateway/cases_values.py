"""R08 of values: numbers, truths, keys, bytes and the well-known types, where Python's own reading is laxer."""

import json
from typing import Any

from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.struct_pb2 import NULL_VALUE, ListValue, Value
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import zoo
from gateway.cases import Case
from gateway.cases_bodies import body_refused, body_taken

BIG = 1 << 63


def _packed(message: Any) -> Packed:
    packed = Packed()
    packed.Pack(message)
    return packed


_INTEGERS = {
    "anInt32": (-(1 << 31), (1 << 31) - 1),
    "aSint32": (-(1 << 31), (1 << 31) - 1),
    "aUint32": (0, (1 << 32) - 1),
    "anInt64": (-BIG, BIG - 1),
    "aSfixed64": (-BIG, BIG - 1),
    "aUint64": (0, (1 << 64) - 1),
}
_FIELD = {
    "anInt32": "an_int32",
    "aSint32": "a_sint32",
    "aUint32": "a_uint32",
    "anInt64": "an_int64",
    "aSfixed64": "a_sfixed64",
    "aUint64": "a_uint64",
}
_NO_INTEGERS = [
    "1.5",
    "true",
    "{}",
    '""',
    '" 5"',
    '"5 "',
    '"1_0"',
    '"0x10"',
    '"٣"',
    '"five"',
    '"1,0"',
    "1e99",
    "1" * 5000,
    f'"{"1" * 5000}"',
    '"1\\n"',
    '"1.5"',
    "1e-1",
]
_NO_DOUBLES = [
    "true",
    '""',
    '" 5"',
    '"5 "',
    '"1_0.5"',
    '"٣"',
    '"0x10"',
    '"inf"',
    '"infinity"',
    '"nan"',
    '"+NaN"',
    '"-nan"',
    '"Inf"',
    "1e999",
    '"1e999"',
    '"one"',
    "{}",
    '"1\\n"',
    "1" * 400,
]
NUMBERS = [
    *(
        body_taken(f"{name} takes {form}", f'{{"{name}":{form}}}', **{_FIELD[name]: edge})
        for name, edges in _INTEGERS.items()
        for edge in edges
        for form in (str(edge), f'"{edge}"')
    ),
    *(
        body_refused(f"{name} takes no {form}", f'{{"{name}":{form}}}')
        for name, (low, high) in _INTEGERS.items()
        for beyond in (low - 1, high + 1)
        for form in (str(beyond), f'"{beyond}"')
    ),
    body_taken("a whole number with a fraction of nothing", '{"anInt32":2147483647.0}', an_int32=2147483647),
    body_taken("a whole number with an exponent", '{"anInt32":1e5,"anInt64":-2E3}', an_int32=100000, an_int64=-2000),
    *(
        body_refused(f"no whole number: {form[:20]} for {name}", f'{{"{name}":{form}}}')
        for name in ["anInt32", "aUint64", "wrappedInt64"]
        for form in _NO_INTEGERS
    ),
    *(
        body_refused(f"no number: {form[:20]} for {name}", f'{{"{name}":{form}}}')
        for name in ["aDouble", "aFloat", "wrappedDouble"]
        for form in _NO_DOUBLES
    ),
    *(
        body_taken(f"a double is {form}", f'{{"aDouble":{form}}}', a_double=number)
        for form, number in {
            "1": 1.0,
            "-1.5e3": -1500.0,
            '"1.5"': 1.5,
            '"Infinity"': float("inf"),
            '"-Infinity"': float("-inf"),
            "1e-400": 0.0,
        }.items()
    ),
    body_refused("a float beyond its largest", '{"aFloat":3.5e38}'),
    body_refused("a Value beyond a double's largest", '{"value":1e999}'),
    body_refused("a Value of more digits than a double's", '{"value":' + "1" * 400 + "}"),
    body_refused("a list of such", '{"list":[-1e999]}'),
    body_refused("a Struct's number beyond a double's largest", '{"free":{"a":-1e999}}'),
    *(body_refused(f"no truth: {form}", f'{{"aBool":{form}}}') for form in ['"true"', "1", "0", '""', "{}", '"false"']),
    *(body_refused(f"no truth: {form}, wrapped", f'{{"wrappedBool":{form}}}') for form in ['"true"', "1"]),
    body_taken(
        "keys of a map that are numbers",
        '{"byNumber":{"1":"a","-2147483648":"b"}}',
        by_number={1: "a", -(1 << 31): "b"},
    ),
    body_taken("keys of a map that are truths", '{"byFlag":{"true":"a","false":"b"}}', by_flag={True: "a", False: "b"}),
    *(
        body_refused(f"no key that is a number: {key!r}", f'{{"byNumber":{{"{key}":"a"}}}}')
        for key in ["", "x", "1_0", " 1", "1.5", "٣", "2147483648"]
    ),
    *(
        body_refused(f"no key that is a truth: {key!r}", f'{{"byFlag":{{"{key}":"a"}}}}')
        for key in ["", "1", "True", "yes"]
    ),
]

_NO_TIMES = [
    "",
    "2024-02-29",
    "2023-02-29T00:00:00Z",
    "2024-2-9T1:2:3Z",
    "2024-02-29t00:00:00Z",
    "2024-02-29T00:00:00z",
    "2024-02-29T00:00:00",
    "2024-02-29T00:00:00.1_0Z",
    "2024-02-29T00:00:00.1234567890Z",
    "2024-02-29T00:00:00Z ",
    "2024-02-29T00:00:00+0100",
    "0000-01-01T00:00:00Z",
    "10000-01-01T00:00:00Z",
    "2024-02-29T24:00:00Z",
    "２024-02-29T00:00:00Z",
    "2024-02-29 00:00:00Z",
]
_NO_DURATIONS = [
    "",
    "5",
    "s",
    "5 s",
    " 5s",
    "1_0s",
    "+5s",
    "1h",
    "5S",
    "1.s",
    ".5s",
    "1.0000000000s",
    "٣s",
    "1e3s",
    "315576000001s",
    "--5s",
    "5s ",
    "1.-5s",
]
WELL_KNOWN = [
    body_taken("a time", '{"at":"2024-02-29T12:00:00.000000001Z"}', at=Timestamp(seconds=1709208000, nanos=1)),
    body_taken("a time elsewhere", '{"at":"1970-01-01T02:00:00+02:00"}', at=Timestamp()),
    body_taken("a duration", '{"span":"-3.000000001s"}', span=Duration(seconds=-3, nanos=-1)),
    body_taken(
        "a mask", '{"mask":"aString,inner.stringList"}', mask=FieldMask(paths=["a_string", "inner.string_list"])
    ),
    body_taken("a Struct", '{"free":{"a":[1,"x",null,{"b":true}]}}', free={"a": [1, "x", None, {"b": True}]}),
    body_taken("a Value of null", '{"value":null}', value=Value(null_value=NULL_VALUE)),
    body_taken("a Value of a list", '{"value":[]}', value=Value(list_value=ListValue())),
    body_taken("a ListValue", '{"list":[1,[]]}', list=[1, []]),
    body_taken(
        "an Any", '{"any":{"@type":"type.googleapis.com/zoo.v1.Animal","legs":4}}', any=_packed(zoo.Animal(legs=4))
    ),
    body_taken(
        "an Any of a type with a form of its own",
        '{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"5s"}}',
        any=_packed(Duration(seconds=5)),
    ),
    body_taken("an empty Any", '{"any":{}}', any={}),
    body_taken("Empty", '{"nothing":{}}', nothing={}),
    body_taken(
        "wrappers",
        '{"wrappedInt64":"0","wrappedString":"","wrappedBool":false,"wrappedBytes":"aGk"}',
        wrapped_int64={"value": 0},
        wrapped_string={"value": ""},
        wrapped_bool={"value": False},
        wrapped_bytes={"value": b"hi"},
    ),
    body_taken("bytes for URLs", '{"someBytes":"-_8="}', some_bytes=b"\xfb\xff"),
    body_taken("bytes without padding", '{"someBytes":"aGk"}', some_bytes=b"hi"),
    *(body_refused(f"no time: {text!r}", json.dumps({"at": text})) for text in _NO_TIMES),
    *(body_refused(f"no duration: {text!r}", json.dumps({"span": text})) for text in _NO_DURATIONS),
    *(
        body_refused(f"no bytes: {text!r}", json.dumps({"someBytes": text}))
        for text in ["a", "!!!!", "aG!k", "aGk\n", "aG=k", "aGk===", " aGk", "é", 5, ["aGk"]]
    ),
    body_refused("no bytes in a list", '{"bytesList":["aGk","a!Gk"]}'),
    body_refused("no wrapped bytes", '{"wrappedBytes":"a!Gk"}'),
    body_refused("a time that is a number", '{"at":0}'),
    body_refused("a duration that is a number", '{"span":5}'),
    body_refused("a mask that is a list", '{"mask":["a"]}'),
    body_refused("an Any of no type", '{"any":{"legs":4}}'),
    body_refused("an Any of an unknown type", '{"any":{"@type":"type.googleapis.com/zoo.v1.Plant","legs":4}}'),
    body_refused("an Any whose type is no text", '{"any":{"@type":1}}'),
    body_refused("an unknown field in an Any", '{"any":{"@type":"type.googleapis.com/zoo.v1.Animal","plants":4}}'),
    body_refused(
        "a list for the message in an Any", '{"any":{"@type":"type.googleapis.com/zoo.v1.Animal","place":[]}}'
    ),
    body_refused(
        "a lax duration in an Any", '{"any":{"@type":"type.googleapis.com/google.protobuf.Duration","value":"5 s"}}'
    ),
    body_taken(
        "the short form of an enum in an Any",
        '{"any":{"@type":"type.googleapis.com/zoo.v1.Animal","mood":"calm"}}',
        any=_packed(zoo.Animal(mood=1)),
    ),
]


CASES: list[Case] = [*NUMBERS, *WELL_KNOWN]
