"""Large values, kept once by their SHA-256, as long as a job names them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, delete, literal, select, union
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.store.tables import blobs, job_blobs, jobs, steps

#: JSON text up to this many bytes stays in its row.
INLINE_LIMIT = 8 << 10
#: Values that one statement is about.
_AT_ONCE = 200


def put_blobs(tx: Connection, now: datetime, values: Iterable[tuple[str, bytes]]) -> None:
    """Keep each value, if it is not kept already, for the job that names it, whose row is there."""
    by_digest, uses = dict[str, bytes](), set[tuple[str, str]]()
    for job_id, value in values:
        digest = digest_of(value)
        by_digest[digest] = value
        uses.add((job_id, digest))
    # In digest order, so that two transactions that keep the same values never wait in a circle.
    digests = sorted(by_digest)
    for start in range(0, len(digests), _AT_ONCE):
        _keep(tx, now, {digest: by_digest[digest] for digest in digests[start : start + _AT_ONCE]})
    _insert_missing(tx, job_blobs, [{"job_id": job_id, "sha256": digest} for job_id, digest in sorted(uses)])


def copy_uses(tx: Connection, job_id: str) -> None:
    """Note what the rows of a new job name that were copied from an old one's."""
    named = union(
        select(steps.c.input_sha256.label("sha256")).where(steps.c.job_id == job_id),
        select(steps.c.output_sha256).where(steps.c.job_id == job_id),
        select(jobs.c.document_sha256).where(jobs.c.id == job_id),
    ).subquery()
    copied = select(literal(job_id), named.c.sha256).where(named.c.sha256.is_not(None))
    noted = _insert(tx, job_blobs).from_select(["job_id", "sha256"], copied)
    tx.execute(noted.on_conflict_do_nothing())


def drop_uses(tx: Connection, job_id: str, limit: int) -> bool:
    """Forget up to `limit` uses of a job, whose row is locked, and delete values that no job names any more.

    False = it had none.
    """
    use = job_blobs.c
    found = select(use.sha256).where(use.job_id == job_id).order_by(use.sha256).limit(limit)
    digests = tx.execute(found).scalars().all()
    tx.execute(delete(job_blobs).where(use.job_id == job_id, use.sha256.in_(digests)))
    # Whoever is about to name one of them holds it until the commit. Only after that is looked who names it.
    held = select(blobs.c.sha256).where(blobs.c.sha256.in_(digests)).order_by(blobs.c.sha256).with_for_update()
    tx.execute(held).all()
    is_named = select(use.job_id).where(use.sha256 == blobs.c.sha256).exists()
    tx.execute(delete(blobs).where(blobs.c.sha256.in_(digests), ~is_named))
    return bool(digests)


def _keep(tx: Connection, now: datetime, values: Mapping[str, bytes]) -> None:
    missing = set(values)
    while missing:
        rows = [{"sha256": digest, "data": values[digest], "created_at": now} for digest in sorted(missing)]
        _insert_missing(tx, blobs, rows)
        # Held until the commit: one that was there may be about to go.
        held = select(blobs.c.sha256).where(blobs.c.sha256.in_(values)).order_by(blobs.c.sha256)
        missing -= set(tx.execute(held.with_for_update(read=True, key_share=True)).scalars())


def _insert_missing(tx: Connection, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        tx.execute(_insert(tx, table).on_conflict_do_nothing(), rows)


def _insert(tx: Connection, table: Table) -> Any:
    return (sqlite if tx.dialect.name == "sqlite" else postgresql).insert(table)


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
        self._long: list[tuple[str, bytes]] = []

    def columns(self, job_id: str, name: str, text: str | None) -> dict[str, str | None]:
        """The two columns `name` and `name_sha256` of a row of this job for this text."""
        if text is None or len(text) * 4 <= INLINE_LIMIT:
            return {name: text, f"{name}_sha256": None}
        data = text.encode()
        if len(data) <= INLINE_LIMIT:
            return {name: text, f"{name}_sha256": None}
        return {name: None, f"{name}_sha256": self.keep(job_id, data)}

    def keep(self, job_id: str, value: bytes) -> str:
        """The digest of a value of this job that is kept as a blob whatever its size."""
        self._long.append((job_id, value))
        return digest_of(value)

    def write(self, tx: Connection, now: datetime) -> None:
        """Keep the long ones."""
        put_blobs(tx, now, self._long)


def unspill(tx: Connection, text: str | None, digest: str | None) -> str | None:
    """The text of a pair of columns that `Spill.columns` made."""
    return get_blob(tx, digest).decode() if digest is not None else text
