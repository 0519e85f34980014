"""Dead letters dropped: nobody is going to run their steps again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select

from jobcontrol_core.store.audit import Order, write_audit
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.tables import dead_letters

DISCARDED = "DiscardDeadLetters"


def discard_letters(tx: Connection, order: Order, letter_ids: Sequence[str]) -> set[str]:
    """Drop these letters, by their full ids; returns those that were still there.

    Their steps stay FAILED with their errors, and the audit log tells who dropped them and why.
    """
    locked = tx.execute(
        select(dead_letters.c.id, dead_letters.c.job_id, dead_letters.c.step_id)
        .where(dead_letters.c.id.in_(letter_ids))
        .order_by(dead_letters.c.id)
        .with_for_update()
    ).all()
    tx.execute(delete(dead_letters).where(dead_letters.c.id.in_([letter.id for letter in locked])))
    resources = [f"jobs/{letter.job_id}/steps/{letter.step_id}" for letter in locked]
    write_audit(tx, read_now(tx), order, DISCARDED, resources)
    return {letter.id for letter in locked}
