"""What Alembic runs for every command: inside the caller's transaction, against the tables of the core."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column

from jobcontrol_core.store.clock import Moment
from jobcontrol_core.store.tables import metadata


def render_item(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """A Moment is written as the integer that it is, so that no migration changes when the core does."""
    if kind == "type" and isinstance(item, Moment):
        return "sa.BigInteger()"
    return False


def default_differs(
    _context: MigrationContext,
    _found: Column[Any],
    _wanted: Column[Any],
    found_default: str | None,
    _wanted_default: Any,
    wanted_text: str | None,
) -> bool | None:
    """False for an empty text on both sides, which Alembic finds different on SQLite; else None: Alembic compares."""
    return False if (found_default, wanted_text) == ("('')", "") else None


def run() -> None:
    """Run the command's migrations in the transaction that `schema` opened."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        compare_server_default=default_differs,
        render_item=render_item,
    )
    context.run_migrations()


run()
