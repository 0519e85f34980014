"""Writes the next migration from what changed in the tables: python -m jobcontrol_migrations "add labels"."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.script import ScriptDirectory

from jobcontrol_core.store.engine import Store
from jobcontrol_migrations.schema import config, upgrade


def write_revision(message: str) -> Path:
    """The file of a new revision, whose body is what tells the tables of the core from the newest revision."""
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite+pysqlite:///{Path(folder) / 'newest.db'}"
        upgrade(url)
        store = Store(url)
        try:
            with store.engine.begin() as tx:
                written = command.revision(config(tx), message, autogenerate=True, rev_id=_next_number())
        finally:
            store.close()
    assert written is not None and not isinstance(written, list)
    return Path(written.path)


def _next_number() -> str:
    revisions = ScriptDirectory.from_config(config()).walk_revisions()
    return f"{len(list(revisions)) + 1:04d}"


if __name__ == "__main__":
    if len(sys.argv) != 2 or not sys.argv[1].strip():
        sys.exit('usage: python -m jobcontrol_migrations "what changes"')
    sys.stdout.write(f"{write_revision(sys.argv[1].strip())}\n")
