"""Cross-origin requests, which no browser may make unless origins are configured: rule R17."""

from collections.abc import Collection, Iterable, MutableMapping
from typing import Any

from jobcontrol_server.gateway.exchange import Exchange, Send
from jobcontrol_server.gateway.failures import other_origin
from jobcontrol_server.gateway.headers import Header

ANY_ORIGIN = "*"

_EXPOSED = b"grpc-metadata-next-page-token, retry-after, x-request-id"
_MAX_AGE = b"600"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Cors:
    """The origins whose pages may call: as a browser sends them (`https://app.example`), or `*` for all."""

    def __init__(self, origins: Collection[str]) -> None:
        self._origins = frozenset(origins)

    def sender(self, headers: Iterable[Header], send: Send) -> Send:
        """`send`, with what the browser of a request with `headers` asks for in the head of every answer."""
        if not self._origins:
            return send
        origin = next((value.decode("latin-1") for name, value in headers if name == b"origin"), "")
        extra = self._headers(origin)

        async def send_with_cors(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *extra]}
            await send(message)

        return send_with_cors

    def refuse_foreign_write(self, exchange: Exchange) -> None:
        """Raise Failure for a call that changes something and comes from a page of a site that may not call.

        Browsers ask beforehand about most such calls, but not about all: a page of any site may post a form, or a body
        without a type. They say where the page is from in every one of them.
        """
        origin = exchange.header(b"origin")
        if not origin or exchange.method in _SAFE or self._allows(origin):
            return
        site = origin.partition("://")[2].lower()
        if site not in (exchange.header(b"host").lower(), exchange.header(b"x-forwarded-host").lower()) or not site:
            raise other_origin(origin)

    def is_preflight(self, exchange: Exchange) -> bool:
        """Whether a browser asks what it may do, in place of doing it."""
        return bool(
            self._origins
            and exchange.method == "OPTIONS"
            and exchange.header(b"origin")
            and exchange.header(b"access-control-request-method")
        )

    async def answer_preflight(self, exchange: Exchange, methods: Iterable[str]) -> None:
        """Tell the methods of the path; to a page of another origin, nothing that lets it go on."""
        headers: list[Header] = []
        if self._allows(exchange.header(b"origin")):
            headers = [
                (b"access-control-allow-methods", ", ".join(sorted(methods)).encode("ascii")),
                (b"access-control-max-age", _MAX_AGE),
            ]
            if asked := exchange.header(b"access-control-request-headers"):
                headers.append((b"access-control-allow-headers", asked.encode("latin-1")))
        await exchange.answer(204, b"", headers)

    def _allows(self, origin: str) -> bool:
        return origin in self._origins or (ANY_ORIGIN in self._origins and origin != "")

    def _headers(self, origin: str) -> list[Header]:
        # Every answer varies, also one to nobody's page: a cache must not give it to another origin.
        varying: list[Header] = [(b"vary", b"Origin")]
        if not self._allows(origin):
            return varying
        return [
            *varying,
            (b"access-control-allow-origin", origin.encode("latin-1")),
            (b"access-control-expose-headers", _EXPOSED),
        ]
