"""Calls that block, over grpcio: channels of this process alone, deadlines, retries by grpcio's own policy."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any, Generic

import grpc

from jobcontrol._channels import bearer, channel_options, check_address, closed_meanwhile, codecs_of, credentials_of
from jobcontrol._plans import Limits
from jobcontrol._refusals import translate
from jobcontrol._rpcs import A, Q, Rpc
from jobcontrol._settings import Target
from jobcontrol.errors import RequestTimeout

#: Messages that a stream reads ahead of its reader; beyond that the server is held back.
READ_AHEAD = 64
_END = object()

ChannelFactory = Callable[[Target, int], grpc.Channel]


def open_channel(target: Target, retries: int) -> grpc.Channel:
    """A channel whose calls are tried again so often; nothing connects before the first call."""
    check_address(target.address)
    if target.tls is not None:
        return grpc.secure_channel(target.address, credentials_of(target.tls), options=channel_options(retries))
    return grpc.insecure_channel(target.address, options=channel_options(retries))


class GrpcTransport:
    """The transport of a Client. Threads may share it; a forked process gets channels of its own."""

    def __init__(self, target: Target, *, channel_factory: ChannelFactory = open_channel) -> None:
        self._target = target
        self._metadata = bearer(target.token)
        self._channel_factory = channel_factory
        self._lock = threading.Lock()
        self._channels: dict[int, grpc.Channel] = {}
        self._owner_pid = os.getpid()
        self._inherited: list[object] = []

    @property
    def address(self) -> str:
        return self._target.address

    def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        method = self._channel(limits.retries).unary_unary(rpc.path, **codecs_of(rpc))
        try:
            answer: A = method(request, timeout=limits.timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise translate(error, self.address) from error
        except ValueError as error:
            raise closed_meanwhile(self.address) from error
        return answer

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> GrpcStream[A]:
        method = self._channel(limits.retries).unary_stream(rpc.path, **codecs_of(rpc))
        try:
            return GrpcStream(method(request, metadata=self._metadata), self.address)
        except ValueError as error:
            raise closed_meanwhile(self.address) from error

    def close(self) -> None:
        with self._lock:
            self._leave_parent()
            channels, self._channels = self._channels, {}
        for channel in channels.values():
            channel.close()

    def _channel(self, retries: int) -> grpc.Channel:
        with self._lock:
            self._leave_parent()
            if retries not in self._channels:
                self._channels[retries] = self._channel_factory(self._target, retries)
            return self._channels[retries]

    def _leave_parent(self) -> None:
        """After a fork: the channels of the parent are neither ours to use nor, even by forgetting them, to close."""
        if self._owner_pid != os.getpid():
            self._inherited.append(self._channels)
            self._channels, self._owner_pid = {}, os.getpid()


class GrpcStream(Generic[A]):
    """One streaming call, read ahead by a thread so that a reader can stop waiting."""

    def __init__(self, call: Any, address: str) -> None:
        self._call = call
        self._address = address
        self._inbox: queue.Queue[Any] = queue.Queue(READ_AHEAD)
        self._is_cancelled = threading.Event()
        threading.Thread(target=self._pump, name="jobcontrol-stream", daemon=True).start()

    def read(self, timeout: float) -> A | None:
        try:
            arrived = self._inbox.get(timeout=timeout)
        except queue.Empty:
            raise RequestTimeout(f"nothing heard from {self._address} for {timeout:g} s") from None
        if isinstance(arrived, grpc.RpcError):
            raise translate(arrived, self._address) from arrived
        answer: A | None = None if arrived is _END else arrived
        return answer

    def cancel(self) -> None:
        self._is_cancelled.set()
        self._call.cancel()

    def _pump(self) -> None:
        for arrived in self._arrivals():
            while not self._is_cancelled.is_set():
                try:
                    self._inbox.put(arrived, timeout=1.0)
                    break
                except queue.Full:
                    # The reader is slow, or has gone without a word: look again.
                    continue

    def _arrivals(self) -> Iterator[object]:
        try:
            yield from self._call
        except grpc.RpcError as error:
            yield error
        else:
            yield _END
