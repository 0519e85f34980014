"""Trying out: what a write would answer, with everything that it did taken back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, Generic, ParamSpec, TypeVar

from sqlalchemy import Connection

from jobcontrol_core.store.engine import Store

P = ParamSpec("P")
R = TypeVar("R")


class _Undone(Exception, Generic[R]):
    """Takes a transaction back, and what it would have answered out of it."""

    def __init__(self, answer: R) -> None:
        self.answer = answer
        super().__init__()


def try_out(store: Store, act: Callable[Concatenate[Connection, P], R], *args: P.args, **kwargs: P.kwargs) -> R:
    """What `act(tx, ...)` answers now, or raises; nothing of it is kept."""

    def act_and_undo(tx: Connection) -> None:
        raise _Undone(act(tx, *args, **kwargs))

    try:
        store.write(act_and_undo)
    except _Undone as undone:
        answer: R = undone.answer
        return answer
    raise AssertionError("it is always undone")
