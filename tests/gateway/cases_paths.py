"""R01 to R04: which paths and methods lead where, and what of a path reaches the RPC."""

from typing import Any

from gateway import zoo
from gateway.cases import ABSENT, Case, asked, gets, refuses
from gateway.raw_http import Ask

ANIMAL = zoo.GetAnimalRequest


def _leads(rule: str, claim: str, path: str, rpc: str, **fields: Any) -> Case:
    return gets(rule, claim, f"GET {path}", zoo.PathRequest(**fields), rpc=rpc)


def _watches(claim: str, path: str, animal: str) -> Case:
    return gets("R03", claim, f"GET {path}", zoo.WatchRequest(animal=animal), rpc="Watch")


MATCHING = [
    gets("R01", "a star takes one segment", "GET /v1/animals/leo", ANIMAL(name="leo"), rpc="GetAnimal"),
    gets(
        "R01",
        "a variable of segments takes its literals, too",
        "GET /v1/houses/a/animals/b",
        ANIMAL(name="houses/a/animals/b"),
        rpc="GetAnimal",
    ),
    gets(
        "R01",
        "variables fill fields of fields, as their types have it",
        "GET /v1/rooms/north/rows/-7",
        ANIMAL(place=zoo.Place(house="north", row=-7)),
        rpc="GetAnimal",
    ),
    gets(
        "R01",
        "however deep",
        "GET /v1/deep/x",
        ANIMAL(place=zoo.Place(within=zoo.Place(within=zoo.Place(house="x")))),
        rpc="GetAnimal",
    ),
    gets(
        "R01",
        "variables are enums, numbers, words of truth and bytes",
        "GET /v1/moods/MOOD_CALM/sizes/18/bools/t/aGk",
        zoo.Everything(mood=1, a_uint64=18, a_bool=True, some_bytes=b"hi"),
        rpc="Look",
    ),
    _leads("R01", "two stars take many segments", "/v1/files/a/b/c", "GetFile", name="a/b/c"),
    _leads("R01", "two stars take one", "/v1/files/a", "GetFile", name="a"),
    _leads("R01", "two stars take none", "/v1/files", "GetFile"),
    _leads("R01", "two stars take empty ones as they are", "/v1/files/a//b/", "GetFile", name="a//b/"),
    _leads("R01", "two stars take dots as they are", "/v1/files/a/../b/.", "GetFile", name="a/../b/."),
    _leads("R01", "stars without a name fill nothing", "/v1/yards/x/gates/y/z", "Unnamed"),
    _leads("R01", "a variable may be of literals alone", "/v1/gates/keys/k", "Fixed", name="gates", note="keys/k"),
    gets("R01", "PUT", asked("PUT /v1/parts/p/text", "x"), zoo.PartsRequest(name="p", text="x"), rpc="PutParts"),
    gets("R01", "POST", asked("POST /v1/animals", {}), zoo.CreateAnimalRequest(animal={}), rpc="CreateAnimal"),
    gets("R01", "PATCH", asked("PATCH /v1/animals/leo", {}), zoo.CreateAnimalRequest(animal={"name": "leo"})),
    gets(
        "R01", "DELETE", "DELETE /v1/animals/leo", zoo.CreateAnimalRequest(animal={"name": "leo"}), rpc="DeleteAnimal"
    ),
    gets("R01", "a method of one's own", "REPORT /v1/animals", zoo.ListAnimalsRequest(), rpc="ListAnimals"),
    gets("R01", "an additional binding", "GET /v1/total", zoo.ListAnimalsRequest(), rpc="ListAnimals"),
    gets("R01", "a stream", "GET /v1/animals/leo:follow", zoo.WatchRequest(animal="leo"), rpc="Follow"),
    *(
        refuses("R01", claim, f"GET {path}", 404)
        for claim, path in {
            "a path that no template has": "/v1/plants",
            "the root": "/",
            "a star takes no empty segment": "/v1/animals/",
            "a star takes no two": "/v1/animals/leo/tail",
            "slashes are not merged at the front": "//v1/animals/leo",
            "slashes are not merged within": "/v1//animals/leo",
            "a slash at the end is not forgiven": "/v1/animals/leo/",
            "nor after literals": "/v1/total/",
            "dots are not resolved": "/v1/plants/../animals/leo",
            "nor a single one": "/v1/./animals/leo",
            "literals are told by case": "/V1/animals/leo",
            "a variable of segments needs all of them": "/v1/houses/a/animals",
            "its stars take no empty segment": "/v1/houses//animals/b",
            "a method that no binding has": "/zoo.v1.Zoo/Unmapped",
        }.items()
    ),
]

DECODING = [
    *(
        gets("R02", claim, f"GET /v1/animals/{sent}", ANIMAL(name=name), rpc="GetAnimal")
        for claim, sent, name in [
            ("one segment: %2F", "a%2Fb%2fc", "a/b/c"),
            ("one segment: a space", "a%20b", "a b"),
            ("one segment: UTF-8", "%C3%A9%F0%9F%A6%81", "é🦁"),
            ("decoded once and not twice", "a%252Fb%2541", "a%2Fb%41"),
            ("a plus is a plus", "a+b", "a+b"),
            ("marks that need no escape", "a.b~c_d-e!$&'()*,;=@", "a.b~c_d-e!$&'()*,;=@"),
            ("escaped marks of the query", "a%3Fb%23c", "a?b#c"),
            ("escaped dots", "%2E%2E", ".."),
            ("a zero byte", "a%00b", "a\0b"),
        ]
    ),
    _leads("R02", "several segments keep %2F", "/v1/files/a%2Fb/c%2fd", "GetFile", name="a%2Fb/c%2fd"),
    _leads("R02", "and decode all else", "/v1/files/a%20b/%C3%A9%25", "GetFile", name="a b/é%"),
    _leads("R02", "keep it even of one", "/v1/files/a%2Fb", "GetFile", name="a%2Fb"),
    _leads("R02", "decode once", "/v1/files/%252F", "GetFile", name="%2F"),
    gets(
        "R02",
        "so do variables of a fixed number",
        "GET /v1/houses/a%2Fb/animals/c%20d",
        ANIMAL(name="houses/a%2Fb/animals/c d"),
    ),
    *(
        refuses("R02", f"{claim}, in a path", f"GET {path}{sent}")
        for path in ["/v1/animals/", "/v1/files/x/"]
        for claim, sent in [
            (f"half an escape, under {path}", "a%2"),
            (f"no hexadecimal digits, under {path}", "%zz"),
            (f"a lone percent sign, under {path}", "a%"),
            (f"a byte that is no UTF-8, under {path}", "%FF"),
            (f"half a character, under {path}", "%C3"),
            (f"a surrogate, under {path}", "%ED%A0%80"),
            (f"an overlong slash, under {path}", "%C0%AF"),
        ]
    ),
    refuses("R02", "an escaped slash separates no segments", "GET /v1%2Fanimals%2Fleo", 404),
    refuses("R02", "an escaped literal is another", "GET /v1/%61nimals/leo", 404),
    refuses("R02", "what does not fit the field's type, a number", "GET /v1/rooms/north/rows/seven"),
    refuses("R02", "what does not fit the field's type, out of range", "GET /v1/rooms/n/rows/9223372036854775808"),
    refuses("R02", "what does not fit the field's type, an enum", "GET /v1/moods/odd/sizes/1/bools/t/aGk"),
    refuses("R02", "what does not fit the field's type, a truth", "GET /v1/moods/calm/sizes/1/bools/maybe/aGk"),
    refuses("R02", "what does not fit the field's type, bytes", "GET /v1/moods/calm/sizes/1/bools/t/!"),
    refuses("R02", "a number of digits elsewhere", "GET /v1/rooms/north/rows/%D9%A3"),
    gets("R02", "a plus in a query is a space", "GET /v1/everything?a_string=a+b", zoo.Everything(a_string="a b")),
    gets("R02", "an escaped one is a plus", "GET /v1/everything?a_string=a%2Bb", zoo.Everything(a_string="a+b")),
    gets("R02", "a query is UTF-8", "GET /v1/everything?a_string=%C3%A9", zoo.Everything(a_string="é")),
    gets("R02", "a query is decoded once", "GET /v1/everything?a_string=%2541", zoo.Everything(a_string="%41")),
    refuses("R02", "half an escape, in a query", "GET /v1/everything?a_string=%4"),
    refuses("R02", "no hexadecimal digits, in a query", "GET /v1/everything?a_string=%zz"),
    refuses("R02", "a byte that is no UTF-8, in a query", "GET /v1/everything?a_string=%FF"),
    refuses("R02", "a surrogate, in a query", "GET /v1/everything?a_string=%ED%A0%80"),
]

PRECEDENCE = [
    _watches("a verb beats a star without one", "/v1/animals/leo:watch", "leo"),
    _watches("only the last verb counts", "/v1/animals/a:b:watch", "a:b"),
    _watches("the last, though it stands twice", "/v1/animals/leo:watch:watch", "leo:watch"),
    gets("R03", "none but the last", "GET /v1/animals/leo:watch:x", ANIMAL(name="leo:watch:x"), rpc="GetAnimal"),
    gets("R03", "an unknown verb is part of the id", "GET /v1/animals/leo:dance", ANIMAL(name="leo:dance")),
    gets("R03", "%3A makes no verb", "GET /v1/animals/leo%3Awatch", ANIMAL(name="leo:watch"), rpc="GetAnimal"),
    gets("R03", "nor is an escaped verb one", "GET /v1/animals/leo:%77atch", ANIMAL(name="leo:watch"), rpc="GetAnimal"),
    gets("R03", "verbs are told by case", "GET /v1/animals/leo:WATCH", ANIMAL(name="leo:WATCH"), rpc="GetAnimal"),
    gets("R03", "a verb acts on something", "GET /v1/animals/:watch", ANIMAL(name=":watch"), rpc="GetAnimal"),
    _leads("R03", "a literal beats a star", "/v1/pens/new", "Literal"),
    _leads("R03", "a star beats two", "/v1/pens/old", "Star", name="old"),
    _leads("R03", "two stars where one cannot", "/v1/pens/old/back", "Rest", name="old/back"),
    _leads("R03", "two stars where nothing is", "/v1/pens", "Rest"),
    _leads("R03", "the left literal decides", "/v1/pens/new/open", "LiteralThenStar", name="open"),
    _leads("R03", "then the next", "/v1/pens/old/open", "StarThenLiteral", name="old"),
    _leads("R03", "a verb beats a literal", "/v1/pens/new:clean", "StarWithVerb", name="new"),
    _leads("R03", "even a verb after two stars", "/v1/pens/new:audit", "RestWithVerb", name="pens/new"),
    _leads("R03", "a verb after two stars of nothing", "/v1/pens:audit", "RestWithVerb", name="pens"),
    gets("R03", "another method's verb is none", "GET /v1/animals/leo:import", ANIMAL(name="leo:import")),
    refuses("R03", "nor does it lead anywhere", "GET /v1/animals:import", 405),
]


def _allows(claim: str, ask: Ask | str, *methods: str) -> Case:
    ask = ask if isinstance(ask, Ask) else asked(ask)
    return Case("R04", claim, ask, 405, called=[], holds={"code": 12}, allows=set(methods))


METHODS = [
    _allows(
        "a method that the path has not", "POST /v1/animals/leo", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"
    ),
    _allows("another", "PUT /v1/animals", "GET", "HEAD", "POST", "REPORT", "OPTIONS"),
    _allows("of a path with a verb all that its id has", "PUT /v1/pens/x:clean", "GET", "HEAD", "OPTIONS"),
    _allows("a method of one's own", "REPORT /v1/animals/leo", "GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"),
    Case("R04", "no HEAD of a stream", asked("HEAD /v1/notes"), 405, called=[], allows={"GET", "OPTIONS"}),
    _allows(
        "an override is not obeyed",
        asked("POST /v1/animals/leo", b"", ("X-HTTP-Method-Override", "DELETE")),
        "GET",
        "HEAD",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
    ),
    _allows(
        "a form that is posted is no GET",
        asked("POST /v1/total", b"page_token=x", ("Content-Type", "application/x-www-form-urlencoded")),
        "GET",
        "HEAD",
        "OPTIONS",
    ),
    Case(
        "R04",
        "an override is ignored where the method is right",
        asked("POST /v1/animals", {}, ("X-HTTP-Method-Override", "REPORT")),
        called=["CreateAnimal"],
    ),
    Case("R04", "HEAD of a unary GET is that GET", asked("HEAD /v1/animals/leo"), got=ANIMAL(name="leo"), body=b""),
    Case(
        "R04",
        "HEAD has the headers of the GET",
        asked("HEAD /v1/animals/leo"),
        headers={"Content-Type": "application/json"},
    ),
    Case("R04", "HEAD of an unknown path", asked("HEAD /v1/plants"), 404, called=[], body=b""),
    Case("R04", "HEAD with a bad query", asked("HEAD /v1/animals/leo?mood=odd"), 400, called=[], body=b""),
    Case(
        "R04",
        "OPTIONS tells the methods",
        asked("OPTIONS /v1/animals"),
        204,
        called=[],
        body=b"",
        allows={"GET", "HEAD", "POST", "REPORT", "OPTIONS"},
    ),
    Case("R04", "OPTIONS of a stream", asked("OPTIONS /v1/animals/leo:follow"), 204, called=[], body=b""),
    refuses("R04", "OPTIONS of an unknown path", "OPTIONS /v1/plants", 404),
    Case("R04", "no Allow where the path is unknown", asked("POST /v1/plants"), 404, headers={"Allow": ABSENT}),
]

CASES = [*MATCHING, *DECODING, *PRECEDENCE, *METHODS]
