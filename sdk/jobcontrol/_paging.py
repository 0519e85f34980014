"""Lists that come in pages: what to ask for next, and when the end has come. No input or output."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from jobcontrol._plans import Limits, Plan, call
from jobcontrol._rpcs import Rpc

#: Most things asked for in one page; the server allows 1,000.
PAGE_SIZE = 200

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """A piece of a list. `next_token` asks for the piece after it, and is empty at the end."""

    items: tuple[T, ...]
    next_token: str = ""

    @property
    def is_last(self) -> bool:
        return not self.next_token


@dataclass(frozen=True, slots=True)
class Pager(Generic[T]):
    """One list: how to ask for a page, and how to `read` its things from the answer. `most` ends it early."""

    rpc: Rpc[Any, Any]
    request: Any
    read: Callable[[Any], Iterable[T]]
    limits: Limits
    most: int | None = None

    def page(self, token: str, size: int) -> Plan[Page[T]]:
        """The piece that begins at `token`, of at most `size` things."""
        request = self.rpc.request(page_size=size, page_token=token)
        request.MergeFrom(self.request)
        answer = yield from call(self.rpc, request, self.limits)
        return Page(tuple(self.read(answer)), answer.next_page_token)


@dataclass(slots=True)
class Walk(Generic[T]):
    """How far somebody has come in a list."""

    pager: Pager[T]
    token: str = ""
    given: int = 0
    is_over: bool = False

    def next_items(self) -> Plan[tuple[T, ...]]:
        """The next things, as many as come in one page; none at the end."""
        while not self.is_over:
            left = PAGE_SIZE if self.pager.most is None else self.pager.most - self.given
            if left <= 0:
                break
            page = yield from self.pager.page(self.token, min(left, PAGE_SIZE))
            self.token, self.is_over = page.next_token, page.is_last
            items = page.items[:left] if self.pager.most is not None else page.items
            self.given += len(items)
            if items:
                return items
        return ()


def everything(pager: Pager[T]) -> Plan[list[T]]:
    """The whole list."""
    walk, found = Walk(pager), list[T]()
    while items := (yield from walk.next_items()):
        found += items
    return found
