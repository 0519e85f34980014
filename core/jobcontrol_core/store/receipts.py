"""How the running steps of a stopped job let go: what is known of each, and what its process's end adds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, and_, case, literal_column, or_, select, update

from jobcontrol_core.domain.lifecycle import StepStatus, StopReceipt
from jobcontrol_core.domain.outcomes import Interrupted, Outcome
from jobcontrol_core.domain.values import Step
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import jobs, steps

#: A step's receipt as it is read. REQUESTED is stored nowhere: it is what running under a stopping job means.
_REQUESTED = select(case((jobs.c.stopping_because.is_not(None), StopReceipt.REQUESTED.value)))
RECEIPT = case(
    (
        steps.c.status == StepStatus.PROCESSING,
        _REQUESTED.where(jobs.c.id == steps.c.job_id).correlate(steps).scalar_subquery(),
    ),
    else_=steps.c.stop_receipt,
).label("stop_receipt")

#: A step as lists tell it: without input and output.
LISTED = [*(column for column in steps.c if column.name not in ("input", "output", "stop_receipt")), RECEIPT]

IS_RUNNING = steps.c.status == StepStatus.PROCESSING
#: Ended without its handler, which may run on. A literal, as in the index that finds it.
IS_GIVEN_UP = steps.c.stop_receipt == literal_column("'ABANDONED'")
MAY_RUN = or_(IS_RUNNING, IS_GIVEN_UP)


def tell_told(ledger: Ledger) -> None:
    """In the commit that stops a job: its running steps, which are told to stop by it.

    They need no lock: whoever changes one of them does so under the job's, which is held here.
    """
    for entry in just_stopped(ledger):
        for step in read_running(ledger.tx, entry.job_id):
            entry.tell_progress(step)


def just_stopped(ledger: Ledger) -> list[Entry]:
    """The jobs that this transaction stops while steps of them run."""
    return [
        entry
        for entry in ledger.entries.values()
        if entry.stopping is not None and entry.row["stopping_because"] is None and not entry.status.has_ended
    ]


def read_running(tx: Connection, job_id: str, *, limit: int | None = None) -> list[Step]:
    """The running steps of a job, by stage and in document order."""
    found = tx.execute(
        select(*LISTED)
        .where(steps.c.job_id == job_id, IS_RUNNING)
        .order_by(steps.c.stage_no, steps.c.position)
        .limit(limit)
    )
    return [to_step(row) for row in found.mappings()]


def is_over(row: Row, outcome: Outcome) -> bool:
    """Whether this outcome of a step that had been given up says that its handler has ended after all."""
    gave_up = isinstance(outcome, Interrupted) and outcome.cause == StopReceipt.ABANDONED
    return row["stop_receipt"] == StopReceipt.ABANDONED and not gave_up


def write_receipts(ledger: Ledger, rows: Sequence[Row], receipt: StopReceipt) -> None:
    """What became of given-up steps, locked. A job that has ended tells nothing any more."""
    if not rows:
        return
    is_meant = and_(steps.c.id.in_([row["id"] for row in rows]), IS_GIVEN_UP)
    ledger.tx.execute(update(steps).where(is_meant).values(stop_receipt=receipt))
    for row in rows:
        entry: Entry = ledger.entries[row["job_id"]]
        if not entry.status.has_ended:
            entry.tell_progress(replace(to_step(row), stop_receipt=receipt))
