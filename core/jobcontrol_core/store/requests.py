"""Idempotency: what a request id was used for, kept for 24 hours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.domain.errors import RequestIdReused
from jobcontrol_core.store.tables import request_ids

KEPT = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class RequestKey:
    """A caller's request id and a digest of everything else it asked for. An empty id means: not idempotent."""

    tenant: str
    request_id: str
    digest: str

    @classmethod
    def of(cls, tenant: str, request_id: str, method: str, content: bytes) -> RequestKey:
        """The key of one request: `content` is the request without its id, encoded deterministically."""
        return cls(tenant, request_id, hashlib.sha256(method.encode() + b"\0" + content).hexdigest())

    def of_part(self, part: str) -> RequestKey:
        """The key of what a batch does to one of its things; no caller can give such an id."""
        if not self.request_id:
            return self
        digest = hashlib.sha256(f"{self.request_id}\0{part}".encode()).hexdigest()
        return RequestKey(self.tenant, f"~{digest[:63]}", self.digest)


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """What the first request under this id led to: a job, or for a batch the answer itself."""

    job_id: str
    is_existing: bool
    answer: Mapping[str, Any] | None


def claim_request(tx: Connection, now: datetime, key: RequestKey, job_id: str = "") -> FirstAnswer | None:
    """Tie the request id to the job that is about to be made, or to a batch. None = go on and do it.

    Otherwise the answer that this request already got. Raises RequestIdReused if the id was another
    request's. The row commits with the job: a second caller waits here for the first, then reads.
    """
    if not key.request_id:
        return None
    tx.execute(delete(request_ids).where(_is_key(key), request_ids.c.created_at <= now - KEPT))
    row = {
        "tenant": key.tenant,
        "request_id": key.request_id,
        "digest": key.digest,
        "job_id": job_id or None,
        "is_existing": False,
        "created_at": now,
    }
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    statement = dialect.insert(request_ids).values(**row).on_conflict_do_nothing().returning(request_ids.c.request_id)
    if tx.execute(statement).one_or_none() is not None:
        return None
    first = tx.execute(select(request_ids).where(_is_key(key))).one()
    if first.digest != key.digest:
        raise RequestIdReused(key.request_id)
    return FirstAnswer(first.job_id or "", first.is_existing, first.answer)


def answer_with_existing(tx: Connection, key: RequestKey, job_id: str) -> None:
    """The request, claimed in this transaction, is answered by a job that was there before."""
    if key.request_id:
        tx.execute(update(request_ids).where(_is_key(key)).values(job_id=job_id, is_existing=True))


def keep_answer(tx: Connection, key: RequestKey, answer: Mapping[str, Any]) -> None:
    """The batch request, claimed in this transaction, is answered with this."""
    if key.request_id:
        tx.execute(update(request_ids).where(_is_key(key)).values(answer=dict(answer)))


def prune_requests(tx: Connection, now: datetime) -> int:
    """Forget what is older than 24 hours."""
    return tx.execute(delete(request_ids).where(request_ids.c.created_at <= now - KEPT)).rowcount


def _is_key(key: RequestKey) -> ColumnElement[bool]:
    return and_(request_ids.c.tenant == key.tenant, request_ids.c.request_id == key.request_id)
