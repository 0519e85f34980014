"""Who carries plans out: one connection that blocks, one that awaits. All that differs between the two is here."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Generic, Self, TypeVar, assert_never

from jobcontrol._plans import Call, Effect, Limits, Open, Pause, Plan, Read
from jobcontrol._profiles import find_target
from jobcontrol._settings import Target, let_grpc_fork
from jobcontrol._transport import AsyncTransport, Transport
from jobcontrol.errors import JobControlError

T = TypeVar("T")
Carrier = TypeVar("Carrier", Transport, AsyncTransport)


class Link(Generic[Carrier]):
    """A server, the way to it, and how long to bear with it; shared by a client and all that came from it."""

    def __init__(self, target: Target, limits: Limits, transport: Carrier | None = None) -> None:
        self.target, self.limits = target, limits
        self.transport: Carrier = transport or self._reach(target)

    @property
    def address(self) -> str:
        return self.transport.address

    def with_limits(self, limits: Limits) -> Self:
        """The same way to the same server, with other limits."""
        return type(self)(self.target, limits, self.transport)

    def _reach(self, target: Target) -> Carrier:
        """The way to a server; nothing connects yet."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        # No token: a pickle may lie about, and whoever reads it has a token of his own.
        return {"address": self.address, "tls": self.target.tls, "limits": self.limits}

    def __setstate__(self, state: dict[str, Any]) -> None:
        target = find_target(state["address"], tls=state["tls"])
        self.__init__(target, state["limits"])  # type: ignore[misc]


class Connection(Link[Transport]):
    """Carries plans out and blocks meanwhile. Threads may share it."""

    def _reach(self, target: Target) -> Transport:
        let_grpc_fork()
        from jobcontrol._grpc_transport import GrpcTransport

        return GrpcTransport(target)

    def run(self, plan: Plan[T]) -> T:
        """What the plan comes to. Raises what it raises."""
        try:
            effect = next(plan)
            while True:
                try:
                    outcome = self._perform(effect)
                except JobControlError as error:
                    effect = plan.throw(error)
                else:
                    effect = plan.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            # After Ctrl+C the plan has still to let go of what it holds.
            plan.close()

    def _perform(self, effect: Effect) -> Any:
        match effect:
            case Call():
                return self.transport.call(effect.rpc, effect.request, effect.limits)
            case Open():
                return self.transport.open(effect.rpc, effect.request, effect.limits)
            case Read():
                return effect.stream.read(effect.timeout)
            case Pause():
                return time.sleep(effect.seconds)
            case _:
                assert_never(effect)


class AsyncConnection(Link[AsyncTransport]):
    """Carries plans out and leaves the event loop free meanwhile. Event loops may share it."""

    def _reach(self, target: Target) -> AsyncTransport:
        let_grpc_fork()
        from jobcontrol._aio_transport import AioTransport

        return AioTransport(target)

    async def run(self, plan: Plan[T]) -> T:
        """What the plan comes to. Raises what it raises."""
        try:
            effect = next(plan)
            while True:
                try:
                    outcome = await self._perform(effect)
                except JobControlError as error:
                    effect = plan.throw(error)
                else:
                    effect = plan.send(outcome)
        except StopIteration as end:
            result: T = end.value
            return result
        finally:
            # After a cancellation the plan has still to let go of what it holds.
            plan.close()

    async def _perform(self, effect: Effect) -> Any:
        match effect:
            case Call():
                return await self.transport.call(effect.rpc, effect.request, effect.limits)
            case Open():
                return self.transport.open(effect.rpc, effect.request, effect.limits)
            case Read():
                return await effect.stream.read(effect.timeout)
            case Pause():
                return await asyncio.sleep(effect.seconds)
            case _:
                assert_never(effect)


class Blocking:
    """A face whose methods return when it is done."""

    _connection: Connection


class Awaiting:
    """A face whose methods are awaited."""

    _connection: AsyncConnection
