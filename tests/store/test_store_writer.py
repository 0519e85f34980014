"""SQLite's one writer: writes that arrive together share a commit, and each is told only after it."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, event, insert, select

from jobcontrol_core.domain.errors import BackendUnavailable, StorageFull
from jobcontrol_core.domain.moments import EPOCH
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import leases
from jobcontrol_core.store.writer import MAX_GROUP, SqliteWriter
from store.threads import together


class Refused(Exception):
    """What a write in these tests raises."""


class Gate:
    """Holds the writer in one write until everything else is queued."""

    def __init__(self) -> None:
        self.entered, self.opened = threading.Event(), threading.Event()

    def write(self, tx: Connection) -> None:
        self.entered.set()
        assert self.opened.wait(30)


@pytest.fixture
def sqlite_store(sqlite_store_url: str) -> Iterator[Store]:
    opened = Store(sqlite_store_url)
    yield opened
    opened.close()


@pytest.fixture
def writer(sqlite_store: Store) -> Iterator[SqliteWriter]:
    made = SqliteWriter(sqlite_store.engine)
    yield made
    made.close()


def put(tx: Connection, name: str) -> str:
    tx.execute(insert(leases).values(name=name, holder="h", until=EPOCH))
    return name


def put_and_fail(tx: Connection, name: str) -> None:
    put(tx, name)
    raise Refused(name)


def run(tx: Connection, sql: str) -> None:
    tx.exec_driver_sql(sql)


def read_one(tx: Connection, sql: str) -> int | str:
    value: int | str = tx.exec_driver_sql(sql).scalar_one()
    return value


def names(store: Store) -> list[str]:
    return store.read(lambda tx: sorted(tx.execute(select(leases.c.name)).scalars()))


def count_commits(engine: Engine) -> list[int]:
    commits: list[int] = []
    event.listen(engine, "commit", lambda _: commits.append(1))
    return commits


def grouped(writer: SqliteWriter, *writes: Callable[[Connection], object]) -> list[Future[object]]:
    """Hand writes in so that they are all queued before the first of them runs."""
    gate = Gate()
    writer.submit(gate.write)
    assert gate.entered.wait(30)
    futures = [writer.submit(write) for write in writes]
    gate.opened.set()
    return futures


def test_writes_that_arrive_together_share_a_commit(writer: SqliteWriter, sqlite_store: Store) -> None:
    commits = count_commits(sqlite_store.engine)
    futures = grouped(writer, *(lambda tx, n=n: put(tx, f"n{n}") for n in range(20)))
    assert [future.result(30) for future in futures] == [f"n{n}" for n in range(20)]
    assert len(names(sqlite_store)) == 20
    assert len(commits) == 2


def test_a_group_has_its_limit(writer: SqliteWriter, sqlite_store: Store) -> None:
    commits = count_commits(sqlite_store.engine)
    futures = grouped(writer, *(lambda tx, n=n: put(tx, f"n{n}") for n in range(MAX_GROUP + 1)))
    for future in futures:
        future.result(30)
    assert len(commits) == 3


def test_a_write_that_fails_is_rolled_back_alone(writer: SqliteWriter, sqlite_store: Store) -> None:
    before, failing, after = grouped(
        writer,
        lambda tx: put(tx, "before"),
        lambda tx: put_and_fail(tx, "failing"),
        lambda tx: put(tx, "after"),
    )
    assert (before.result(30), after.result(30)) == ("before", "after")
    with pytest.raises(Refused, match="failing"):
        failing.result(30)
    assert names(sqlite_store) == ["after", "before"]


def test_a_write_sees_its_neighbours_of_the_same_group(writer: SqliteWriter) -> None:
    _, seen = grouped(writer, lambda tx: put(tx, "first"), lambda tx: tx.execute(select(leases.c.name)).scalars().all())
    assert seen.result(30) == ["first"]


def test_nobody_is_told_before_the_commit(writer: SqliteWriter, sqlite_store: Store) -> None:
    told_early: list[bool] = []
    futures: list[Future[object]] = []
    event.listen(sqlite_store.engine, "commit", lambda _: told_early.extend(one.done() for one in futures))
    futures += grouped(writer, lambda tx: put(tx, "a"), lambda tx: put_and_fail(tx, "b"))
    assert futures[0].result(30) == "a"
    assert told_early
    assert not any(told_early)


def test_when_the_commit_fails_every_member_of_the_group_learns_why(writer: SqliteWriter, sqlite_store: Store) -> None:
    futures = grouped(
        writer,
        lambda tx: put(tx, "a"),
        lambda tx: run(tx, "ROLLBACK"),
        lambda tx: put(tx, "c"),
    )
    for future in futures:
        with pytest.raises(Exception, match="savepoint"):
            future.result(30)
    assert names(sqlite_store) == []
    assert writer.submit(lambda tx: put(tx, "d")).result(30) == "d"


def test_closing_runs_what_is_queued_first(sqlite_store: Store) -> None:
    writer = SqliteWriter(sqlite_store.engine)
    gate = Gate()
    writer.submit(gate.write)
    assert gate.entered.wait(30)
    last = writer.submit(lambda tx: put(tx, "last"))
    closing = threading.Thread(target=writer.close)
    closing.start()
    gate.opened.set()
    closing.join(30)
    assert last.result(0) == "last"
    with pytest.raises(RuntimeError, match="closed"):
        writer.submit(lambda tx: put(tx, "too late"))
    writer.close()


def test_a_closed_store_takes_no_write(sqlite_store_url: str) -> None:
    store = Store(sqlite_store_url)
    store.close()
    with pytest.raises(RuntimeError, match="closed"):
        store.write(lambda tx: put(tx, "a"))


def test_two_processes_writers_never_lose_an_update(sqlite_store_url: str) -> None:
    stores = [Store(sqlite_store_url) for _ in range(3)]
    stores[0].write(run, "CREATE TABLE counted (n INTEGER)")
    stores[0].write(run, "INSERT INTO counted VALUES (0)")

    def add(tx: Connection) -> None:
        n = tx.exec_driver_sql("SELECT n FROM counted").scalar_one()
        tx.exec_driver_sql(f"UPDATE counted SET n = {n + 1}")

    def add_often(number: int) -> None:
        for _ in range(20):
            stores[number % 3].write(add)

    together(6, add_often)
    assert stores[0].read(lambda tx: tx.exec_driver_sql("SELECT n FROM counted").scalar_one()) == 120
    for store in stores:
        store.close()


def test_a_reader_is_not_disturbed_by_a_writer(sqlite_store: Store) -> None:
    def read_twice(tx: Connection) -> tuple[int, int]:
        first = len(tx.execute(select(leases.c.name)).all())
        sqlite_store.write(lambda tx: put(tx, "in between"))
        return first, len(tx.execute(select(leases.c.name)).all())

    assert sqlite_store.read(read_twice) == (0, 0)
    assert names(sqlite_store) == ["in between"]


def test_every_commit_is_synced_to_the_disk(sqlite_store: Store) -> None:
    pragmas = [
        sqlite_store.read(read_one, f"PRAGMA {name}")
        for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
    ]
    assert pragmas == ["wal", 2, 1, 5_000]


def test_a_full_disk_is_told_as_such_and_reads_go_on(sqlite_store: Store) -> None:
    pages = sqlite_store.read(lambda tx: tx.exec_driver_sql("PRAGMA page_count").scalar_one())
    event.listen(sqlite_store.engine, "begin", lambda tx: tx.exec_driver_sql(f"PRAGMA max_page_count = {pages + 2}"))
    with pytest.raises(StorageFull):
        sqlite_store.write(lambda tx: [put(tx, f"n{number}" + "x" * 50) for number in range(2_000)])
    assert names(sqlite_store) == []
    assert sqlite_store.write(lambda tx: put(tx, "small")) == "small"


def test_a_database_that_stays_locked_is_told_as_unavailable(
    sqlite_store_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobcontrol_core.store.engine.SQLITE_BUSY_SECONDS", 0.01)
    store = Store(sqlite_store_url)
    with sqlite3.connect(store.engine.url.database or "", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(BackendUnavailable):
            store.write(lambda tx: put(tx, "a"))
        other.execute("ROLLBACK")
    other.close()
    assert store.write(lambda tx: put(tx, "a")) == "a"
    store.close()


def test_the_folder_of_a_new_database_is_made(tmp_path: Path) -> None:
    store = Store(f"sqlite+pysqlite:///{tmp_path / 'deep' / 'er' / 'jobcontrol.db'}")
    assert store.read(lambda tx: tx.exec_driver_sql("SELECT 1").scalar_one()) == 1
    store.close()


def test_a_new_file_may_be_opened_by_many_at_once(tmp_path: Path) -> None:
    def open_and_write(url: str) -> int:
        opened = Store(url)
        try:
            return opened.write(lambda tx: int(tx.exec_driver_sql("SELECT 1").scalar_one()))
        finally:
            opened.close()

    for number in range(25):
        url = f"sqlite:///{tmp_path}/{number}.db"
        assert together(6, lambda _, url=url: open_and_write(url)) == [1] * 6  # type: ignore[misc]
