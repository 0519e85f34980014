"""What fails a job: a stage of which every step failed, or more steps than its pipeline tolerates."""

from __future__ import annotations

from sqlalchemy import select

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.tolerance import FAIL_FAST, exceeds_tolerance
from jobcontrol_core.domain.values import JobError
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.tables import steps

#: JobError.type of a job that is FAILED because too large a share of a stage's steps failed.
TOO_MANY_FAILED = "TooManyFailed"


def stop_intolerable(ledger: Ledger) -> None:
    """Stop every job of this transaction with a stage that has more failed steps than it tolerates.

    Its running steps are told to stop, the others never start; it is FAILED when none is open.
    """
    for entry in ledger.entries.values():
        if entry.has_news and entry.stopping is None and not entry.status.has_ended:
            stage_no = _intolerable_stage(entry)
            if stage_no is not None:
                entry.fail(_error(ledger, entry, stage_no))


def first_error(ledger: Ledger, entry: Entry, stage_no: int) -> JobError:
    """The error of the stage's first failed step in document order.

    A finalize step that was skipped gives its reason: without a result the build is not COMPLETED.
    """
    failed = ledger.tx.execute(
        select(steps.c.id, steps.c.stage, steps.c.error)
        .where(
            steps.c.job_id == entry.job_id,
            steps.c.stage_no == stage_no,
            steps.c.status.in_((StepStatus.FAILED, StepStatus.SKIPPED)),
            steps.c.error.is_not(None),
        )
        # A skipped step's reason stands in where none failed.
        .order_by(steps.c.status, steps.c.position)
        .limit(1)
    ).one()
    return JobError(failed.error["type"], failed.error["message"], failed.stage, failed.id)


def _intolerable_stage(entry: Entry) -> int | None:
    earlier_open = 0
    for spec, counts in zip(entry.stages[:-1], entry.counts, strict=False):
        if exceeds_tolerance(counts, spec.tolerated_share, is_total_final=earlier_open == 0):
            return spec.number
        earlier_open += counts.open
    return None


def _error(ledger: Ledger, entry: Entry, stage_no: int) -> JobError:
    first, spec, counts = first_error(ledger, entry, stage_no), entry.stages[stage_no], entry.counts[stage_no]
    if spec.tolerated_share == FAIL_FAST:
        return first
    message = (
        f"{counts.failed} of {counts.total} steps of {spec.name} failed, more than the tolerated "
        f"{spec.tolerated_share:.4g} of them; the first with {first.type}: {first.message}"
    )
    return JobError(TOO_MANY_FAILED, message[:512], first.stage, first.step_id)
