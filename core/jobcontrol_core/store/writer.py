"""SQLite's one writer per process: writes that arrive together share a transaction, each in a savepoint."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, NestedTransaction
from sqlalchemy.exc import OperationalError

R = TypeVar("R")
Write = tuple[Callable[[Connection], Any], "Future[Any]"]

MAX_GROUP = 64
#: After a commit the file is left alone this long; without it a third process may wait over a second for the lock.
REST_SECONDS = 0.002


class SqliteWriter:
    """A thread that runs writes in the order of their arrival and answers once they are committed."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writes: queue.SimpleQueue[Write | None] = queue.SimpleQueue()
        self._gate = threading.Lock()
        self._is_closed = False
        self._thread = threading.Thread(target=self._run, name="sqlite-writer", daemon=True)
        self._thread.start()

    def submit(self, fn: Callable[[Connection], R]) -> Future[R]:
        """Queue `fn`; the future holds its result once committed, or what it raised, rolled back alone."""
        future: Future[R] = Future()
        with self._gate:
            if self._is_closed:
                raise RuntimeError("this store is closed")
            self._writes.put((fn, future))
        return future

    def close(self) -> None:
        """Run what is queued, then end the thread."""
        with self._gate:
            self._is_closed = True
            self._writes.put(None)
        self._thread.join()

    def _run(self) -> None:
        open_for_more = True
        while open_for_more:
            first = self._writes.get()
            if first is None:
                return
            group, open_for_more = self._gather(first)
            self._commit(group)
            time.sleep(REST_SECONDS)

    def _gather(self, first: Write) -> tuple[list[Write], bool]:
        group = [first]
        while len(group) < MAX_GROUP:
            try:
                write = self._writes.get_nowait()
            except queue.Empty:
                break
            if write is None:
                return group, False
            group.append(write)
        return group, True

    def _commit(self, group: list[Write]) -> None:
        """One transaction for the group. If it cannot commit, every member learns why."""
        answers: list[Callable[[], None]] = []
        try:
            with self._engine.begin() as tx:
                for fn, future in group:
                    answers.append(_run_in_savepoint(tx, fn, future))
        except Exception as error:  # noqa: BLE001
            # Not swallowed: each caller receives it.
            for _, future in group:
                future.set_exception(error)
            return
        for answer in answers:
            answer()


def _run_in_savepoint(tx: Connection, fn: Callable[[Connection], Any], future: Future[Any]) -> Callable[[], None]:
    """Run one write; the returned call tells its caller, and is made only after the commit."""
    savepoint = tx.begin_nested()
    try:
        result = fn(tx)
    except Exception as error:  # noqa: BLE001 - the caller receives it
        _roll_back(savepoint, error)
        refusal = error
        return lambda: future.set_exception(refusal)
    savepoint.commit()
    return lambda: future.set_result(result)


def _roll_back(savepoint: NestedTransaction, cause: Exception) -> None:
    """Undo one write; raise its `cause` for the whole group if SQLite undid everything, as on a full disk."""
    try:
        savepoint.rollback()
    except OperationalError:
        raise cause from None
