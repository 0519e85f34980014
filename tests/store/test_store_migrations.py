"""Migrations: one tree for both databases, all or nothing, one migrator at a time."""

import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect, text

from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import metadata
from jobcontrol_migrations import current, downgrade, head, is_current, upgrade
from jobcontrol_migrations.schema import FOLDER, config
from store.builds import Builds, tree
from store.threads import together

_POSTGRES_COLUMNS = """
    SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default, collation_name
    FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version' ORDER BY 1, 2
"""
_POSTGRES_INDEXES = """
    SELECT tablename, indexname, indexdef FROM pg_indexes
    WHERE schemaname = 'public' AND tablename <> 'alembic_version' ORDER BY 1, 2
"""
_POSTGRES_CONSTRAINTS = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass ORDER BY 1, 2
"""
_SQLITE_SCHEMA = "SELECT tbl_name, name, sql FROM sqlite_master WHERE tbl_name <> 'alembic_version' ORDER BY 1, 2"


@contextmanager
def opened(url: str) -> Iterator[Store]:
    store = Store(url)
    try:
        yield store
    finally:
        store.close()


def schema_of(url: str) -> list[Any]:
    """Everything that the database itself says about its tables, with blanks made equal."""
    with opened(url) as store:
        queries = [_SQLITE_SCHEMA] if store.is_sqlite else [_POSTGRES_COLUMNS, _POSTGRES_INDEXES, _POSTGRES_CONSTRAINTS]
        return [[_plain(row) for row in store.read(_rows, query)] for query in queries]


def tables_of(url: str) -> set[str]:
    with opened(url) as store:
        return set(store.read(lambda tx: inspect(tx).get_table_names()))


def test_an_empty_database_becomes_current(database_url: str) -> None:
    assert current(database_url) is None
    assert not is_current(database_url)
    upgrade(database_url)
    assert current(database_url) == head()
    assert is_current(database_url)


def test_upgrading_twice_does_no_harm(database_url: str) -> None:
    upgrade(database_url)
    before = schema_of(database_url)
    upgrade(database_url)
    assert schema_of(database_url) == before


def test_the_migrations_leave_nothing_to_be_done_for_the_tables_of_the_core(database_url: str) -> None:
    upgrade(database_url)
    with opened(database_url) as store, store.engine.begin() as tx:
        command.check(config(tx))


def test_migrated_tables_are_to_the_letter_those_that_the_core_describes(
    database_url: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    upgrade(database_url)
    if database_url.startswith("sqlite"):
        other = f"sqlite+pysqlite:///{tmp_path / 'described.db'}"
    else:
        server = request.getfixturevalue("postgres_server")
        other = server.url(server.create_database())
    with opened(other) as store, store.engine.begin() as tx:
        metadata.create_all(tx)
        tx.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    assert schema_of(database_url) == schema_of(other)


def test_positions_sort_bytewise_on_postgresql(postgres_url: str) -> None:
    upgrade(postgres_url)
    (columns, *_) = schema_of(postgres_url)
    (position,) = [row for row in columns if row[:2] == ("steps", "position")]
    assert position[-1] == "C"


def test_a_downgrade_removes_every_table_and_an_upgrade_brings_them_back(database_url: str) -> None:
    upgrade(database_url)
    before = schema_of(database_url)
    downgrade(database_url, "base")
    assert tables_of(database_url) == {"alembic_version"}
    assert current(database_url) is None
    upgrade(database_url)
    assert schema_of(database_url) == before


def test_every_revision_goes_down_and_up_again(database_url: str) -> None:
    upgrade(database_url)
    revisions = [script.revision for script in ScriptDirectory.from_config(config()).walk_revisions()]
    for revision in revisions:
        downgrade(database_url, f"{revision}-1" if revision == revisions[-1] else "-1")
    assert current(database_url) is None
    for revision in reversed(revisions):
        upgrade(database_url, revision)
        assert current(database_url) == revision
    assert is_current(database_url)


def test_concurrent_upgrades_of_an_empty_database_do_the_work_once(database_url: str) -> None:
    together(5, lambda _: upgrade(database_url))
    assert is_current(database_url)


def test_an_upgrade_keeps_what_the_tables_hold(store_url: str) -> None:
    with opened(store_url) as store:
        builds = Builds(store)
        job_id = builds.start()
        builds.run(job_id, tree(2, 2))
    upgrade(store_url)
    with opened(store_url) as store:
        assert Builds(store).audit(job_id).percent == 100


@pytest.mark.parametrize("statements", [1, 9, 25])
def test_an_upgrade_that_is_killed_half_way_is_run_again(database_url: str, statements: int) -> None:
    killed = subprocess.run([sys.executable, "-c", _KILLED, database_url, str(statements)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert current(database_url) is None
    assert tables_of(database_url) == set()
    upgrade(database_url)
    assert is_current(database_url)


_KILLED = """
import os, signal, sys
from sqlalchemy import Engine, event
from jobcontrol_migrations import upgrade
left = int(sys.argv[2])
@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *_):
    global left
    left -= statement.lstrip().startswith("CREATE")
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
upgrade(sys.argv[1])
"""


def test_a_later_migration_may_rebuild_a_table_without_losing_what_points_to_it(
    store_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(store_url) as store:
        builds = Builds(store)
        job_id = builds.start()
        builds.run(job_id, tree(2, 2))
    monkeypatch.setattr("jobcontrol_migrations.schema.FOLDER", shutil.copytree(FOLDER, tmp_path / "copy"))
    (tmp_path / "copy" / "versions" / "9999_longer.py").write_text(_LONGER_TITLES.format(head()))
    upgrade(store_url)
    assert current(store_url) == "9999"
    with opened(store_url) as store:
        assert Builds(store).audit(job_id).percent == 100
        (title,) = [row for row in store.read(lambda tx: inspect(tx).get_columns("jobs")) if row["name"] == "title"]
    assert str(title["type"]) == "VARCHAR(300)"


_LONGER_TITLES = """
import sqlalchemy as sa
from alembic import op
revision, down_revision = "9999", "{}"
def upgrade():
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.alter_column("title", type_=sa.String(300), existing_server_default="")
"""


def test_an_unknown_revision_leaves_the_database_as_it_was(database_url: str) -> None:
    upgrade(database_url)
    before = schema_of(database_url)
    with pytest.raises(Exception, match="nothing_like_it"):
        downgrade(database_url, "nothing_like_it")
    assert schema_of(database_url) == before


def test_the_next_revision_is_numbered_and_empty_while_tables_and_migrations_agree(tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(FOLDER, copy)
    command_line = [sys.executable, "-c", _WRITES_ELSEWHERE, str(copy), "add labels"]
    written = subprocess.run(command_line, check=True, capture_output=True, text=True)
    path = Path(written.stdout.strip().splitlines()[-1])
    assert path.parent == copy / "versions"
    assert path.name == f"{int(head()) + 1:04d}_add_labels.py"
    body = path.read_text()
    assert body.startswith('"""Add labels."""')
    assert "op.create" not in body
    assert f'down_revision: str | None = "{head()}"' in body.replace("'", '"')


_WRITES_ELSEWHERE = """
import pathlib, runpy, sys
from jobcontrol_migrations import schema
schema.FOLDER = pathlib.Path(sys.argv.pop(1))
runpy.run_module("jobcontrol_migrations", run_name="__main__")
"""


def test_a_revision_without_a_message_is_refused() -> None:
    refused = subprocess.run(
        [sys.executable, "-m", "jobcontrol_migrations"],
        check=False,
        capture_output=True,
        text=True,
    )
    assert refused.returncode == 1
    assert "what changes" in refused.stderr


def _rows(tx: Connection, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in tx.execute(text(query))]


def _plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(_in_order(" ".join(value.split())) if isinstance(value, str) else value for value in row)


def _in_order(definition: str) -> str:
    """SQLite keeps a table as the text that made it, in which the order of constraints says nothing."""
    if not definition.startswith("CREATE TABLE"):
        return definition
    return ", ".join(sorted(definition.removesuffix(" )").split(", ")))
