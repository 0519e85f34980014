"""Calls that are awaited, over grpc.aio: channels of this process and event loop alone."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable
from typing import Any, Generic
from weakref import WeakKeyDictionary

import grpc
import grpc.aio

from jobcontrol._channels import bearer, channel_options, check_address, closed_meanwhile, codecs_of, credentials_of
from jobcontrol._plans import Limits
from jobcontrol._refusals import translate
from jobcontrol._rpcs import A, Q, Rpc
from jobcontrol._settings import Target
from jobcontrol._threaded_transport import ThreadedTransport
from jobcontrol._transport import AsyncStream
from jobcontrol.errors import ConnectionFailed, RequestTimeout

AioChannelFactory = Callable[[Target, int], grpc.aio.Channel]

#: The process that grpc.aio was first used in: its one polling thread does not come along into a forked one.
_home_pid: int | None = None


def open_aio_channel(target: Target, retries: int) -> grpc.aio.Channel:
    """A channel for the running event loop; nothing connects before the first call."""
    check_address(target.address)
    if target.tls is not None:
        return grpc.aio.secure_channel(target.address, credentials_of(target.tls), options=channel_options(retries))
    return grpc.aio.insecure_channel(target.address, options=channel_options(retries))


class AioTransport:
    """The transport of an AsyncClient. Event loops, in threads or one after the other, may share it."""

    def __init__(self, target: Target, *, channel_factory: AioChannelFactory = open_aio_channel) -> None:
        self._target = target
        self._metadata = bearer(target.token)
        self._channel_factory = channel_factory
        self._lock = threading.Lock()
        self._channels: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[int, grpc.aio.Channel]] = WeakKeyDictionary()
        self._in_threads = ThreadedTransport(target)

    @property
    def address(self) -> str:
        return self._target.address

    async def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        if _is_forked():
            return await self._in_threads.call(rpc, request, limits)
        method = self._channel(limits.retries).unary_unary(rpc.path, **codecs_of(rpc))
        try:
            answer: A = await method(request, timeout=limits.timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise translate(error, self.address) from error
        except grpc.aio.UsageError as error:
            raise closed_meanwhile(self.address) from error
        except asyncio.CancelledError as error:
            # It says so, too, when the call was cancelled and not the task that waits for it.
            if _is_being_cancelled():
                raise
            raise _broken(self.address) from error
        return answer

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> AsyncStream[A]:
        if _is_forked():
            return self._in_threads.open(rpc, request, limits)
        method = self._channel(limits.retries).unary_stream(rpc.path, **codecs_of(rpc))
        try:
            return AioStream(method(request, metadata=self._metadata), self.address)
        except grpc.aio.UsageError as error:
            raise closed_meanwhile(self.address) from error

    async def close(self) -> None:
        await self._in_threads.close()
        with self._lock:
            channels = {} if _is_forked() else self._channels.pop(asyncio.get_running_loop(), {})
        for channel in channels.values():
            await channel.close()

    def _channel(self, retries: int) -> grpc.aio.Channel:
        global _home_pid
        with self._lock:
            _home_pid = _home_pid or os.getpid()
            for loop in [known for known in self._channels if known.is_closed()]:
                # Its channels hold it, so it would never go by itself.
                del self._channels[loop]
            channels = self._channels.setdefault(asyncio.get_running_loop(), {})
            if retries not in channels:
                channels[retries] = self._channel_factory(self._target, retries)
            return channels[retries]


class AioStream(Generic[A]):
    """One streaming call. What is being read when time runs out is kept for the next read."""

    def __init__(self, call: Any, address: str) -> None:
        self._call, self._address = call, address
        self._loop = asyncio.get_running_loop()
        self._reading: asyncio.Task[Any] | None = None

    async def read(self, timeout: float) -> A | None:
        # Not `wait_for`, which would cancel the read, and with it the call.
        reading = self._reading = self._reading or asyncio.ensure_future(self._call.read())
        done, _ = await asyncio.wait({reading}, timeout=timeout)
        if not done:
            raise RequestTimeout(f"nothing heard from {self._address} for {timeout:g} s")
        self._reading = None
        if reading.cancelled():
            raise _broken(self._address)
        if isinstance(error := reading.exception(), grpc.RpcError):
            raise translate(error, self._address) from error
        message = reading.result()
        answer: A | None = None if message is grpc.aio.EOF else message
        return answer

    def cancel(self) -> None:
        if self._loop.is_closed():
            return
        self._call.cancel()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None


def _is_forked() -> bool:
    return _home_pid is not None and _home_pid != os.getpid()


def _is_being_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _broken(address: str) -> ConnectionFailed:
    return ConnectionFailed(
        f"no server at {address} (the connection broke)", address=address, why="the connection broke"
    )
