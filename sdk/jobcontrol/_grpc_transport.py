"""Calls over grpcio: one channel per process, deadlines, retries by grpcio's own policy, keepalive."""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Generic

import grpc

from jobcontrol._refusals import translate
from jobcontrol._rpcs import RETRIED, SERVICE, A, Q, Rpc
from jobcontrol.errors import ConnectionFailed, RequestTimeout

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
#: Messages that a stream reads ahead of its reader; beyond that the server is held back.
READ_AHEAD = 64
_END = object()

Metadata = tuple[tuple[str, str], ...]
ChannelFactory = Callable[[str], grpc.Channel]


def open_channel(address: str) -> grpc.Channel:
    """A plaintext channel; nothing connects before the first call."""
    return grpc.insecure_channel(address, options=_options())


class GrpcTransport:
    """The transport of real clients. Threads may share it; a forked process gets a channel of its own."""

    def __init__(
        self, address: str, *, token: str = "", timeout: float = 20.0, channel_factory: ChannelFactory = open_channel
    ) -> None:
        self._address = address
        self._metadata: Metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._timeout = timeout
        self._channel_factory = channel_factory
        self._lock = threading.Lock()
        self._channel: grpc.Channel | None = None
        self._owner_pid = 0

    @property
    def address(self) -> str:
        return self._address

    def call(self, rpc: Rpc[Q, A], request: Q) -> A:
        method = self._current_channel().unary_unary(
            rpc.path, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.answer.FromString
        )
        try:
            answer: A = method(request, timeout=self._timeout, metadata=self._metadata)
        except grpc.RpcError as error:
            raise translate(error, self._address) from error
        return answer

    def open(self, rpc: Rpc[Q, A], request: Q) -> GrpcStream[A]:
        method = self._current_channel().unary_stream(
            rpc.path, request_serializer=rpc.request.SerializeToString, response_deserializer=rpc.answer.FromString
        )
        return GrpcStream(method(request, metadata=self._metadata), self._address)

    def close(self) -> None:
        with self._lock:
            channel, self._channel = self._channel, None
        # The channel of a parent process is not ours to close.
        if channel is not None and self._owner_pid == os.getpid():
            channel.close()

    def _current_channel(self) -> grpc.Channel:
        with self._lock:
            if self._channel is None or self._owner_pid != os.getpid():
                _check_address(self._address)
                self._channel, self._owner_pid = self._channel_factory(self._address), os.getpid()
            return self._channel


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


def _check_address(address: str) -> None:
    """Turn down the address of a page, which gRPC would take for a strange host."""
    if address.startswith(("http://", "https://")):
        hint = "give host and port of gRPC, for example localhost:50051"
        raise ConnectionFailed(f"{address} is the address of a web page", hint, address=address, why="a web page")


def _options() -> list[tuple[str, Any]]:
    return [
        ("grpc.service_config", json.dumps(_service_config())),
        ("grpc.enable_retries", 1),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.primary_user_agent", f"jobcontrol/{_version()}"),
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # By default a channel waits up to two minutes before it looks for a server that went away.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
    ]


def _service_config() -> dict[str, Any]:
    policy = {
        "maxAttempts": 5,
        "initialBackoff": "0.1s",
        "maxBackoff": "10s",
        "backoffMultiplier": 1.6,
        "retryableStatusCodes": ["UNAVAILABLE"],
    }
    names = [{"service": SERVICE, "method": rpc.name} for rpc in RETRIED]
    return {"methodConfig": [{"name": names, "retryPolicy": policy}]}


def _version() -> str:
    try:
        return version("jobcontrol")
    except PackageNotFoundError:
        return "unknown"
