"""Lists of the server: iterated, they fetch page after page as they are needed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Generic, TypeVar

from jobcontrol._connection import AsyncConnection, Awaiting, Blocking, Connection
from jobcontrol._operation import operation
from jobcontrol._paging import Page, Pager, Walk, everything
from jobcontrol._plans import Plan

T = TypeVar("T")

__all__ = ["AsyncListing", "Listing", "Page"]


class _ListingCalls(Generic[T]):
    """What both kinds of lists can do."""

    _pager: Pager[T]

    @operation
    def first(self, count: int) -> Plan[list[T]]:
        """The first things of the list, `count` or as many as there are."""
        most = count if self._pager.most is None else min(count, self._pager.most)
        return (yield from everything(replace(self._pager, most=most)))

    @operation
    def all(self) -> Plan[list[T]]:
        """The whole list."""
        return (yield from everything(self._pager))

    @operation
    def page(self, token: str = "", *, size: int = 50) -> Plan[Page[T]]:
        """One piece of the list: its beginning, or what follows the page whose `next_token` is given."""
        return (yield from self._pager.page(token, size))

    @operation
    def count(self) -> Plan[int]:
        """How many things there are; all pages are read for it."""
        walk = Walk(self._pager)
        while (yield from walk.next_items()):
            pass
        return walk.given


class Listing(_ListingCalls[T], Blocking):
    """A list that is read as it is iterated, each time anew. What is added meanwhile neither repeats nor hides any."""

    def __init__(self, connection: Connection, pager: Pager[T]) -> None:
        self._connection, self._pager = connection, pager

    def __iter__(self) -> Iterator[T]:
        walk = Walk(self._pager)
        while items := self._connection.run(walk.next_items()):
            yield from items


class AsyncListing(_ListingCalls[T], Awaiting):
    """A `Listing` for `async for`."""

    def __init__(self, connection: AsyncConnection, pager: Pager[T]) -> None:
        self._connection, self._pager = connection, pager

    async def __aiter__(self) -> AsyncIterator[T]:
        walk = Walk(self._pager)
        while items := await self._connection.run(walk.next_items()):
            for item in items:
                yield item
