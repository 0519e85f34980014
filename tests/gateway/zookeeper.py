"""The gRPC server behind the gateway under test: it writes down what it was asked, and answers what it was told to."""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

import grpc
import grpc.aio
from google.protobuf import message_factory
from google.protobuf.any_pb2 import Any as Packed
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from google.rpc.status_pb2 import Status

from gateway import zoo

Metadata = Sequence[tuple[str, str | bytes]]


@dataclass(frozen=True)
class Call:
    """What an RPC brought. `seconds_left` is None if it had no deadline."""

    rpc: str
    request: Any
    metadata: Metadata
    seconds_left: float | None

    def values(self, key: str) -> list[str | bytes]:
        return [value for name, value in self.metadata if name == key]


@dataclass(frozen=True)
class Failure:
    """How an RPC ends otherwise than well; `trailer` stands in for what `details` would make."""

    code: grpc.StatusCode = grpc.StatusCode.INTERNAL
    text: str = "told to fail"
    details: Sequence[Message] = ()
    trailer: bytes | None = None

    def packed(self) -> bytes:
        status = Status(code=self.code.value[0], message=self.text)
        for detail in self.details:
            status.details.append(detail if isinstance(detail, Packed) else _packed(detail))
        return status.SerializeToString() if self.trailer is None else self.trailer


@dataclass(frozen=True)
class Script:
    """What every RPC does: say this, of which a unary one says the first, then fail, raise, hang, or end well."""

    says: Iterable[Message] | AsyncIterable[Message] = ()
    then: Failure | Exception | None = None
    hangs: bool = False
    metadata: Metadata = ()
    trailing_metadata: Metadata = ()


@dataclass
class Zookeeper:
    """`said` counts the messages that gRPC has taken from streams; `cancelled` names the RPCs whose caller left."""

    script: Script = Script()
    calls: list[Call] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    said: int = 0
    open_streams: int = 0

    def told(self, script: Script) -> "Zookeeper":
        """Forget what was, and do from now on as `script` says."""
        self.script, self.said = script, 0
        self.calls.clear()
        self.cancelled.clear()
        return self

    def handler(self) -> Any:
        """Every method of the service, handled as the script says."""
        methods = {method.name: self._handler_of(method) for method in zoo.SERVICE.methods}
        return grpc.method_handlers_generic_handler(zoo.SERVICE.full_name, methods)

    def _handler_of(self, method: MethodDescriptor) -> Any:
        response = message_factory.GetMessageClass(method.output_type)

        async def answer(request: Message, context: Any) -> Message:
            messages = [message async for message in self._play(method.name, request, context)]
            return messages[0] if messages else response()

        async def stream(request: Message, context: Any) -> AsyncIterator[Message]:
            async for message in self._play(method.name, request, context):
                yield message

        kind, handle = (
            (grpc.unary_stream_rpc_method_handler, stream)
            if method.server_streaming
            else (grpc.unary_unary_rpc_method_handler, answer)
        )
        return kind(handle, message_factory.GetMessageClass(method.input_type).FromString, response.SerializeToString)

    async def _play(self, rpc: str, request: Message, context: Any) -> AsyncIterator[Message]:
        script = self.script
        self.calls.append(Call(rpc, request, tuple(context.invocation_metadata()), context.time_remaining()))
        context.set_trailing_metadata(tuple(script.trailing_metadata))
        self.open_streams += 1
        try:
            await context.send_initial_metadata(tuple(script.metadata))
            async for message in _each(script.says):
                self.said += 1
                yield message
            await self._end(script, context)
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled.append(rpc)
            raise
        finally:
            self.open_streams -= 1

    async def _end(self, script: Script, context: Any) -> None:
        if script.hangs:
            await asyncio.Event().wait()
        if isinstance(script.then, Exception):
            raise script.then
        if script.then is not None:
            await _abort(context, script)


async def _abort(context: Any, script: Script) -> NoReturn:
    failure = script.then
    assert isinstance(failure, Failure)
    rich = [("grpc-status-details-bin", failure.packed())] if failure.details or failure.trailer is not None else []
    await context.abort(failure.code, failure.text, (*script.trailing_metadata, *rich))
    raise AssertionError("abort has raised")


async def _each(says: Iterable[Message] | AsyncIterable[Message]) -> AsyncIterator[Message]:
    if isinstance(says, AsyncIterable):
        async for message in says:
            yield message
    else:
        for message in says:
            yield message


def _packed(detail: Message) -> Packed:
    packed = Packed()
    packed.Pack(detail)
    return packed


@asynccontextmanager
async def grpc_server(keeper: Zookeeper) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server on the loopback address at which `keeper` answers."""
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", 16 << 20)])
    server.add_generic_rpc_handlers((keeper.handler(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield channel
    finally:
        await server.stop(0)
