"""The schema of one database: which revision it has, and moving it to another."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.faults import told_as_unavailable

#: Where the revisions are.
FOLDER = Path(__file__).parent
BASE = "base"
HEAD = "head"

#: Any number that nobody else locks in this database.
_LOCK = 7_205_759_403
#: How long one migrator waits for another.
_WAIT_SECONDS = 600
#: How long a change of a table may make the others wait behind it; then it gives up, to be run again.
_TABLE_LOCK_SECONDS = 10


def upgrade(url: str, revision: str = HEAD) -> None:
    """Bring the database to `revision`, in one transaction: all of it or nothing.

    Repeating it does no harm. Of several at once, on any machines, one works and the others wait for it.
    """
    with _migrating(url) as tx:
        command.upgrade(config(tx), revision)


def downgrade(url: str, revision: str) -> None:
    """Go back to `revision`; "base" removes every table and what it holds."""
    with _migrating(url) as tx:
        command.downgrade(config(tx), revision)


def current(url: str) -> str | None:
    """The revision that the database has; None if it was never migrated."""
    store = Store(url)
    try:
        return store.read(_read_revision)
    finally:
        store.close()


def head() -> str:
    """The revision that this release wants."""
    newest = ScriptDirectory.from_config(config()).get_current_head()
    assert newest is not None
    return newest


def is_current(url: str) -> bool:
    """True if the database has the revision that this release wants."""
    return current(url) == head()


def config(tx: Connection | None = None) -> Config:
    """Alembic's configuration without a file, working in the transaction `tx`."""
    made = Config()
    made.set_main_option("script_location", str(FOLDER))
    made.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    made.set_main_option("path_separator", "os")
    made.attributes["connection"] = tx
    return made


def _read_revision(tx: Connection) -> str | None:
    return MigrationContext.configure(tx).get_current_revision()


@contextmanager
def _migrating(url: str) -> Iterator[Connection]:
    """A transaction that no other migrator shares the database with."""
    store = Store(url)
    try:
        with told_as_unavailable(), store.engine.connect() as connection:
            if store.is_sqlite:
                _prepare_sqlite(connection)
            with connection.begin():
                if not store.is_sqlite:
                    _lock_postgres(connection)
                yield connection
                if store.is_sqlite:
                    _check_foreign_keys(connection)
    finally:
        store.close()


def _prepare_sqlite(connection: Connection) -> None:
    """What SQLite takes before a transaction only, so on the driver's connection, which begins none.

    Foreign keys are off because SQLite changes a column by making the table anew: dropping the old one would
    delete what points to it. The transaction itself, BEGIN IMMEDIATE, is the lock.
    """
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.execute("PRAGMA foreign_keys = OFF")
    driver.execute(f"PRAGMA busy_timeout = {_WAIT_SECONDS * 1000}")


def _check_foreign_keys(connection: Connection) -> None:
    orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    if orphans:
        raise RuntimeError(f"the migration would leave {len(orphans)} rows that point to nothing: {orphans[:3]}")


def _lock_postgres(connection: Connection) -> None:
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_WAIT_SECONDS}s'")
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
    connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_TABLE_LOCK_SECONDS}s'")
