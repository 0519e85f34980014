"""Transports that follow a script: no network, no thread, no time passes."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

from google.protobuf.message import Message

from jobcontrol import v1 as pb
from jobcontrol._plans import Limits
from jobcontrol._rpcs import A, Q, Rpc
from jobcontrol._transport import AsyncStream, Stream
from jobcontrol.errors import RequestTimeout

Answer = Message | Exception


class ScriptedStream:
    """Reads out messages; an exception is raised in its place, and the end is the stream's good end."""

    def __init__(self, script: Iterable[Answer]) -> None:
        self._script = iter(script)
        self.is_cancelled = False
        self.timeouts: list[float] = []

    def read(self, timeout: float) -> Any:
        self.timeouts.append(timeout)
        arrived = next(self._script, None)
        if isinstance(arrived, BaseException):
            raise arrived
        return arrived

    def cancel(self) -> None:
        self.is_cancelled = True


class ScriptedTransport:
    """Answers each RPC with the next answer of its script, the last one again and again."""

    address = "server:50051"

    def __init__(self, **answers: Answer | Sequence[Answer]) -> None:
        self._answers = {name: self._listed(answer) for name, answer in answers.items()}
        self.requests: list[Any] = []
        self.streams: list[ScriptedStream] = []
        self.is_closed = False

    def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        answer = self._next(rpc.name, request)
        if isinstance(answer, BaseException):
            raise answer
        return cast(A, answer)

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> Stream[A]:
        self.requests.append(request)
        self.streams.append(ScriptedStream(self._answers.get(rpc.name, [])))
        return cast(Stream[A], self.streams[-1])

    def close(self) -> None:
        self.is_closed = True

    def sent(self, kind: type[Message]) -> list[Any]:
        """The requests of one kind, in order."""
        return [request for request in self.requests if isinstance(request, kind)]

    def _next(self, name: str, request: Message) -> Answer:
        self.requests.append(request)
        answers = self._answers[name]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @staticmethod
    def _listed(answer: Answer | Sequence[Answer]) -> list[Answer]:
        return [answer] if isinstance(answer, Message | BaseException) else list(answer)


class WatchedServer(ScriptedTransport):
    """A server that holds the commits of one job and tells them as the contract says, from any position.

    Each of `deaths` ends one stream after so many messages with its error; the stream after the last one
    goes on to the end.
    """

    def __init__(
        self,
        commits: Sequence[pb.WatchProgressResponse],
        *,
        snapshot: Callable[[], pb.WatchProgressResponse] | None = None,
        deaths: Sequence[tuple[int, Exception | None]] = (),
        **answers: Answer | Sequence[Answer],
    ) -> None:
        super().__init__(**answers)
        self._commits = commits
        self._snapshot = snapshot
        self._deaths = list(deaths)

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> Stream[A]:
        self.requests.append(request)
        script: list[Answer] = list(self._told(cast(pb.WatchProgressRequest, request)))
        if self._deaths:
            count, error = self._deaths.pop(0)
            script = script[:count] + ([error] if error is not None else [])
        self.streams.append(ScriptedStream(script))
        return cast(Stream[A], self.streams[-1])

    def _told(self, request: pb.WatchProgressRequest) -> Iterable[pb.WatchProgressResponse]:
        if request.HasField("after_sequence"):
            yield from (commit for commit in self._commits if commit.sequence > request.after_sequence)
        elif self._snapshot is not None:
            picture = self._snapshot()
            yield picture
            yield from (commit for commit in self._commits if commit.sequence > picture.sequence)


def silence() -> RequestTimeout:
    """What a stream raises when nothing has come for as long as the reader would wait."""
    return RequestTimeout("nothing heard")


class AsyncScripted:
    """A script, awaited."""

    def __init__(self, script: ScriptedTransport) -> None:
        self._script = script

    @property
    def address(self) -> str:
        return self._script.address

    async def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        await asyncio.sleep(0)
        return self._script.call(rpc, request, limits)

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> AsyncStream[A]:
        return cast(AsyncStream[A], AsyncScriptedStream(self._script.open(rpc, request, limits)))

    async def close(self) -> None:
        self._script.close()


class AsyncScriptedStream:
    """A stream of a script, awaited."""

    def __init__(self, stream: Stream[Any]) -> None:
        self._stream = stream

    async def read(self, timeout: float) -> Any:
        await asyncio.sleep(0)
        return self._stream.read(timeout)

    def cancel(self) -> None:
        self._stream.cancel()
