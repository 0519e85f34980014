"""Whatever is wrong with the server or the way to it, a caller gets the SDK's own errors, gRPC's as their cause."""

import asyncio
import inspect
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import grpc
import pytest

from jobcontrol import AsyncClient, AsyncJob, Client, Job, Stats
from jobcontrol.errors import ConnectionFailed, RequestTimeout, WaitTimeout
from jobcontrol.values import JobState

JOB_ID = "0193f0a1-7c21-7abc-8def-00017f3a91c2"
#: What a method needs beyond its defaults.
ARGUMENTS: dict[str, tuple[Any, ...]] = {
    "start": ("learning-path", "rust-101"),
    "check": ("learning-path", "rust-101"),
    "job": (JOB_ID,),
    "dead_letter": (JOB_ID,),
    "pause_queue": ("concepts",),
    "resume_queue": ("concepts",),
    "reset_queue_limits": ("concepts",),
    "step": (JOB_ID,),
    "drain_worker": (JOB_ID,),
}
KEYWORDS: dict[str, dict[str, Any]] = {
    "client.explain": {"job_id": JOB_ID},
    "limit_queue": {"queue": "concepts", "max_running": 3},
    "requeue": {"queue": "concepts"},
    "discard": {"queue": "concepts"},
    "cancel_many": {"status": "failed"},
    "retry_many": {"status": "failed"},
    "watch": {"timeout": 0.1},
    "wait": {"timeout": 0.1},
}
#: They ask nothing: `check` of a job is about what is known of it.
SILENT = {"close", "with_options", ("job", "check")}


def asking(kind: type) -> list[str]:
    names = [name for name in dir(kind) if not name.startswith("_") and name not in SILENT]
    return [
        name
        for name in names
        if callable(getattr(kind, name)) and (kind.__name__.removeprefix("Async").lower(), name) not in SILENT
    ]


def accepting(act: Callable[[socket.socket], None]) -> Callable[[], Any]:
    """A server that does `act` with each connection."""

    @contextmanager
    def serve() -> Iterator[str]:
        with socket.create_server(("127.0.0.1", 0)) as listening:
            threading.Thread(target=_accept, args=(listening, act), daemon=True).start()
            yield f"127.0.0.1:{listening.getsockname()[1]}"
            listening.shutdown(socket.SHUT_RDWR)

    return serve


def _accept(listening: socket.socket, act: Callable[[socket.socket], None]) -> None:
    with ExitStack() as held:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            act(held.enter_context(connection))


def _speak_http1(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    connection.close()


@contextmanager
def nobody() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


#: Each server, what calls of it come to, and their deadline.
SERVERS = {
    "nobody listens": (nobody, ConnectionFailed, 20.0),
    "it speaks HTTP/1": (accepting(_speak_http1), ConnectionFailed, 20.0),
    "it hangs up": (accepting(lambda connection: connection.close()), ConnectionFailed, 20.0),
    # grpcio finds out after a while that no greeting comes, and then says so at once.
    "it says nothing": (accepting(lambda connection: None), (RequestTimeout, ConnectionFailed), 0.1),
}


def made_calls(client: Client | AsyncClient, job: Job | AsyncJob) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Every method that asks the server, by name."""
    for word, owner in (("client", client), ("job", job)):
        for name in asking(type(owner)):
            keywords = KEYWORDS.get(f"{word}.{name}", KEYWORDS.get(name, {}))
            yield f"{word}.{name}", partial(getattr(owner, name), *ARGUMENTS.get(name, ()), **keywords)
    yield "job.failed_steps", lambda: job.failed_steps


def _drain(answer: Any) -> None:
    if hasattr(answer, "__iter__"):
        list(answer)


async def _settle(answer: Any) -> None:
    if inspect.isawaitable(answer):
        answer = await answer
    if hasattr(answer, "__aiter__"):
        async for _ in answer:
            pass


def judge(name: str, error: BaseException, kind: Any) -> str:
    """What is wrong with how a call failed, empty if nothing is."""
    if not isinstance(error, kind) and not isinstance(error, WaitTimeout):
        return f"{name}: {error!r}"
    if str(pickle.loads(pickle.dumps(error))) != str(error) or "\n" in str(error):
        return f"{name}: not one line, or not to be pickled: {error!r}"
    if isinstance(error.__cause__, grpc.RpcError | asyncio.CancelledError | None):
        return ""
    return f"{name}: caused by {error.__cause__!r}"


@pytest.mark.parametrize("server", list(SERVERS))
def test_every_method_fails_in_the_sdks_own_words(server: str) -> None:
    serve, kind, timeout = SERVERS[server]
    complaints = []
    with serve() as address:
        client = Client(address, timeout=timeout, retries=0, patience=0.0)
        for name, call in made_calls(client, Job(client._connection, JobState(JOB_ID))):
            try:
                _drain(call())
            except Exception as error:  # noqa: BLE001 - whatever escapes is what the test is about
                complaints.append(judge(name, error, kind))
            else:
                complaints.append(f"{name}: it did not fail")
    assert [complaint for complaint in complaints if complaint] == []
    assert len(complaints) > 30


@pytest.mark.parametrize("server", list(SERVERS))
async def test_every_awaited_method_fails_in_the_sdks_own_words(server: str) -> None:
    serve, kind, timeout = SERVERS[server]
    complaints = []
    with serve() as address:
        client = AsyncClient(address, timeout=timeout, retries=0, patience=0.0)
        for name, call in made_calls(client, AsyncJob(client._connection, JobState(JOB_ID))):
            try:
                await _settle(call())
            except Exception as error:  # noqa: BLE001 - whatever escapes is what the test is about
                complaints.append(judge(name, error, kind))
            else:
                complaints.append(f"{name}: it did not fail")
    assert [complaint for complaint in complaints if complaint] == []
    assert len(complaints) > 30


class Dying(grpc.GenericRpcHandler):
    """Takes a call, and its server dies before it answers."""

    server: grpc.Server

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any]":
        return grpc.unary_unary_rpc_method_handler(self._die)

    def _die(self, request: bytes, context: grpc.ServicerContext) -> bytes:
        self.server.stop(grace=0)
        gone = threading.Event()
        if context.add_callback(gone.set):
            gone.wait(timeout=10)
        return b""


@contextmanager
def dying() -> Iterator[str]:
    """A server that does not survive its first call."""
    handler = Dying()
    with ThreadPoolExecutor(1) as pool:
        handler.server = grpc.server(pool, handlers=[handler])
        port = handler.server.add_insecure_port("127.0.0.1:0")
        handler.server.start()
        yield f"127.0.0.1:{port}"
        handler.server.stop(grace=0).wait()


def test_a_server_that_dies_in_the_middle_of_a_call_is_a_lost_connection() -> None:
    with dying() as address, pytest.raises(ConnectionFailed):
        Client(address, retries=0).stats()
    with dying() as address, pytest.raises(ConnectionFailed):
        asyncio.run(_stats(address))


async def _stats(address: str) -> Stats:
    return await AsyncClient(address, retries=0).stats()
