"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import unquote

import grpc.aio


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant whose jobs the call may see, the name it is told under, and the address that it came from."""

    tenant: str = ""
    actor: str = "anonymous"
    peer: str = ""


def caller_of(context: grpc.aio.ServicerContext[object, object]) -> Caller:
    """Every caller has the same name until callers prove who they are."""
    return Caller(peer=unquote(context.peer() or ""))
