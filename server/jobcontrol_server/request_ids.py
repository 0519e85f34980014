"""The id of a request: whoever sends one finds it in the answer and in the log; to everyone else we give one."""

from __future__ import annotations

import re

from jobcontrol_core.domain.ids import new_id

#: The metadata key, and the header of HTTP.
REQUEST_ID = "x-request-id"
#: What goes into logs as it is must be short and without spaces or quotes.
_SANE = re.compile(r"[A-Za-z0-9._~:/+=@-]{1,64}", re.ASCII)


def request_id_of(given: str | None) -> str:
    """`given` if it is fit for a log line, else a new one."""
    return given if given is not None and _SANE.fullmatch(given) else new_id()
