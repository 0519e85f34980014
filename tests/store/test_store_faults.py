"""Which database failures mean "try again", and which do not."""

from collections.abc import Callable

import pytest
from sqlalchemy import Connection, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jobcontrol_core.domain.errors import BackendUnavailable, JobNotFound, StorageFull, Unavailable
from jobcontrol_core.domain.moments import EPOCH
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.faults import unavailability
from jobcontrol_core.store.tables import leases


def query(sql: str) -> Callable[[Connection], None]:
    return lambda tx: tx.execute(text(sql)).close()


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OperationalError("", {}, Exception("server closed the connection")), BackendUnavailable),
        (OperationalError("", {}, Exception("could not extend file: No space left on device")), StorageFull),
        (DBAPIError("", {}, Exception("database or disk is full")), StorageFull),
        (DBAPIError("", {}, Exception("connection gone"), connection_invalidated=True), BackendUnavailable),
        (PoolTimeout(), BackendUnavailable),
        (DBAPIError("", {}, Exception("value too long")), None),
        (IntegrityError("", {}, Exception("duplicate key")), None),
        (ValueError("no database at all"), None),
    ],
)
def test_a_failure_of_the_database_is_told_in_our_own_words(
    error: BaseException, told: type[Unavailable] | None
) -> None:
    found = unavailability(error)
    assert (type(found) if found else None) is told


def test_a_postgresql_that_is_not_there_is_unavailable_to_readers_and_writers() -> None:
    store = Store("postgresql+psycopg://nobody@127.0.0.1:1/nothing")
    for use in (store.read, store.write):
        with pytest.raises(BackendUnavailable):
            use(query("SELECT 1"))
    store.close()


def test_a_connection_that_the_server_ended_is_replaced(postgres_store_url: str) -> None:
    store, other = Store(postgres_store_url, pool_size=1), Store(postgres_store_url)
    store.read(query("SELECT 1"))
    other.write(query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()"))  # fmt: skip
    store.read(query("SELECT 1"))
    for one in (store, other):
        one.close()


def test_a_server_that_ends_a_transaction_half_way_is_unavailable(postgres_store_url: str) -> None:
    store, other = Store(postgres_store_url), Store(postgres_store_url)

    def be_ended(tx: Connection) -> None:
        tx.execute(insert(leases).values(name="half", holder="h", until=EPOCH))
        pid = tx.execute(text("SELECT pg_backend_pid()")).scalar_one()
        other.write(query(f"SELECT pg_terminate_backend({pid})"))
        tx.execute(text("SELECT 1"))

    with pytest.raises(BackendUnavailable):
        store.write(be_ended)
    assert store.read(lambda tx: tx.execute(leases.select()).all()) == []
    for one in (store, other):
        one.close()


def test_a_lock_that_is_held_too_long_is_unavailable(postgres_store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobcontrol_core.store.engine.POSTGRES_LOCK_MS", 20)
    store = Store(postgres_store_url)

    def wait_for_another(tx: Connection) -> None:
        tx.execute(text("LOCK TABLE leases"))
        store.write(query("LOCK TABLE leases"))

    with pytest.raises(BackendUnavailable):
        store.write(wait_for_another)
    store.close()


def test_a_statement_that_is_wrong_is_no_outage(store: Store) -> None:
    with pytest.raises(DBAPIError, match="nothing_like_it"):
        store.read(query("SELECT * FROM nothing_like_it"))


def test_what_the_engine_refuses_passes_through(store: Store) -> None:
    def refuse(tx: Connection) -> None:
        tx.execute(insert(leases).values(name="a", holder="h", until=EPOCH))
        raise JobNotFound("x")

    with pytest.raises(JobNotFound):
        store.write(refuse)
    assert store.read(lambda tx: tx.execute(leases.select()).all()) == []


def test_a_read_is_one_consistent_picture(store: Store) -> None:
    def read_twice(tx: Connection) -> tuple[int, int]:
        first = len(tx.execute(leases.select()).all())
        store.write(lambda tx: tx.execute(insert(leases).values(name="a", holder="h", until=EPOCH)))
        return first, len(tx.execute(leases.select()).all())

    assert store.read(read_twice) == (0, 0)


def test_postgresql_syncs_every_commit_and_bounds_every_wait(postgres_store_url: str) -> None:
    store = Store(postgres_store_url)
    settings = ("synchronous_commit", "lock_timeout", "statement_timeout")
    found = store.read(lambda tx: [tx.execute(text(f"SHOW {name}")).scalar_one() for name in settings])
    assert found == ["on", "5s", "30s"]
    store.close()
