"""What every shared half of a client, a job or a list needs to write plans."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from jobcontrol._paging import Pager
from jobcontrol._plans import Limits, Plan, call
from jobcontrol._rpcs import A, Q, Rpc

T = TypeVar("T")


class Calling:
    """Writes plans within the limits of its connection, whichever of the two kinds that is."""

    _connection: Any

    @property
    def _limits(self) -> Limits:
        limits: Limits = self._connection.limits
        return limits

    def _call(self, rpc: Rpc[Q, A], request: Q) -> Plan[A]:
        return call(rpc, request, self._limits)

    def _pager(
        self, rpc: Rpc[Any, Any], request: Any, read: Callable[[Any], Iterable[T]], most: int | None = None
    ) -> Pager[T]:
        return Pager(rpc, request, read, self._limits, most)
