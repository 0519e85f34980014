"""Jobs deleted: nobody sees them any more from one commit on, and their rows go little by little after it.

What stays is what others did with a job: the audit log, alerts, and request ids for their 24 hours. A retry has copies
of its own, and names the values that it needs.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection, Table, delete, select, tuple_, update

from jobcontrol_core.domain.errors import JobNotFound, JobNotTerminal
from jobcontrol_core.store.audit import Order, write_audit
from jobcontrol_core.store.blobs import drop_uses
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.ledger import SYSTEM, Ledger
from jobcontrol_core.store.retention import HISTORY
from jobcontrol_core.store.rows import require_etag
from jobcontrol_core.store.tables import IS_DELETED, IS_KEPT, dead_letters, jobs, steps

DELETED = "DeleteJob"
#: The rows of a job beside its history that one transaction deletes, and the values that it drops.
ROWS: dict[Table, int] = {dead_letters: 100, steps: 100}
VALUES = 20
#: Old jobs that one transaction deletes.
OLD_JOBS = 100


def delete_job(tx: Connection, job_id: str, order: Order, *, etag: str = "") -> None:
    """Let nobody see a job that has ended. Raises JobNotFound, JobNotTerminal, EtagMismatch."""
    now = read_now(tx)
    entry = Ledger.open(tx, now, [job_id]).entry(job_id)
    if not entry.status.has_ended:
        raise JobNotTerminal(job_id, entry.status)
    require_etag(entry.row, etag)
    hidden = update(jobs).where(jobs.c.id == job_id, jobs.c.deleted_at.is_(None)).values(deleted_at=now)
    if not tx.execute(hidden).rowcount:
        raise JobNotFound(job_id)
    write_audit(tx, now, order, DELETED, [f"jobs/{job_id}"])


def delete_old_jobs(tx: Connection, kept: timedelta) -> int:
    """Delete some of the jobs that ended longer ago than `kept`, the oldest first; returns how many."""
    now = read_now(tx)
    # Locked so that two leaders, for a moment, do not wait for each other's rows.
    old = select(jobs.c.id, jobs.c.tenant).where(IS_KEPT, jobs.c.completed_at <= now - kept)
    found = tx.execute(old.order_by(jobs.c.completed_at).limit(OLD_JOBS).with_for_update(skip_locked=True)).all()
    tx.execute(update(jobs).where(jobs.c.id.in_([row.id for row in found])).values(deleted_at=now))
    for row in found:
        order = Order(row.tenant, SYSTEM, f"ended more than {kept / timedelta(days=1):g} days ago")
        write_audit(tx, now, order, DELETED, [f"jobs/{row.id}"])
    return len(found)


def have_deleted(tx: Connection) -> bool:
    """Whether rows of deleted jobs are left."""
    return tx.execute(select(jobs.c.id).where(IS_DELETED).limit(1)).one_or_none() is not None


def purge(tx: Connection) -> bool:
    """Delete a few rows of one of the deleted jobs, in the end the job itself. True = there may be more."""
    deleted = select(jobs.c.id).where(IS_DELETED).order_by(jobs.c.id).limit(1)
    job_id = tx.execute(deleted.with_for_update(skip_locked=True)).scalar_one_or_none()
    if job_id is None:
        return False
    if not _delete_rows(tx, job_id) and not drop_uses(tx, job_id, VALUES) and not _has_steps(tx, job_id):
        tx.execute(delete(jobs).where(jobs.c.id == job_id))
    return True


def _delete_rows(tx: Connection, job_id: str) -> bool:
    return any(_delete_some(tx, table, job_id, limit) for table, limit in {**HISTORY, **ROWS}.items())


def _delete_some(tx: Connection, table: Table, job_id: str, limit: int) -> bool:
    key = list(table.primary_key)
    # Whoever has locked a step, to write that a given-up handler has ended, is about to lock the job: not waited for.
    some = select(*key).where(table.c.job_id == job_id).order_by(*key).limit(limit).with_for_update(skip_locked=True)
    found = [tuple(row) for row in tx.execute(some)]
    if found:
        # The job says it again for SQLite, which finds no index by a list of keys.
        tx.execute(delete(table).where(table.c.job_id == job_id, tuple_(*key).in_(found)))
    return bool(found)


def _has_steps(tx: Connection, job_id: str) -> bool:
    return tx.execute(select(steps.c.id).where(steps.c.job_id == job_id).limit(1)).one_or_none() is not None
