"""Who calls."""

from __future__ import annotations

from dataclasses import dataclass

import grpc.aio


@dataclass(frozen=True, slots=True)
class Caller:
    """The tenant whose jobs the call may see, and the name it is told under."""

    tenant: str = ""
    actor: str = "anonymous"


def caller_of(_context: grpc.aio.ServicerContext[object, object]) -> Caller:
    """Every caller is the same one until calls are authenticated."""
    return Caller()
