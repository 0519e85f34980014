"""Which route a path takes and what it binds. Each case begins with what it holds the matching to."""

import pytest

from jobcontrol_server.gateway.matching import PathMalformed, Route, Routes, RoutesAmbiguous
from jobcontrol_server.gateway.templates import parse_template

TEMPLATES = [
    # The least particular stand first: the order in which they are given must not matter.
    "/v1/{resource=**}",
    "/v1/{resource=**}:audit",
    "/v1/jobs/{job_id}",
    "/v1/jobs/{job_id}:cancel",
    "/v1/jobs/build:cancel",
    "/v1/jobs/{job_id}/{part}",
    "/v1/{name=shelves/*}/notes",
    "/jobs/{job_id}/cancel",
    "/jobs/build/{path}",
    "/jobs/build/fixed",
    "/tree/**",
    "/tree/*",
    "/tree",
]


def routes_of(*templates: str, method: str = "GET") -> Routes[str]:
    return Routes(Route(method, parse_template(text), text) for text in templates)


@pytest.mark.parametrize(
    ("rule", "path", "target", "values"),
    [
        ("a star takes one segment", "/v1/jobs/a", "/v1/jobs/{job_id}", {"job_id": "a"}),
        ("a star takes no empty one", "/v1/jobs/", "/v1/{resource=**}", {"resource": "jobs/"}),
        ("two stars take several", "/v1/a/b/c", "/v1/{resource=**}", {"resource": "a/b/c"}),
        ("two stars take none", "/v1", "/v1/{resource=**}", {"resource": ""}),
        ("two stars keep what was sent", "/v1/a//../c", "/v1/{resource=**}", {"resource": "a//../c"}),
        ("a variable of segments", "/v1/shelves/x/notes", "/v1/{name=shelves/*}/notes", {"name": "shelves/x"}),
        ("slashes are not merged", "/jobs//cancel", None, None),
        ("dots are not resolved", "/v1/../jobs/build/fixed", "/v1/{resource=**}", {"resource": "../jobs/build/fixed"}),
        ("no slash at the end is forgiven", "/jobs/build/fixed/", None, None),
        ("literals are told by case", "/Jobs/build/fixed", None, None),
        ("a path begins with a slash", "jobs/build/fixed", None, None),
        ("an empty path", "", None, None),
        ("one segment is decoded whole", "/v1/jobs/a%2Fb%3Ac%C3%A9", "/v1/jobs/{job_id}", {"job_id": "a/b:cé"}),
        ("decoded once", "/v1/jobs/a%252F", "/v1/jobs/{job_id}", {"job_id": "a%2F"}),
        ("a plus is a plus", "/v1/jobs/a+b", "/v1/jobs/{job_id}", {"job_id": "a+b"}),
        ("several keep %2F", "/v1/a%2fb/c%2Fd%20e", "/v1/{resource=**}", {"resource": "a%2fb/c%2Fd e"}),
        ("several keep it of one", "/v1/a%2Fb", "/v1/{resource=**}", {"resource": "a%2Fb"}),
        ("an escaped slash separates nothing", "/jobs%2Fbuild/fixed", None, None),
        ("bytes sent bare are UTF-8 too", "/v1/jobs/é", "/v1/jobs/{job_id}", {"job_id": "é"}),
        ("a verb beats none", "/v1/jobs/a:cancel", "/v1/jobs/{job_id}:cancel", {"job_id": "a"}),
        ("a verb beats a literal", "/v1/x:audit", "/v1/{resource=**}:audit", {"resource": "x"}),
        ("among verbs a literal beats a star", "/v1/jobs/build:cancel", "/v1/jobs/build:cancel", {}),
        ("only the last is a verb", "/v1/jobs/a:b:cancel", "/v1/jobs/{job_id}:cancel", {"job_id": "a:b"}),
        ("no other than the last", "/v1/jobs/a:cancel:b", "/v1/jobs/{job_id}", {"job_id": "a:cancel:b"}),
        ("an unknown verb is text", "/v1/jobs/a:dance", "/v1/jobs/{job_id}", {"job_id": "a:dance"}),
        ("an escaped colon is no verb", "/v1/jobs/a%3Acancel", "/v1/jobs/{job_id}", {"job_id": "a:cancel"}),
        ("a verb needs what it acts on", "/v1/jobs/:cancel", "/v1/jobs/{job_id}", {"job_id": ":cancel"}),
        ("the left literal decides", "/jobs/build/cancel", "/jobs/build/{path}", {"path": "cancel"}),
        ("then the next literal", "/jobs/build/fixed", "/jobs/build/fixed", {}),
        ("a star beats two", "/tree/a", "/tree/*", {}),
        ("two stars where one cannot", "/tree/a/b", "/tree/**", {}),
        ("the end beats two stars of nothing", "/tree", "/tree", {}),
    ],
)
def test_a_path_takes_the_most_particular_route_and_binds_its_variables(
    rule: str, path: str, target: str | None, values: dict[str, str] | None
) -> None:
    for given in (TEMPLATES, TEMPLATES[::-1]):
        match = routes_of(*given).find("GET", path.encode())

        assert (match and match.route.target, match and match.values) == (target, values), rule


@pytest.mark.parametrize("sent", [b"%", b"a%2", b"%zz", b"%u0041", b"%FF", b"%C3", b"%ED%A0%80", b"\xff"])
@pytest.mark.parametrize("under", [b"/v1/jobs/", b"/v1/other/", b"/tree/"])
def test_a_broken_escape_or_what_is_no_utf8_is_an_error_and_not_another_path(under: bytes, sent: bytes) -> None:
    with pytest.raises(PathMalformed):
        routes_of(*TEMPLATES).find("GET", under + sent)


def test_a_path_belongs_to_the_methods_under_which_a_route_takes_it() -> None:
    routes = Routes(
        [
            Route("GET", parse_template("/jobs/{job_id}"), "get"),
            Route("DELETE", parse_template("/jobs/{id}"), "delete"),
            Route("POST", parse_template("/jobs/{job_id}:cancel"), "cancel"),
        ]
    )

    assert routes.methods_of(b"/jobs/a") == {"GET", "DELETE"}
    assert routes.methods_of(b"/jobs") == frozenset()
    assert routes.find("PATCH", b"/jobs/a") is None
    assert routes.find("get", b"/jobs/a") is None


def test_a_verb_of_one_method_is_no_part_of_a_name_under_another() -> None:
    delete = Route("DELETE", parse_template("/jobs/{id}"), "delete")
    routes = Routes([delete, Route("POST", parse_template("/jobs/{job_id}:cancel"), "cancel")])

    assert routes.methods_of(b"/jobs/a:cancel") == {"POST"}
    assert routes.find("DELETE", b"/jobs/a:cancel") is None
    for name in (b"a:dance", b"a%3Acancel", b":cancel"):
        match = routes.find("DELETE", b"/jobs/" + name)
        assert match is not None
        assert match.route is delete


@pytest.mark.parametrize(
    ("first", "second"),
    [("/jobs/{job_id}", "/jobs/{id=*}"), ("/a/{x=b/*}", "/a/b/{y}"), ("/{a=**}:go", "/**:go"), ("/jobs", "/jobs")],
)
def test_two_routes_that_match_the_same_paths_are_refused_when_they_are_read(first: str, second: str) -> None:
    with pytest.raises(RoutesAmbiguous) as refused:
        routes_of(first, second)

    assert first in str(refused.value)
    assert second in str(refused.value)


@pytest.mark.parametrize(
    ("first", "second"), [("/jobs/{id}", "/jobs/{id}:go"), ("/jobs/{id}", "/jobs/{id=**}"), ("/a/{x}", "/b/{x}")]
)
def test_routes_that_precedence_tells_apart_stand_side_by_side(first: str, second: str) -> None:
    routes_of(first, second)
