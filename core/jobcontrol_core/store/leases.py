"""Leases by name: of all servers one at a time leads."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, delete, or_
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.tables import leases


def take_lease(tx: Connection, name: str, holder: str, duration: timedelta) -> bool:
    """True if `holder` has the lease now, for `duration` from now: it was free, run out, or its own."""
    now = read_now(tx)
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    wish = dialect.insert(leases).values(name=name, holder=holder, until=now + duration)
    taken = wish.on_conflict_do_update(
        index_elements=[leases.c.name],
        set_={"holder": wish.excluded.holder, "until": wish.excluded.until},
        where=or_(leases.c.holder == holder, leases.c.until < now),
    ).returning(leases.c.holder)
    return tx.execute(taken).one_or_none() is not None


def drop_lease(tx: Connection, name: str, holder: str) -> None:
    """Give the lease up at once, if `holder` has it."""
    tx.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))
