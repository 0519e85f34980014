"""The token at the gateway's own door: before a body is read, and also where the server behind asks for none."""

from __future__ import annotations

from jobcontrol_core.domain.errors import Unauthenticated
from jobcontrol_server.access import Metadata, check_token
from jobcontrol_server.gateway import Failure
from jobcontrol_server.rpc.errors import to_status


class Admission:
    """Raises what the server would answer to a call without the token."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, metadata: Metadata) -> None:
        try:
            check_token(self._token, metadata)
        except Unauthenticated as error:
            status = to_status(error)
            raise Failure(
                status.code, status.message, details=status.details, headers=[(b"www-authenticate", b"Bearer")]
            ) from None
