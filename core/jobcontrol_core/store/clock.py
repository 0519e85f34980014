"""The one clock of the store: the database's own, so that skewed machines agree."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Connection, Dialect, select
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeDecorator

from jobcontrol_core.domain.moments import from_micros, to_micros


class Moment(TypeDecorator[datetime]):
    """An aware UTC datetime kept as microseconds since the epoch: exact, sortable, the same on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else to_micros(value)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else from_micros(value)


class db_now(FunctionElement[datetime]):
    """The database's time now, as a Moment."""

    type = Moment()
    inherit_cache = True


@compiles(db_now, "sqlite")
def _sqlite_now(element: Any, compiler: Any, **kw: Any) -> str:
    # SQLite's clock has milliseconds; 2440587.5 is the Julian day of the Unix epoch.
    return "(CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000)"


@compiles(db_now, "postgresql")
def _postgresql_now(element: Any, compiler: Any, **kw: Any) -> str:
    # Not now(): that is when the transaction began, which may be a long lock wait ago.
    return "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"


_NOW = select(db_now())


def read_now(tx: Connection) -> datetime:
    """The database's time, read once and used for everything that one transaction tells."""
    now = tx.execute(_NOW).scalar_one()
    assert isinstance(now, datetime)
    return now
