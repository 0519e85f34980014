"""The reference over HTTP: the document and the page, which needs nothing but its own origin, under any prefix."""

import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from jobcontrol_server.rest.document import rest_document
from jobcontrol_server.rest.reference import Reference

PAGE = Path(str(files("jobcontrol_server.rest").joinpath("page")))
SOURCES = sorted(PAGE.iterdir())
#: What a source refers to: attributes of HTML, imports of modules, what a script fetches, what a style sheet loads.
REFERENCES = re.compile(r'(?:href|src)="([^"]*)"|from "([^"]*)"|fetch\("([^"]*)"\)|url\(([^)]*)\)')


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


Get = Callable[..., Awaitable[Answer]]


@pytest.fixture(scope="module")
def reference() -> Reference:
    return Reference(needs_token=False)


@pytest.fixture
def get(reference: Reference) -> Get:
    """Asks for a path; the prefix stands before it, as a proxy that keeps it tells by root_path."""

    async def get(path: str, *, method: str = "GET", prefix: str = "", **headers: str) -> Answer:
        sent: list[dict[str, Any]] = []
        pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        whole = prefix + path
        scope = {"type": "http", "method": method, "path": whole, "raw_path": whole.encode(), "headers": pairs}

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:
            sent.append(dict(message))

        await reference({**scope, "root_path": prefix, "query_string": b""}, receive, send)
        start, *bodies = sent
        told = {name.decode(): value.decode() for name, value in start["headers"]}
        return Answer(start["status"], told, b"".join(part["body"] for part in bodies))

    return get


async def test_the_document_is_served_as_json(get: Get) -> None:
    answer = await get("/openapi.json")
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert json.loads(answer.body) == rest_document(needs_token=False)


@pytest.mark.parametrize("prefix", ["", "/tools/jobs"])
async def test_everything_that_the_page_refers_to_is_there_under_any_prefix(get: Get, prefix: str) -> None:
    page = (await get("/docs", prefix=prefix)).body.decode()
    named = re.findall(r'(?:href|src)="([^"#]+)"', page)
    assert named
    for path in named:
        # Beside /docs, as a browser resolves it.
        assert (await get(f"/{path}", prefix=prefix)).status == 200, path


async def test_what_the_page_loads_has_a_type_that_browsers_take(get: Get) -> None:
    loaded = [source.name for source in SOURCES if source.suffix != ".html"]
    types = {name: (await get(f"/docs/{name}")).headers["content-type"] for name in loaded}
    assert {name for name, kind in types.items() if kind.startswith("text/javascript")} == {
        source.name for source in SOURCES if source.suffix == ".js"
    }
    assert types["page.css"].startswith("text/css")


@pytest.mark.parametrize("path", ["/docs", "/docs/page.js", "/openapi.json"])
async def test_nothing_may_be_loaded_from_elsewhere_and_nobody_may_frame_it(get: Get, path: str) -> None:
    headers = (await get(path)).headers
    assert headers["content-security-policy"].startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.name))
def test_no_file_of_the_page_refers_to_the_outside(source: Path) -> None:
    named = [next(filter(None, found.groups()), "") for found in REFERENCES.finditer(source.read_text())]
    assert [reference for reference in named if re.match(r"[a-z]+:|/", reference)] == []


@pytest.mark.parametrize("source", SOURCES, ids=lambda source: str(source.name))
def test_no_text_becomes_markup_and_nothing_stands_inline_that_the_policy_forbids(source: Path) -> None:
    text = source.read_text()
    assert re.findall(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function", text) == []
    assert re.findall(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son[a-z]+=\"", text) == []


def test_the_whole_page_weighs_at_most_30_kib() -> None:
    assert sum(source.stat().st_size for source in SOURCES) <= 30 << 10


async def test_what_a_browser_has_already_is_not_sent_again(get: Get) -> None:
    first = await get("/docs/page.js")
    again = await get("/docs/page.js", if_none_match=first.headers["etag"])
    assert (again.status, again.body) == (304, b"")
    assert (await get("/docs/page.js", if_none_match='"other"')).status == 200


async def test_a_slash_too_many_leads_to_the_page_under_any_prefix(get: Get) -> None:
    answer = await get("/docs/", prefix="/tools")
    assert (answer.status, answer.headers["location"]) == (308, "../docs")


async def test_only_reading_is_allowed(get: Get) -> None:
    head = await get("/docs", method="HEAD")
    assert (head.status, head.body) == (200, b"")
    refused = await get("/docs", method="POST")
    assert (refused.status, refused.headers["allow"]) == (405, "GET, HEAD")
    assert (await get("/docs/absent.js")).status == 404
