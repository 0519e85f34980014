"""Requests that are meant to cost much, to pass for something else, or to say one thing twice."""

from gateway.cases import Case, asked, gets, refuses

LOOK = "POST /v1/everything"
CREATE = "POST /v1/animals"
ORIGIN = "https://evil.example"
MANY = 50_000
UTF_16 = ("Content-Type", "application/json; charset=utf-16")

COSTLY = [
    refuses(
        "R08",
        "a name that stands twice behind 40,000 others",
        asked(LOOK, _names := b"{%s}" % b",".join([*(b'"x%d":0' % number for number in range(40_000)), b'"x1":0'])),
    ),
    refuses("R13", "more values than it is worth to read", asked(LOOK, {"int32s": [0] * (MANY + 1)}), 413),
    gets("R13", "a text with as many commas is one value", asked(LOOK, {"aString": "," * (MANY + 1)}), None),
    refuses("R05", "a path of fields without end", f"GET /v1/everything?{'inner.' * 5_000}aString=x"),
]

FOREIGN = [
    Case(
        "R17",
        f"a page of {origin} changes nothing: {method}",
        asked(f"{method} {path}", b"", ("Origin", origin), ("Sec-Fetch-Site", "cross-site")),
        403,
        called=[],
        holds={"code": 7},
    )
    for method, path, origin in [
        ("POST", "/v1/animals", ORIGIN),
        ("POST", "/v1/animals", "null"),
        ("PUT", "/v1/animals/leo", ORIGIN),
        ("DELETE", "/v1/animals/leo", ORIGIN),
    ]
]

SAME_SITE = [
    Case("R17", "a page of the gateway's own site may", asked(CREATE, b"", ("Origin", "http://zoo.test"))),
    Case(
        "R17",
        "so may one of the site that a proxy stands for",
        asked(CREATE, b"", ("Origin", "https://zoo.example"), ("X-Forwarded-Host", "zoo.example")),
    ),
    Case("R17", "reading is not changing", asked("GET /v1/animals/leo", b"", ("Origin", ORIGIN))),
]

ENCODED = [
    refuses("R09", "a body that is compressed", asked(CREATE, b"{}", ("Content-Encoding", "gzip")), 415),
    refuses(
        "R09",
        "JSON in another character set",
        asked(CREATE, b"{}", ("Content-Type", "application/json; charset=utf-16")),
        415,
    ),
    gets("R09", "UTF-8 by name", asked(CREATE, b"{}", ("Content-Type", 'application/json; charset="UTF-8"')), None),
    gets("R09", "a body that is encoded as it is", asked(CREATE, b"{}", ("Content-Encoding", "identity")), None),
]

TWICE = [
    refuses("R05", "a key of a map in two spellings", "GET /v1/everything?by_flag[1]=a&by_flag[true]=b"),
    refuses("R05", "a key of a map with a zero before it", "GET /v1/everything?by_number[1]=a&by_number[01]=b"),
    refuses(
        "R08",
        "fields beside the value of a packed Duration",
        asked(LOOK, {"packed": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s", "typo": 1}}),
    ),
    refuses("R08", "a list for a number", asked(LOOK, {"aDouble": []})),
    refuses("R05", "an offset that no clock has", "GET /v1/everything?at=2030-01-31T23:59:59%2B24:00"),
]

OWN = [
    Case(
        "R12",
        f"nobody says {key} in its stead",
        asked("GET /v1/animals/leo", b"", (f"Grpc-Metadata-{key}", "me")),
        metadata={key.lower(): []},
    )
    for key in ["Connection", "Transfer-Encoding", "Upgrade", "X-Real-Ip", "Forwarded"]
]

CASES = [*COSTLY, *FOREIGN, *SAME_SITE, *ENCODED, *TWICE, *OWN]
