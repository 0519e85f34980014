"""The books of one job: its rows recounted, and compared with its counters and with what its events told."""

from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_core.domain.progress import StageCounts
from jobcontrol_core.domain.suspicion import Suspicion
from jobcontrol_core.domain.values import FINALIZE
from jobcontrol_core.store.eventlog import read_events
from jobcontrol_core.store.lookup import get_job
from jobcontrol_core.store.rows import to_counts, to_step
from jobcontrol_core.store.tables import blobs, dead_letters, job_blobs, job_stages, jobs, metadata, steps
from store.replay import ENDED_AS_SKIPPED, Replay

ALL = 1_000_000


def audit_job(tx: Connection, job_id: str) -> Replay:
    """Fail if counters, rows and events of this job disagree; returns the replayed events."""
    job = get_job(tx, job_id)
    replay = Replay()
    for event in read_events(tx, job_id, after=0, limit=ALL):
        replay.tell(event)
    assert replay.sequence == job.last_sequence
    assert replay.status == job.status
    assert replay.percent == job.percent
    _check_counters(tx, job_id)
    _check_steps(tx, job_id, replay)
    assert job.error_count == sum(stage.counts.failed for stage in job.stages) + _failed_finalize(tx, job_id)
    _check_end(tx, job_id, job.status)
    _check_letters(tx, job_id)
    _check_suspicions(tx, job_id)
    _check_blobs(tx, job_id)
    return replay


def rows_left(tx: Connection) -> dict[str, int]:
    """How many rows of jobs there are, of deleted ones, too, by table; empty ones are left out."""
    tables = [jobs, blobs, *(table for table in metadata.sorted_tables if "job_id" in table.c)]
    counts = {table.name: tx.execute(select(func.count()).select_from(table)).scalar_one() for table in tables}
    return {name: count for name, count in counts.items() if count and name not in ("alerts", "request_ids")}


def _check_blobs(tx: Connection, job_id: str) -> None:
    """What the job's rows name is kept, and noted as named by it."""
    row = tx.execute(select(jobs.c.document_sha256, jobs.c.results).where(jobs.c.id == job_id)).one()
    named = {row.document_sha256, *row.results.values()}
    for column in (steps.c.input_sha256, steps.c.output_sha256):
        named |= set(tx.execute(select(column).where(steps.c.job_id == job_id)).scalars())
    noted = select(job_blobs.c.sha256).join(blobs, blobs.c.sha256 == job_blobs.c.sha256)
    assert named - {None} <= set(tx.execute(noted.where(job_blobs.c.job_id == job_id)).scalars())


def _check_counters(tx: Connection, job_id: str) -> None:
    found = tx.execute(select(job_stages).where(job_stages.c.job_id == job_id)).mappings()
    for row in found:
        assert to_counts(row) == _recount(tx, job_id, row["stage_no"]), f"{row['name']}: counters are no recount"


def _recount(tx: Connection, job_id: str, stage_no: int) -> StageCounts:
    found = tx.execute(
        select(steps.c.status, func.count(), func.sum(steps.c.item_count))
        .where(steps.c.job_id == job_id, steps.c.stage_no == stage_no)
        .group_by(steps.c.status)
    ).all()
    of = {status: (count, int(items)) for status, count, items in found}

    def number(*statuses: StepStatus) -> int:
        return sum(of.get(status, (0, 0))[0] for status in statuses)

    return StageCounts(
        total=number(*StepStatus),
        active=number(StepStatus.PROCESSING),
        completed=number(StepStatus.COMPLETED),
        failed=number(StepStatus.FAILED),
        skipped=number(*ENDED_AS_SKIPPED),
        items=sum(items for _, items in of.values()),
    )


def _check_steps(tx: Connection, job_id: str, replay: Replay) -> None:
    """Every step that was told by its id is as it was told last, unless it moved since as one of a number."""
    rows = {row["id"]: to_step(row) for row in tx.execute(select(steps).where(steps.c.job_id == job_id)).mappings()}
    assert replay.steps.keys() <= rows.keys()
    for row in rows.values():
        assert row.stop_receipt is None or (row.status is StepStatus.CANCELLED and row.attempt), row
    for step_id, told in replay.steps.items():
        row = rows[step_id]
        is_as_told = (row.status, row.attempt) == (told.status, told.attempt)
        assert is_as_told or row.stage in replay.moved_in_bulk
    assert len(rows) == sum(replay.tally.values())


def _check_suspicions(tx: Connection, job_id: str) -> None:
    """A step is POISONED only if enough speaks against it."""
    for row in tx.execute(select(steps).where(steps.c.job_id == job_id)).mappings():
        is_proved = Suspicion(row["crashes"], row["losses"]).is_proved
        assert is_proved or row["failure"] != FailureReason.POISONED


def _failed_finalize(tx: Connection, job_id: str) -> int:
    found = tx.execute(select(job_stages.c.failed).where(job_stages.c.job_id == job_id, job_stages.c.name == FINALIZE))
    return int(found.scalar_one())


def _check_end(tx: Connection, job_id: str, status: JobStatus) -> None:
    open_steps = tx.execute(
        select(func.count()).where(
            steps.c.job_id == job_id, steps.c.status.in_((StepStatus.PENDING, StepStatus.PROCESSING))
        )
    ).scalar_one()
    assert (open_steps == 0) == status.has_ended, f"{open_steps} open steps in a {status} job"


def _check_letters(tx: Connection, job_id: str) -> None:
    """A dead letter is about a step that is FAILED now."""
    found = tx.execute(
        select(steps.c.status).join(dead_letters, dead_letters.c.step_id == steps.c.id).where(steps.c.job_id == job_id)
    )
    assert set(found.scalars()) <= {StepStatus.FAILED}
