"""How calls reach the server, as the SDK sees it: what a test may stand in for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, TypeVar

from jobcontrol._rpcs import A, Q, Rpc

if TYPE_CHECKING:
    from jobcontrol._plans import Limits

A_co = TypeVar("A_co", covariant=True)


class Stream(Protocol[A_co]):
    """The answers of one streaming call."""

    def read(self, timeout: float) -> A_co | None:
        """The next answer, None once the server has ended the stream well.

        Raises RequestTimeout after `timeout` seconds of silence, and what `Transport.call` raises.
        """
        ...

    def cancel(self) -> None:
        """Let go of the call; harmless after its end."""
        ...


class Transport(Protocol):
    """Carries calls. Raises errors of `jobcontrol.errors` alone."""

    @property
    def address(self) -> str: ...

    def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A:
        """One answer. Raises ConnectionFailed, RequestTimeout or an ApiError."""
        ...

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> Stream[A]:
        """Start a streaming call; whatever goes wrong is raised by the first `read`."""
        ...

    def close(self) -> None:
        """Give the connection back; the next call would make a new one."""
        ...


class AsyncStream(Protocol[A_co]):
    """`Stream`, awaited. A `read` that ran out of time has lost nothing: the next one goes on."""

    async def read(self, timeout: float) -> A_co | None: ...

    def cancel(self) -> None: ...


class AsyncTransport(Protocol):
    """`Transport`, awaited."""

    @property
    def address(self) -> str: ...

    async def call(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> A: ...

    def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> AsyncStream[A]: ...

    async def close(self) -> None: ...
