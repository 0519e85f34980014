"""How one method serves both clients: written once, as a plan, it blocks on one and is awaited on the other.

    @operation
    def stats(self, ...) -> Plan[Stats]: ...      # Client: -> Stats; AsyncClient: -> a coroutine of Stats

Names, arguments and docstrings are the same by construction, for people and for type checkers.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Awaitable, Callable, Coroutine, Generator
from functools import cache, wraps
from types import MethodType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, ParamSpec, TypeVar, overload

from jobcontrol._connection import Awaiting, Blocking
from jobcontrol._plans import Plan

if TYPE_CHECKING:
    from jobcontrol._paging import Pager
    from jobcontrol._watching import WatchedJob
    from jobcontrol.batch import AsyncBatch, Batch
    from jobcontrol.job import AsyncJob, Job
    from jobcontrol.listing import AsyncListing, Listing
    from jobcontrol.watch import AsyncWatch, Watch

#: In annotations of what is written: a Job or an AsyncJob, a Batch or an AsyncBatch, as the face is.
AnyJob = Any
AnyBatch = Any

P = ParamSpec("P")
T = TypeVar("T")


class _Method:
    """A method as it stands in the class that both faces derive from."""

    def __init__(self, written: Callable[..., Any]) -> None:
        self._written = written
        self.__doc__ = written.__doc__

    def _bind(self, face: object, owner: type[Any]) -> Any:
        method = self._faced(issubclass(owner, Awaiting))
        return method if face is None else MethodType(method, face)

    def _faced(self, is_awaited: bool) -> Callable[..., Any]:
        return _awaiting(self._written) if is_awaited else _blocking(self._written)


class operation(_Method, Generic[P, T]):
    """A plan whose outcome is the same for both."""

    def __init__(self, written: Callable[Concatenate[Any, P], Plan[T]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, T]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)


class job_operation(_Method, Generic[P]):
    """A plan whose outcome is a job, of the face's own kind."""

    def __init__(self, written: Callable[Concatenate[Any, P], Plan[AnyJob]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, Job]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, AsyncJob]]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)


class batch_operation(_Method, Generic[P]):
    """A plan whose outcome is a batch, of the face's own kind."""

    def __init__(self, written: Callable[Concatenate[Any, P], Plan[AnyBatch]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, Batch]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, Coroutine[Any, Any, AsyncBatch]]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)


class read_property(Generic[T]):
    """A property that asks the server; on an `AsyncClient`'s things it is awaited."""

    def __init__(self, written: Callable[[Any], Plan[T]]) -> None:
        self._written = written
        self.__doc__ = written.__doc__

    @overload
    def __get__(self, face: None, owner: type[Any]) -> read_property[T]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> T: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Awaitable[T]: ...
    def __get__(self, face: Any, owner: type[Any]) -> Any:
        if face is None:
            return self
        return (
            _Awaited(face, self._written) if isinstance(face, Awaiting) else face._connection.run(self._written(face))
        )


class _Awaited(Generic[T]):
    """What a property gives that is awaited: nothing is asked, and nothing is left over, before somebody awaits it."""

    def __init__(self, face: Awaiting, written: Callable[[Any], Plan[T]]) -> None:
        self._face, self._written = face, written

    def __await__(self) -> Generator[Any, Any, T]:
        return self._face._connection.run(self._written(self._face)).__await__()


class _Listing(_Method):
    def _faced(self, is_awaited: bool) -> Callable[..., Any]:
        from jobcontrol.listing import AsyncListing, Listing

        return _made(self._written, AsyncListing if is_awaited else Listing)


class listing(_Listing, Generic[P, T]):
    """A list of the server that pages itself; what is written gives its pager."""

    def __init__(self, written: Callable[Concatenate[Any, P], Pager[T]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, Listing[T]]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, AsyncListing[T]]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)


class job_listing(_Listing, Generic[P]):
    """A list of jobs, of the face's own kind."""

    def __init__(self, written: Callable[Concatenate[Any, P], Pager[AnyJob]]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, Listing[Job]]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, AsyncListing[AsyncJob]]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)


class watch_operation(_Method, Generic[P]):
    """A watch; what is written gives the watched job."""

    def __init__(self, written: Callable[Concatenate[Any, P], WatchedJob]) -> None:
        super().__init__(written)

    @overload
    def __get__(self, face: None, owner: type[Any]) -> Callable[..., Any]: ...
    @overload
    def __get__(self, face: Blocking, owner: type[Any]) -> Callable[P, Watch]: ...
    @overload
    def __get__(self, face: Awaiting, owner: type[Any]) -> Callable[P, AsyncWatch]: ...
    def __get__(self, face: object, owner: type[Any]) -> Any:
        return self._bind(face, owner)

    def _faced(self, is_awaited: bool) -> Callable[..., Any]:
        from jobcontrol.watch import AsyncWatch, Watch

        return _made(self._written, AsyncWatch if is_awaited else Watch)


@cache
def _blocking(written: Callable[..., Plan[Any]]) -> Callable[..., Any]:
    @wraps(written)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return self._connection.run(written(self, *args, **kwargs))

    return _signed(method, written, "Job")


@cache
def _awaiting(written: Callable[..., Plan[Any]]) -> Callable[..., Any]:
    @wraps(written)
    async def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return await self._connection.run(written(self, *args, **kwargs))

    return _signed(method, written, "AsyncJob")


@cache
def _made(written: Callable[..., Any], kind: type[Any]) -> Callable[..., Any]:
    """A method that asks nothing yet: it gives a thing of this kind, made of the connection and of what is written."""

    @wraps(written)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return kind(self._connection, written(self, *args, **kwargs))

    return _signed(method, written, kind.__name__)


def _signed(method: Callable[..., Any], written: Callable[..., Any], kind: str) -> Callable[..., Any]:
    """Let `help` and notebooks show what this face gives, not the plan for it."""
    signature = inspect.signature(written)
    told = re.sub(r"^Plan\[(.*)\]$", r"\1", str(signature.return_annotation))
    told = re.sub(r"^Pager\b|^WatchedJob$", kind, told)
    told = re.sub(r"\bAny(Job|Batch)\b", r"Async\1" if kind.startswith("Async") else r"\1", told)
    method.__signature__ = signature.replace(return_annotation=told)  # type: ignore[attr-defined]
    return method
