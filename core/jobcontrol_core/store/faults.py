"""Which database failures mean "try again", in the engine's own words."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobcontrol_core.domain.errors import BackendUnavailable, StorageFull, Unavailable

_FULL = ("disk is full", "no space left", "could not extend file", "disk I/O error")


def unavailability(error: BaseException) -> Unavailable | None:
    """The domain error for a database that is away or full; None if `error` is of another kind."""
    if isinstance(error, DBAPIError) and any(word in str(error.orig) for word in _FULL):
        return StorageFull()
    if isinstance(error, DBAPIError) and _is_mistake(error.orig):
        return None
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return BackendUnavailable()
    if isinstance(error, DBAPIError) and error.connection_invalidated:
        return BackendUnavailable()
    return None


def _is_mistake(original: BaseException | None) -> bool:
    """SQLite calls a wrong statement, such as one about a missing table, operational too; no retry mends that."""
    return isinstance(original, sqlite3.Error) and getattr(original, "sqlite_errorcode", None) == sqlite3.SQLITE_ERROR


@contextmanager
def told_as_unavailable() -> Iterator[None]:
    """Turn a database that is away or full into Unavailable; let everything else through."""
    try:
        yield
    except Exception as error:
        told = unavailability(error)
        if told is None:
            raise
        raise told from error
