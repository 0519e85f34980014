"""Calls that are awaited, made by threads: for processes that were forked from one in which grpc.aio was at work.

There grpc.aio would wait for ever: it has one polling thread, which does not come along, and makes no other.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from jobcontrol._grpc_transport import GrpcTransport
from jobcontrol._plans import Limits
from jobcontrol._rpcs import A, Q, Rpc
from jobcontrol._settings import Target
from jobcontrol._transport import Stream

T = TypeVar("T")


class ThreadedTransport:
    """A GrpcTransport, awaited. Each call takes a thread for as long as it lasts."""

    def __init__(self, target: Target) -> None:
        self._blocking = GrpcTransport(target)

    @property
    def address(self) -> str:
        return self._blocking.address

    async def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        return await _in_thread(lambda: self._blocking.call(rpc, request, limits))

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> ThreadedStream[A]:
        return ThreadedStream(self._blocking.open(rpc, request, limits))

    async def close(self) -> None:
        await _in_thread(self._blocking.close)


class ThreadedStream(Generic[A]):
    """A stream, awaited."""

    def __init__(self, stream: Stream[A]) -> None:
        self._stream = stream

    async def read(self, timeout: float) -> A | None:
        return await _in_thread(lambda: self._stream.read(timeout))

    def cancel(self) -> None:
        self._stream.cancel()


async def _in_thread(work: Callable[[], T]) -> T:
    """What `work` comes to. A thread of its own, since many streams may wait at once; it holds up no exit."""
    outcome: Future[T] = Future()
    threading.Thread(target=_fulfil, args=(outcome, work), name="jobcontrol-call", daemon=True).start()
    return await asyncio.wrap_future(outcome)


def _fulfil(outcome: Future[Any], work: Callable[[], Any]) -> None:
    if not outcome.set_running_or_notify_cancel():
        return
    try:
        result = work()
    except BaseException as error:  # noqa: BLE001 - whoever awaits it gets it; kept here it would be a hang
        outcome.set_exception(error)
    else:
        outcome.set_result(result)
