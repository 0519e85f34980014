"""Plans: what a method of the SDK does, call by call, without doing it.

A plan is a generator. It yields what it needs done (an effect) and is sent what came of it, so that the same
plan serves the client that blocks and the one that awaits: `jobcontrol._connection` has the two drivers.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, TypeVar, cast

from jobcontrol._rpcs import RETRIED, A, Q, Rpc
from jobcontrol._transport import AsyncStream, Stream
from jobcontrol.errors import JobControlError, RateLimited, ServerError

T = TypeVar("T")

AnyStream = Stream[A] | AsyncStream[A]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client bears with its server; times in seconds."""

    timeout: float = 20.0
    """For one answer, all tries together."""
    retries: int = 3
    """How often a call that may be sent twice is tried again."""
    patience: float = 600.0
    """For a watch whose server has gone, until it gives up."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request, one answer."""

    rpc: Rpc[Any, Any]
    request: Any
    limits: Limits


@dataclass(frozen=True, slots=True)
class Open:
    """Begin a streaming call; the answer is the stream."""

    rpc: Rpc[Any, Any]
    request: Any
    limits: Limits


@dataclass(frozen=True, slots=True)
class Read:
    """The next message of a stream, None at its good end; RequestTimeout after `timeout` seconds of silence."""

    stream: Any
    timeout: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Let time pass."""

    seconds: float


Effect = Call | Open | Read | Pause
Plan = Generator[Effect, Any, T]


def call(rpc: Rpc[Q, A], request: Q, limits: Limits, *, now: Callable[[], float] = time.monotonic) -> Plan[A]:
    """One answer. A server that asks to be left alone for a while is, and asked again, within the limits.

    That a link broke, the channel's own policy bears: see `_channels.retry_policy`.
    """
    deadline, left = now() + limits.timeout, limits
    for tries_left in range(limits.retries if rpc in RETRIED else 0, -1, -1):
        try:
            return cast(A, (yield Call(rpc, request, left)))
        except (RateLimited, ServerError) as error:
            seconds = _asked_pause(error)
            if not tries_left or seconds is None or now() + seconds >= deadline:
                raise
        yield Pause(seconds)
        left = replace(limits, timeout=max(deadline - now(), 0.0))
    raise AssertionError("the last try either answers or raises")


def _asked_pause(error: RateLimited | ServerError) -> float | None:
    """What the server asked for, and a little more by chance, so that not all come back as one; None if nothing."""
    if not error.retryable or error.retry_after is None:
        return None
    return error.retry_after * random.uniform(1.0, 1.25)


def open_stream(rpc: Rpc[Q, A], request: Q, limits: Limits) -> Plan[AnyStream[A]]:
    """A streaming call; whatever goes wrong is raised by the first `read`."""
    return cast(AnyStream[A], (yield Open(rpc, request, limits)))


def read(stream: AnyStream[A], timeout: float) -> Plan[A | None]:
    """The next message of a stream, None at its good end. Raises RequestTimeout after `timeout` seconds of silence."""
    return cast("A | None", (yield Read(stream, timeout)))


def pause(seconds: float) -> Plan[None]:
    """Let time pass."""
    yield Pause(seconds)


def is_worth_another_try(error: JobControlError) -> bool:
    """False for what a server refused for good; a lost link and silence may heal."""
    return getattr(error, "retryable", True) is True
