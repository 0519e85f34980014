"""The reference of the REST API over HTTP: the OpenAPI document for programs, and a page that draws it for people."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files

from jobcontrol_server.gateway.exchange import Exchange, Receive, Scope, Send
from jobcontrol_server.gateway.failures import method_refused, not_found
from jobcontrol_server.gateway.headers import Header
from jobcontrol_server.rest.document import rest_document

DOCUMENT_PATH = "/openapi.json"
PAGE_PATH = "/docs"
#: What people type; from here the page would look for its files in the wrong place.
_WITH_SLASH = "/docs/"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
#: The page loads nothing from elsewhere, and nobody may frame it: its form can send what a caller may do.
_POLICY = b"default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@dataclass(frozen=True)
class _File:
    content: bytes
    headers: tuple[Header, ...]
    etag: bytes


class Reference:
    """An ASGI application for `/openapi.json`, `/docs` and what the page loads from below it.

    All is public: it tells what every release tells. The page refers to everything relatively, and so works under
    any prefix. `needs_token` is what the document says of calls.
    """

    def __init__(self, *, needs_token: bool) -> None:
        document = json.dumps(rest_document(needs_token=needs_token), ensure_ascii=False, separators=(",", ":"))
        self._files = dict(_page_files()) | {DOCUMENT_PATH: _file(document.encode(), "application/json")}

    @property
    def paths(self) -> frozenset[str]:
        """The paths that are served, below the prefix."""
        return frozenset({*self._files, _WITH_SLASH})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = Exchange(scope, receive, send)
        path = exchange.raw_path.decode("latin-1")
        file = self._files.get(path)
        if path == _WITH_SLASH:
            await exchange.answer(308, b"", [(b"location", f"..{PAGE_PATH}".encode())])
        elif file is None:
            await exchange.refuse(not_found())
        elif exchange.method not in ("GET", "HEAD"):
            await exchange.refuse(method_refused(["GET", "HEAD"]))
        elif file.etag.decode() in exchange.header(b"if-none-match"):
            await exchange.begin(304, [(b"etag", file.etag)])
            await exchange.end()
        else:
            await exchange.answer(200, file.content, file.headers)


def _page_files() -> Iterator[tuple[str, _File]]:
    for source in files(__package__).joinpath("page").iterdir():
        stem, dot, ending = source.name.rpartition(".")
        path = PAGE_PATH if stem == "index" else f"{PAGE_PATH}/{source.name}"
        yield path, _file(source.read_bytes(), _TYPES[dot + ending])


def _file(content: bytes, media_type: str) -> _File:
    etag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'.encode()
    headers = [
        (b"content-type", media_type.encode()),
        (b"content-security-policy", _POLICY),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        # A new release shows at once; what did not change is not sent again.
        (b"cache-control", b"no-cache"),
        (b"etag", etag),
    ]
    return _File(content, tuple(headers), etag)
