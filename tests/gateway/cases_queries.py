"""R05 to R07: what a query may say, the forms of an enum, and what is refused because it would bind to nothing."""

from typing import Any
from urllib.parse import quote

from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from gateway import zoo
from gateway.cases import Case, asked, gets, refuses

LOOK = "GET /v1/everything?"
BIG = 1 << 63


def _takes(claim: str, query: str, /, rule: str = "R05", **fields: Any) -> Case:
    return gets(rule, claim, LOOK + query, zoo.Everything(**fields), rpc="Look")


def _refuses(claim: str, query: str, rule: str = "R05") -> Case:
    return refuses(rule, claim, LOOK + query)


NAMES = [
    _takes("a proto name", "an_int32=5", an_int32=5),
    _takes("a JSON name", "anInt32=5", an_int32=5),
    _takes("a JSON name of its own", "strange-name=x", odd="x"),
    _takes("the proto name of that field", "odd=x", odd="x"),
    _takes("a dotted path", "inner.a_string=x", inner={"a_string": "x"}),
    _takes("a dotted path of JSON names", "inner.aString=x", inner={"a_string": "x"}),
    _takes("of both", "inner.inner.aString=x&inner.an_int32=1", inner={"inner": {"a_string": "x"}, "an_int32": 1}),
    _takes("an escaped name", "%61_string=x&inner%2Ea_string=y", a_string="x", inner={"a_string": "y"}),
    _takes("through a oneof", "animal.place.row=3", animal={"place": {"row": 3}}),
    _takes("members of a oneof, one at a time", "number=0", number=0),
    _takes("empty pieces are nothing", "&an_int32=5&&", an_int32=5),
    _takes("a value with an equals sign", "a_string=a=b", a_string="a=b"),
    _takes("a semicolon separates nothing", "a_string=a;an_int32=5", a_string="a;an_int32=5"),
    _takes("a query of nothing", ""),
]

LISTS = [
    _takes("repetition makes a list", "string_list=a&string_list=b&string_list=a", string_list=["a", "b", "a"]),
    _takes("under either name", "string_list=a&stringList=b", string_list=["a", "b"]),
    _takes("a list of one", "int32s=7", int32s=[7]),
    _takes("commas make no list", "string_list=a,b", string_list=["a,b"]),
    _takes("lists of numbers", "int64s=-1&int64s=9223372036854775807", int64s=[-1, BIG - 1]),
    _takes("lists of truths", "bools=T&bools=false", bools=[True, False]),
    _takes("lists of enums", "moods=calm&moods=2", moods=[1, 2]),
    _takes(
        "lists of times",
        "times=1970-01-01T00:00:01Z&times=1970-01-01T00:00:02Z",
        times=[Timestamp(seconds=1), Timestamp(seconds=2)],
    ),
    _takes("lists within messages", "inner.stringList=a&inner.stringList=b", inner={"string_list": ["a", "b"]}),
    _refuses("one bad value of a list", "int32s=1&int32s=x"),
    _takes("maps by brackets", "labels[a]=1&labels[b.c]=2", labels={"a": "1", "b.c": "2"}),
    _takes("escaped brackets", "labels%5Ba%5D=1", labels={"a": "1"}),
    _takes("a map within a message", "inner.labels[a]=1", inner={"labels": {"a": "1"}}),
    _takes("keys that are numbers", "byNumber[-5]=x", by_number={-5: "x"}),
    _takes("keys that are truths", "by_flag[true]=x", by_flag={True: "x"}),
    _takes("values that are numbers", "amounts[a]=7", amounts={"a": 7}),
    _takes("values that are enums", "moods_by_name[a]=very-angry", moods_by_name={"a": 2}),
    _takes("the empty key", "labels[]=x", labels={"": "x"}),
    _refuses("a key that is no number", "by_number[x]=1"),
    _refuses("a key out of range", "by_number[2147483648]=1"),
    _refuses("a value that is no number", "amounts[a]=x"),
]

# By field: what it takes, and what it does not.
RANGES: dict[str, Any] = {
    **dict.fromkeys(["an_int32", "a_sint32", "a_sfixed32", "maybe_int32"], (-(1 << 31), (1 << 31) - 1)),
    **dict.fromkeys(["an_int64", "a_sint64", "a_sfixed64", "number"], (-BIG, BIG - 1)),
    **dict.fromkeys(["a_uint32", "a_fixed32"], (0, (1 << 32) - 1)),
    **dict.fromkeys(["a_uint64", "a_fixed64"], (0, (1 << 64) - 1)),
}
NUMBERS = [
    *(_takes(f"{name} takes {edge}", f"{name}={edge}", **{name: edge}) for name, r in RANGES.items() for edge in r),
    *(_refuses(f"{name} takes no {low - 1}", f"{name}={low - 1}") for name, (low, _) in RANGES.items()),
    *(_refuses(f"{name} takes no {high + 1}", f"{name}={high + 1}") for name, (_, high) in RANGES.items()),
    *(
        _refuses(f"no number: {sent[:20]!r} for {name}", f"{name}={quote(sent)}")
        for name in ["an_int32", "a_uint64", "wrapped_int64", "a_double", "a_float"]
        for sent in [
            "",
            " ",
            "1_0",
            " 5",
            "5 ",
            "٣",
            "５",
            "0x10",
            "1,000",
            "five",
            "true",
            "--1",
            "1\n",
            "1e",
            "9" * 5000,
        ]
    ),
    _refuses("no whole number", "an_int32=1.5"),
    *(
        _takes(f"a_double takes {sent}", f"a_double={quote(sent)}", a_double=number)
        for sent, number in {"1.5": 1.5, "-0.25": -0.25, "1e3": 1000.0, "-1E-2": -0.01, "7": 7.0}.items()
    ),
    _takes("a_double takes Infinity", "a_double=Infinity", a_double=float("inf")),
    _takes("a_double takes -Infinity", "a_double=-Infinity", a_double=float("-inf")),
    _takes("a_float takes its largest", "a_float=3.4028234e38", a_float=3.4028234e38),
    *(
        _refuses(f"a_double takes no {sent}", f"a_double={quote(sent)}")
        for sent in ["inf", "infinity", "nan", "1e999", "1_0.5", "0x1p3"]
    ),
    _refuses("a_float takes nothing beyond its largest", "a_float=1e39"),
    *(_takes(f"true is {word}", f"a_bool={word}", a_bool=True) for word in ["1", "t", "T", "TRUE", "true", "True"]),
    *(
        _takes(f"false is {word}", f"maybe_bool={word}", maybe_bool=False)
        for word in ["0", "f", "F", "FALSE", "false", "False"]
    ),
    *(
        _refuses(f"no truth: {word!r}", f"a_bool={quote(word)}")
        for word in ["", "yes", "no", "on", "2", "-1", "tRUE", "truE", "fALSE", " true", "true ", "01", "y", "１"]
    ),
    _refuses("a name without a value is an empty one", "a_bool"),
]

VALUES = [
    _takes("a string may be empty", "a_string=", a_string=""),
    _takes("a string is taken as it is", "a_string=%20%09null", a_string=" \tnull"),
    _takes("bytes are base64", "some_bytes=aGk%3D", some_bytes=b"hi"),
    _takes("or base64 for URLs", "some_bytes=-_8", some_bytes=b"\xfb\xff"),
    _takes("padded or not", "some_bytes=aGk", some_bytes=b"hi"),
    *(
        _refuses(f"no bytes: {sent!r}", f"some_bytes={quote(sent)}")
        for sent in ["a", "!!!!", "aG!k", "aG=k", "aGk===", "aGk ", "aGk\n", "é"]
    ),
    _takes("a time", "at=2024-02-29T12:00:00.5Z", at=Timestamp(seconds=1709208000, nanos=500000000)),
    _takes("a time elsewhere", "at=1970-01-01T02:00:00%2B02:00", at=Timestamp()),
    *(
        _refuses(f"no time: {sent!r}", f"at={quote(sent)}")
        for sent in [
            "",
            "0",
            "1709208000",
            "2024-02-29",
            "2023-02-29T12:00:00Z",
            "2024-02-29T12:00:00",
            "2024-02-29 12:00:00Z",
            "2024-2-9T1:2:3Z",
            "2024-02-29T12:00:00z",
            "2024-02-29T12:00:00.1_0Z",
            "now",
            "0000-01-01T00:00:00Z",
            "2024-02-29T12:00:00+0200",
            '"2024-02-29T12:00:00Z"',
            " 2024-02-29T12:00:00Z",
        ]
    ),
    _takes("a duration", "span=3.5s", span=Duration(seconds=3, nanos=500000000)),
    _takes("a duration backwards", "span=-0.5s", span=Duration(nanos=-500000000)),
    *(
        _refuses(f"no duration: {sent!r}", f"span={quote(sent)}")
        for sent in [
            "",
            "1h",
            "1m30s",
            "5",
            "5 s",
            "1_0s",
            "s",
            "+5s",
            "5S",
            "500ms",
            "٣s",
            "1.s",
            "1e3s",
            "315576000001s",
        ]
    ),
    _takes("a mask is split on commas", "mask=labels,inner.mood", mask=FieldMask(paths=["labels", "inner.mood"])),
    _takes(
        "its JSON names become proto names",
        "mask=aString,inner.stringList",
        mask=FieldMask(paths=["a_string", "inner.string_list"]),
    ),
    _takes("its proto names stay", "mask=a_string", mask=FieldMask(paths=["a_string"])),
    _takes("optional keeps presence: a number", "maybe_int32=0", maybe_int32=0),
    _takes("optional keeps presence: a string", "maybe_string=", maybe_string=""),
    _takes("optional keeps presence: an enum", "maybe_mood=0", maybe_mood=0),
    _takes("optional keeps presence: bytes", "maybe_bytes=", maybe_bytes=b""),
    _takes("wrappers keep presence: a number", "wrapped_int64=0", wrapped_int64={"value": 0}),
    _takes("wrappers keep presence: a truth", "wrappedBool=false", wrapped_bool={"value": False}),
    _takes("wrappers keep presence: a string", "wrapped_string=", wrapped_string={"value": ""}),
    _takes(
        "wrappers of all kinds",
        "wrapped_double=1.5&wrapped_float=-2&wrapped_int32=3&wrapped_uint32=4&wrapped_uint64=5&wrapped_bytes=aGk",
        wrapped_double={"value": 1.5},
        wrapped_float={"value": -2},
        wrapped_int32={"value": 3},
        wrapped_uint32={"value": 4},
        wrapped_uint64={"value": 5},
        wrapped_bytes={"value": b"hi"},
    ),
    _refuses("wrappers are as strict: a number", "wrapped_uint32=-1"),
    _refuses("wrappers are as strict: a truth", "wrapped_bool=yes"),
]

TWICE = [
    *(
        _refuses(f"given twice: {claim}", query)
        for claim, query in {
            "a number": "an_int32=1&an_int32=2",
            "though it is the same": "an_int32=1&an_int32=1",
            "under its two names": "an_int32=1&anInt32=1",
            "optional": "maybe_string=a&maybe_string=",
            "a wrapper": "wrapped_bool=1&wrapped_bool=1",
            "a time": "at=1970-01-01T00:00:01Z&at=1970-01-01T00:00:01Z",
            "a mask": "mask=labels&mask=mood",
            "within a message": "inner.an_int32=1&inner.anInt32=2",
            "two of a oneof": "word=a&number=1",
        }.items()
    ),
]

IGNORED = [
    _takes("on GET an unknown parameter is ignored", "plants=5&an_int32=1", an_int32=1),
    _takes("an unknown one within a message", "inner.plants=5&an_int32=1", an_int32=1),
    _takes("an unknown one given twice", "plants=5&plants=6"),
    gets(
        "R05",
        "on GET what the path has bound is ignored",
        "GET /v1/animals/leo?name=tom&with_tags=1",
        zoo.GetAnimalRequest(name="leo", with_tags=True),
    ),
    gets(
        "R05",
        "even if it is no value of the field",
        "GET /v1/rooms/a/rows/1?place.row=x&place.house=b",
        zoo.GetAnimalRequest(place=zoo.Place(house="a", row=1)),
    ),
    gets(
        "R05",
        "its siblings are not",
        "GET /v1/rooms/a/rows/1?place.within.row=2",
        zoo.GetAnimalRequest(place=zoo.Place(house="a", row=1, within=zoo.Place(row=2))),
    ),
]

_ENUM_BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("its name", {"mood": "MOOD_CALM"}, {"mood": 1}),
    ("its number", {"mood": 2}, {"mood": 2}),
    ("the short form", {"mood": "very-angry"}, {"mood": 2}),
    ("a list", {"moods": ["calm", "MOOD_VERY_ANGRY", 0]}, {"moods": [1, 2, 0]}),
    ("a map", {"moodsByName": {"a": "Calm"}}, {"moods_by_name": {"a": 1}}),
    ("a message in it", {"inner": {"diet": "meat"}}, {"inner": {"diet": 1}}),
    ("a message in a list", {"children": [{"mood": "calm"}]}, {"children": [{"mood": 1}]}),
    ("a message in a map", {"parts": {"a": {"mood": "calm"}}}, {"parts": {"a": {"mood": 1}}}),
    ("optional", {"maybeMood": "unspecified"}, {"maybe_mood": 0}),
    ("an unknown number is kept", {"mood": 77}, {"mood": 77}),
    (
        "in a body: a text elsewhere stays",
        {"aString": "calm", "labels": {"mood": "calm"}},
        {"a_string": "calm", "labels": {"mood": "calm"}},
    ),
]
ENUMS = [
    *(
        _takes(f"an enum is {sent}", f"mood={sent}", "R06", mood=number)
        for sent, number in {
            "MOOD_CALM": 1,
            "1": 1,
            "0": 0,
            "calm": 1,
            "CALM": 1,
            "Calm": 1,
            "very_angry": 2,
            "very-angry": 2,
            "VERY-ANGRY": 2,
            "unspecified": 0,
            "MOOD_VERY_ANGRY": 2,
        }.items()
    ),
    *(
        _refuses(f"no enum: {sent!r}", f"mood={quote(sent)}", "R06")
        for sent in [
            "",
            "odd",
            "3",
            "-1",
            "MOOD_",
            "unspecıfied",
            "MOOD",
            "1.0",
            "01x",
            " calm",
            "very angry",
            "DIET_MEAT",
            "meat",
            "1_0",
        ]
    ),
    _takes("a nested enum has its own prefix", "diet=meat", "R06", diet=1),
    _takes("an enum without a prefix", "size=large", "R06", size=1),
    _takes("an optional one", "maybe_mood=calm", "R06", maybe_mood=1),
    gets(
        "R06",
        "in a path",
        "GET /v1/moods/very-angry/sizes/1/bools/1/aGk",
        zoo.Everything(mood=2, a_uint64=1, a_bool=True, some_bytes=b"hi"),
    ),
    *(
        gets("R06", f"in a body: {claim}", asked("POST /v1/everything", body), zoo.Everything(**fields))
        for claim, body, fields in _ENUM_BODIES
    ),
    gets(
        "R06", "in the body that is an enum", asked("PUT /v1/parts/p/mood", "calm"), zoo.PartsRequest(name="p", mood=1)
    ),
]

_TYPOS: dict[str, tuple[str, Any]] = {
    "an unknown parameter": ("DELETE /v1/animals/leo?validate_onyl=true", b""),
    "an unknown parameter on PUT": ("PUT /v1/animals/leo?validate_onyl=true", {}),
    "an unknown parameter on POST": ("POST /v1/animals?validate_onyl=true", {}),
    "an unknown parameter without a body": ("POST /v1/animals/leo/look?with_tag=1", b""),
    "an unknown parameter on a method of one's own": ("REPORT /v1/animals?page_tokn=x", b""),
    "an unknown parameter within a message": ("POST /v1/animals/leo/look?place.rows=1", b""),
    "a name told by case": ("POST /v1/animals?Validate_Only=true", {}),
    "an unknown parameter without a value": ("DELETE /v1/animals/leo?force", b""),
    "a parameter that the path owns": ("DELETE /v1/animals/leo?animal.name=leo", b""),
    "a parameter that the path owns, another name": ("POST /v1/animals/leo/look?name=tom", b""),
    "a parameter that the body owns": ("POST /v1/animals?animal.legs=4", {}),
    "a parameter that is the body": ("PUT /v1/parts/p/text?text=x", "y"),
    "a query beside a body of everything": ("POST /v1/everything?a_string=x", {}),
    "a query beside an empty body of everything": ("POST /v1/everything?a_string=x", b""),
    "an unknown query beside a body of everything": ("PATCH /v1/animals/leo?x=y", {}),
    "an unknown field of the body": ("POST /v1/everything", {"a_strin": "x"}),
    "an unknown field of the body that is null": ("POST /v1/everything", {"plants": None}),
    "an unknown field within": ("POST /v1/everything", {"inner": {"plants": 1}}),
    "an unknown field in a list": ("POST /v1/everything", {"children": [{}, {"plants": 1}]}),
    "an unknown field in a map": ("POST /v1/everything", {"parts": {"a": {"plants": 1}}}),
    "an unknown field of a body field": ("POST /v1/animals", {"leggs": 4}),
    "a field beside the body field": ("POST /v1/animals", {"validateOnly": True}),
    "an extension": ("POST /v1/everything", {"[zoo.v1.ext]": 1}),
    "a body where none is bound": ("DELETE /v1/animals/leo", {"validate_only": True}),
    "a body where none is bound, on POST": ("POST /v1/animals/leo/look", {"withTags": True}),
    "a value twice": ("DELETE /v1/animals/leo?validate_only=true&validate_only=false", b""),
    "a bad value": ("DELETE /v1/animals/leo?validate_only=yes", b""),
}
LEO_GONE = zoo.CreateAnimalRequest(animal={"name": "leo"})
STRICT = [
    *(refuses("R07", claim, asked(line, body)) for claim, (line, body) in _TYPOS.items()),
    gets("R07", "a blank body where none is bound", asked("DELETE /v1/animals/leo", b"\r\n "), LEO_GONE),
    gets(
        "R07",
        "what binds is taken, of a query beside a body field",
        asked("POST /v1/animals?validateOnly=1", {"legs": 4}),
        zoo.CreateAnimalRequest(animal={"legs": 4}, validate_only=True),
    ),
    gets(
        "R07",
        "of DELETE",
        "DELETE /v1/animals/leo?validate_only=t&mask=legs&animal.legs=4",
        zoo.CreateAnimalRequest(animal={"name": "leo", "legs": 4}, validate_only=True, mask={"paths": ["legs"]}),
    ),
    gets(
        "R07",
        "of POST without a body",
        "POST /v1/animals/leo/look?tags=a&tags=b&labels[x]=y",
        zoo.GetAnimalRequest(name="leo", tags=["a", "b"], labels={"x": "y"}),
    ),
    gets(
        "R07",
        "an empty query beside a body of everything",
        asked("POST /v1/everything?", {"aString": "x"}),
        zoo.Everything(a_string="x"),
    ),
    gets("R07", "GET is not so strict", "GET /v1/animals?page_tokn=x", zoo.ListAnimalsRequest()),
]

CASES = [*NAMES, *LISTS, *NUMBERS, *VALUES, *TWICE, *IGNORED, *ENUMS, *STRICT]
