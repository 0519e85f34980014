"""Page tokens: where a list goes on, for this service and these arguments alone."""

from __future__ import annotations

import base64
import copy
import hashlib
import hmac
import json
from typing import Any

import grpc.aio
from google.protobuf.message import Message

from jobcontrol_core.domain.errors import PageTokenInvalid, PageTokenMismatch

VERSION = 1
_MAC_BYTES = 16
#: Fields that may differ from page to page.
_PAGING = ("page_size", "page_token", "limit")
#: The most entries of one page.
MOST = 1_000

#: What a list is sorted by, of the last entry of a page.
SortKey = list[Any]


class PageTokens:
    """Issues and reads tokens. All servers of one database make the same ones."""

    def __init__(self, database_url: str) -> None:
        self._secret = hashlib.sha256(b"page tokens of " + database_url.encode()).digest()

    def issue(self, request: Message, tenant: str, key: SortKey) -> str:
        """The token for what follows `key` in the list that `request` asks for."""
        body = json.dumps([VERSION, key, _digest(request, tenant)], separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(self._mac(body) + body).decode().rstrip("=")

    def read(self, request: Any, tenant: str) -> SortKey | None:
        """The sort key in the request's token; None if it has none.

        Raises PageTokenInvalid for what this service did not issue, PageTokenMismatch if it was for another list.
        """
        token: str = request.page_token
        if not token:
            return None
        version, key, digest = self._open(token)
        if version != VERSION:
            raise PageTokenInvalid
        if digest != _digest(request, tenant):
            raise PageTokenMismatch
        return list(key)

    def _open(self, token: str) -> tuple[int, SortKey, str]:
        try:
            sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except ValueError:
            raise PageTokenInvalid from None
        mac, body = sealed[:_MAC_BYTES], sealed[_MAC_BYTES:]
        if not hmac.compare_digest(mac, self._mac(body)):
            raise PageTokenInvalid
        version, key, digest = json.loads(body)
        return version, key, digest

    def _mac(self, body: bytes) -> bytes:
        return hmac.digest(self._secret, body, "sha256")[:_MAC_BYTES]


def page_size(asked: int, default: int) -> int:
    """The size of a page: 0 means the default, and a wish for more than MOST is read as MOST."""
    return min(asked, MOST) if asked else default


def tell_next_page(context: grpc.aio.ServicerContext[Any, Any], token: str) -> None:
    """Tell of the next page beside the answer: over HTTP a bare list has no other place for it."""
    if token:
        context.set_trailing_metadata((("next-page-token", token),))


def _digest(request: Message, tenant: str) -> str:
    rest = copy.copy(request)
    for name in _PAGING:
        if name in rest.DESCRIPTOR.fields_by_name:
            rest.ClearField(name)
    content = f"{request.DESCRIPTOR.full_name}\0{tenant}\0".encode() + rest.SerializeToString(deterministic=True)
    return hashlib.sha256(content).hexdigest()[:32]
