"""The tables as this release reads them, held against those that a database has."""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from jobcontrol_core.store.tables import metadata

_SHOWN = 3


class NotMigrated(Exception):
    """The database lacks tables or columns of this release."""

    def __init__(self, lacking: list[str]) -> None:
        shown = ", ".join(lacking[:_SHOWN]) + (", …" if len(lacking) > _SHOWN else "")
        super().__init__(f"the database lacks tables of this release ({shown}); bring it up to date: jobctl migrate")


def require_tables(tx: Connection) -> None:
    """Raise NotMigrated unless every table and column is there.

    More may be there than this release knows: a newer one migrates before the older one stops.
    """
    if lacking := _lacking(tx):
        raise NotMigrated(lacking)


def _lacking(tx: Connection) -> list[str]:
    inspector = inspect(tx)
    present = set(inspector.get_table_names())
    lacking = []
    for table in metadata.sorted_tables:
        if table.name not in present:
            lacking.append(table.name)
            continue
        columns = {column["name"] for column in inspector.get_columns(table.name)}
        lacking += [f"{table.name}.{column.name}" for column in table.columns if column.name not in columns]
    return lacking
