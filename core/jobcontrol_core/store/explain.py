"""Why a job waits: one entry for each reason and stage, each with a sentence."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, TextClause, func, select

from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.domain.values import FINALIZE, Job, StageSpec
from jobcontrol_core.domain.waiting import Wait, WaitingReason
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.limits import Gate, count_running
from jobcontrol_core.store.lookup import get_job
from jobcontrol_core.store.receipts import read_running
from jobcontrol_core.store.room import Crew, read_crew
from jobcontrol_core.store.rows import Row, to_counts, to_stage_spec
from jobcontrol_core.store.tables import IS_BACKING_OFF, IS_SUSPECT, job_stages, queues, steps

#: Steps and processes that one sentence names.
NAMED = 3
SUSPECTED = "ran as a process of theirs ended, and run alone, one after the other, in a process that is kept for that"


def explain_job(tx: Connection, job_id: str) -> list[Wait]:
    """Why each thing of this job that waits is waiting; empty if nothing does. Raises JobNotFound."""
    job = get_job(tx, job_id)
    if job.status.has_ended:
        return []
    if job.waits_for is not None:
        message = f"starts when job {job.waits_for}, which builds the same path, has ended"
        return [Wait(WaitingReason.EARLIER_JOB, message)]
    if job.stopping is not None:
        return [_stopping(tx, job)]
    return list(_waits(tx, job))


def explain_standstill(tx: Connection, job: Job) -> Wait | None:
    """The first reason why nothing of a job moves; None while something does."""
    if job.status.has_ended or any(stage.counts.active for stage in job.stages):
        return None
    return next((wait for wait in explain_job(tx, job.id) if wait.reason is not WaitingReason.OTHER_STEPS), None)


def _stopping(tx: Connection, job: Job) -> Wait:
    running = read_running(tx, job.id, limit=1_000)
    if not running:
        return Wait(WaitingReason.STOPPING, "is being stopped; the steps that never ran are about to be ended")
    names = _named([step.label or step.key for step in running])
    message = f"is being stopped; running steps that have yet to let go: {names}"
    return Wait(WaitingReason.STOPPING, message, steps=len(running))


def _waits(tx: Connection, job: Job) -> Iterator[Wait]:
    found = tx.execute(select(job_stages).where(job_stages.c.job_id == job.id).order_by(job_stages.c.stage_no))
    stages = found.mappings().all()
    pending = {stage["stage_no"]: to_counts(stage).pending for stage in stages}
    if job.status is JobStatus.PAUSED:
        reason = f": {job.status_reason}" if job.status_reason else ""
        message = f"is paused by {job.status_actor}{reason}"
        yield Wait(WaitingReason.JOB_PAUSED, message, steps=sum(pending.values()))
    else:
        waiting = [stage for stage in stages if pending[stage["stage_no"]]]
        yield from _stage_waits(tx, job, waiting, pending)
    yield from _siblings(stages)


def _stage_waits(tx: Connection, job: Job, stages: Sequence[Row], pending: dict[int, int]) -> Iterator[Wait]:
    now = read_now(tx)
    delayed, suspects = _count(tx, job.id, IS_BACKING_OFF), _count(tx, job.id, IS_SUSPECT)
    crew = read_crew(tx)
    for row in stages:
        spec = to_stage_spec(row)
        late = delayed.get(spec.number, 0)
        if late:
            yield _backoff(tx, job, spec, late)
        alone = suspects.get(spec.number, 0)
        if alone:
            yield Wait(WaitingReason.SUSPECT, SUSPECTED, spec.name, alone)
        due = pending[spec.number] - late - alone
        if due > 0:
            reason, message, until = _gate_reason(tx, spec, now) or _worker_reason(tx, job, spec, crew)
            yield Wait(reason, message, spec.name, due, until)


def _count(tx: Connection, job_id: str, are_such: TextClause) -> dict[int, int]:
    """How many steps of a job are such, by stage."""
    found = tx.execute(
        select(steps.c.stage_no, func.count().label("number"))
        .where(steps.c.job_id == job_id, are_such)
        .group_by(steps.c.stage_no)
    )
    return {row.stage_no: row.number for row in found}


def _backoff(tx: Connection, job: Job, spec: StageSpec, count: int) -> Wait:
    first = tx.execute(
        select(steps.c.label, steps.c.key, steps.c.tries, steps.c.error, steps.c.next_attempt_at)
        .where(
            steps.c.job_id == job.id,
            steps.c.stage_no == spec.number,
            IS_BACKING_OFF,
        )
        .order_by(steps.c.next_attempt_at)
        .limit(1)
    ).one()
    error = f" after {first.error['type']}: {first.error['message'][:200]}" if first.error else ""
    message = (
        f"{first.label or first.key} is tried again at {_clock(first.next_attempt_at)}, "
        f"try {first.tries + 1} of {spec.retry.max_attempts}{error}"
    )
    return Wait(WaitingReason.BACKOFF, message, spec.name, count, first.next_attempt_at)


Reason = tuple[WaitingReason, str, datetime | None]


def _gate_reason(tx: Connection, spec: StageSpec, now: datetime) -> Reason | None:
    """What the stage's queue says against starting a step now."""
    row = tx.execute(select(queues).where(queues.c.name == spec.queue)).mappings().one_or_none()
    if row is None:
        return None
    if row["is_paused"]:
        why = f": {row['paused_reason']}" if row["paused_reason"] else ""
        return WaitingReason.QUEUE_PAUSED, f"queue {spec.queue} is paused by {row['paused_by']}{why}", None
    if row["held_until"] is not None and row["held_until"] > now:
        until = row["held_until"]
        return WaitingReason.LIMIT_REACHED, f"a handler put queue {spec.queue} on hold until {_clock(until)}", until
    gate = Gate(row, now, None)
    if gate.counts_running:
        gate.told_running(count_running(tx, [spec.queue]).get(spec.queue, 0))
    if gate.is_full:
        return WaitingReason.LIMIT_REACHED, f"as many steps of queue {spec.queue} run as may", None
    if gate.opens_at > now:
        until = gate.opens_at
        return WaitingReason.LIMIT_REACHED, f"the rate of queue {spec.queue} is used up until {_clock(until)}", until
    return None


def _worker_reason(tx: Connection, job: Job, spec: StageSpec, crew: Crew) -> Reason:
    """Who could run steps of the stage, and why nobody does."""
    able = crew.able(job.pipeline, spec.name, spec.version)
    if not able:
        alive = crew.versions(job.pipeline, spec.name)
        others = f"; alive are versions {', '.join(map(str, alive))}" if alive else ""
        message = f"no live worker runs {spec.name} of {job.pipeline} in version {spec.version}, queue {spec.queue}"
        return WaitingReason.NO_WORKER, message + others, None
    if not any(process.has_room(job.pipeline, spec.name) for process in able):
        busy = _named([step.name for process in able for step in process.running if step.tenant == job.tenant])
        message = f"all processes that run {spec.name} ({len(able)}) are busy" + (f" with {busy}" if busy else "")
        return WaitingReason.WORKERS_BUSY, message, None
    line = [(one.job_id, one.stage_no) for one in read_demand(tx) if one.queue == spec.queue]
    ahead = line.index((job.id, spec.number)) if (job.id, spec.number) in line else len(line)
    place = "next" if ahead == 0 else f"number {ahead + 1}"
    return WaitingReason.IN_TURN, f"is {place} on queue {spec.queue}", None


def _siblings(stages: Sequence[Row]) -> Iterator[Wait]:
    """The finalize step, if it has yet to be born."""
    *weighted, last = (to_counts(stage) for stage in stages)
    total, still_open = sum(counts.total for counts in weighted), sum(counts.open for counts in weighted)
    if last.total == 0 and still_open:
        message = f"the result waits for {still_open} of {total} steps"
        yield Wait(WaitingReason.OTHER_STEPS, message, FINALIZE, 1)


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M:%S} UTC"


def _named(names: Sequence[str]) -> str:
    untold = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {untold} more" if untold > 0 else "")
