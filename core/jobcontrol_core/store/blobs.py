"""Large values, kept once by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.store.tables import blobs

#: JSON text up to this many bytes stays in its row.
INLINE_LIMIT = 8 << 10


def put_blobs(tx: Connection, now: datetime, values: Iterable[bytes]) -> None:
    """Keep each value, if it is not kept already."""
    by_digest = {digest_of(value): value for value in values}
    if not by_digest:
        return
    # In digest order, so that two transactions that keep the same values never wait in a circle.
    rows = [{"sha256": digest, "data": by_digest[digest], "created_at": now} for digest in sorted(by_digest)]
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    tx.execute(dialect.insert(blobs).on_conflict_do_nothing(), rows)


def get_blob(tx: Connection, digest: str) -> bytes:
    """The value kept under `digest`, which must be there."""
    data = tx.execute(select(blobs.c.data).where(blobs.c.sha256 == digest)).scalar_one()
    return bytes(data)


def digest_of(value: bytes) -> str:
    """The SHA-256 of `value` in hex."""
    return hashlib.sha256(value).hexdigest()


class Spill:
    """Sorts JSON texts into short ones, kept in their row, and long ones, kept as blobs by `write`."""

    def __init__(self) -> None:
        self._long: list[bytes] = []

    def columns(self, name: str, text: str | None) -> dict[str, str | None]:
        """The two columns `name` and `name_sha256` of a row for this text."""
        if text is None or len(text) * 4 <= INLINE_LIMIT:
            return {name: text, f"{name}_sha256": None}
        data = text.encode()
        if len(data) <= INLINE_LIMIT:
            return {name: text, f"{name}_sha256": None}
        return {name: None, f"{name}_sha256": self.keep(data)}

    def keep(self, value: bytes) -> str:
        """The digest of a value that is kept as a blob whatever its size."""
        self._long.append(value)
        return digest_of(value)

    def write(self, tx: Connection, now: datetime) -> None:
        """Keep the long ones."""
        put_blobs(tx, now, self._long)


def unspill(tx: Connection, text: str | None, digest: str | None) -> str | None:
    """The text of a pair of columns that `Spill.columns` made."""
    return get_blob(tx, digest).decode() if digest is not None else text
