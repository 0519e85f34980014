"""The store: one SQLAlchemy engine, and the two ways of using it, reading and writing."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url

from jobcontrol_core.store.faults import told_as_unavailable
from jobcontrol_core.store.writer import SqliteWriter

P = ParamSpec("P")
R = TypeVar("R")

READ_ONLY = {"jobcontrol_read_only": True}
SQLITE_BUSY_SECONDS = 5.0
_WAL_PAUSE = 0.005
POSTGRES_CONNECT_SECONDS = 5
POSTGRES_LOCK_MS = 5_000
POSTGRES_STATEMENT_MS = 30_000


class Store:
    """Runs functions of a Connection in a transaction of their own. Thread-safe; not carried across fork.

    Everything raised by a database that is away or full comes out as domain `Unavailable`.
    """

    def __init__(self, url: str, *, pool_size: int = 8) -> None:
        parsed = make_url(url)
        self.is_sqlite = parsed.get_backend_name() == "sqlite"
        self.engine = _sqlite_engine(parsed) if self.is_sqlite else _postgres_engine(parsed, pool_size)
        self._writer = SqliteWriter(self.engine) if self.is_sqlite else None

    def read(self, fn: Callable[Concatenate[Connection, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`fn(tx, ...)` on one consistent picture of the database; nothing is written."""
        with told_as_unavailable(), self.engine.connect() as connection:
            # SQLite reads in a deferred transaction, which is a snapshot; PostgreSQL needs to be asked for one.
            options: dict[str, Any] = dict(READ_ONLY)
            if not self.is_sqlite:
                options["isolation_level"] = "REPEATABLE READ"
            return fn(connection.execution_options(**options), *args, **kwargs)

    def write(self, fn: Callable[Concatenate[Connection, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """`fn(tx, ...)`, committed and synced when this returns; all or nothing."""
        with told_as_unavailable():
            if self._writer is not None:
                return self._writer.submit(lambda tx: fn(tx, *args, **kwargs)).result()
            with self.engine.begin() as tx:
                return fn(tx, *args, **kwargs)

    def close(self) -> None:
        """Finish the writes that were handed in and give all connections back."""
        if self._writer is not None:
            self._writer.close()
        self.engine.dispose()


def _sqlite_engine(url: URL) -> Engine:
    if url.database:
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url, connect_args={"timeout": SQLITE_BUSY_SECONDS, "check_same_thread": False})

    @event.listens_for(engine, "connect")
    def configure(connection: Any, _record: Any) -> None:
        # The driver's own transaction handling loses updates; ours begins every transaction explicitly.
        connection.isolation_level = None
        _keep_a_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        is_read_only = connection.get_execution_options().get("jobcontrol_read_only", False)
        connection.exec_driver_sql("BEGIN" if is_read_only else "BEGIN IMMEDIATE")

    return engine


def _keep_a_wal(connection: sqlite3.Connection) -> None:
    """Journal in a WAL. SQLite answers busy at once, whatever its timeout, while others open a new file as well."""
    until = time.monotonic() + SQLITE_BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                raise
            time.sleep(_WAL_PAUSE)


def _postgres_engine(url: URL, pool_size: int) -> Engine:
    settings = (
        f"-c lock_timeout={POSTGRES_LOCK_MS} -c statement_timeout={POSTGRES_STATEMENT_MS} "
        f"-c idle_in_transaction_session_timeout={POSTGRES_STATEMENT_MS} -c synchronous_commit=on"
    )
    return create_engine(
        url,
        pool_pre_ping=True,
        pool_size=pool_size,
        max_overflow=pool_size,
        pool_timeout=POSTGRES_CONNECT_SECONDS,
        connect_args={"connect_timeout": POSTGRES_CONNECT_SECONDS, "options": settings},
    )
