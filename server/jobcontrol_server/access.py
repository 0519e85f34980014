"""The token that callers prove themselves by, and where there must be one."""

from __future__ import annotations

import hmac
from collections.abc import Iterable

from jobcontrol_core.domain.errors import TokenInvalid, TokenMissing
from jobcontrol_core.settings import Settings, SettingsError
from jobcontrol_server.addresses import is_loopback

Metadata = Iterable[tuple[str, str | bytes]]


def require_token(settings: Settings, *addresses: str) -> None:
    """Raise SettingsError if other machines may reach one of `addresses`, and no token is set."""
    for address in addresses:
        if not settings.token and not is_loopback(address):
            raise SettingsError(
                f"JOBCONTROL_TOKEN: must be set to listen on {address}, which other machines may reach; "
                "give clients the same one"
            )


def check_token(token: str, metadata: Metadata) -> None:
    """Raise TokenMissing or TokenInvalid unless `authorization: Bearer` of a call's metadata says `token`."""
    given = [_bearer(value) for key, value in metadata if key.lower() == "authorization"]
    if not any(given):
        raise TokenMissing()
    if not all(hmac.compare_digest(told, token.encode()) for told in given):
        raise TokenInvalid()


def _bearer(value: str | bytes) -> bytes:
    """What stands after the scheme Bearer; empty if another scheme does (RFC 9110, 11.4: in any case of letters)."""
    text = value if isinstance(value, bytes) else value.encode()
    scheme, _, told = text.partition(b" ")
    return told.strip() if scheme.lower() == b"bearer" else b""
