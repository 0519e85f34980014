"""The verdict: every promise held against rows, events, streams, the handlers' diary, logs and processes."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from chaos.arena import Arena, is_worker
from chaos.diary import Run, read_runs
from chaos.storm import LIMITED_QUEUE, MAX_RUNNING, RATE
from chaos.streams import differences
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.eventlog import read_events
from jobcontrol_core.store.limits import count_running
from jobcontrol_core.store.tables import job_stages, jobs, steps
from services.recorder import Recorder
from store.audit import ALL, audit_job

TRACEBACK = "Traceback (most recent call last)"


def job_ids(truth: Store) -> list[str]:
    return list(truth.read(lambda tx: tx.execute(select(jobs.c.id)).scalars().all()))


def has_job(tx: Connection, job_id: str) -> bool:
    return tx.execute(select(jobs.c.id).where(jobs.c.id == job_id)).first() is not None


def open_jobs(truth: Store) -> dict[str, str]:
    """The jobs that have not ended, and what they are."""
    rows = truth.read(lambda tx: tx.execute(select(jobs.c.id, jobs.c.status)).all())
    return {row.id: row.status for row in rows if not JobStatus(row.status).has_ended}


def judge_job(truth: Store, job_id: str) -> Iterator[str]:
    """Whatever is wrong with the rows, counters, events or effects of a job that has ended."""
    try:
        truth.read(audit_job, job_id)
    except AssertionError as error:
        yield f"job {job_id}: {error}"
    events = truth.read(read_events, job_id, 0, ALL)
    told = [step.id for event in events for step in event.steps if step.status is StepStatus.COMPLETED]
    yield from (f"step {one} had {count} effects" for one, count in Counter(told).items() if count > 1)


def judge_stream(truth: Store, job_id: str, recorder: Recorder) -> Iterator[str]:
    """Whatever is wrong with a stream: it has the commits of the log, each once, as they are, the end alone."""
    if not recorder.has_ended:
        yield f"the stream of {job_id} has not ended: at {recorder.last_sequence}"
        return
    try:
        recorder.assert_whole()
    except AssertionError as error:
        yield f"the stream of {job_id}: {error}"
    events = truth.read(read_events, job_id, 0, ALL)
    if recorder.last_sequence != len(events):
        yield f"the stream of {job_id} ended at {recorder.last_sequence} of {len(events)}"
    told = truth.read(lambda tx: list(differences(tx, job_id, recorder.messages)))
    yield from (f"the stream of {job_id}: {difference}" for difference in told)


def judge_limits(tx: Connection) -> Iterator[str]:
    """Whether more runs at this moment than may."""
    running = count_running(tx, [LIMITED_QUEUE]).get(LIMITED_QUEUE, 0)
    if running > MAX_RUNNING:
        yield f"{running} steps of {LIMITED_QUEUE} run at once"


def judge_diary(truth: Store, directory: Path) -> Iterator[str]:
    """Whatever handlers saw that they must not: an attempt twice, an effect of no run, a limit that did not hold."""
    runs, complaints = read_runs(directory)
    yield from complaints
    twice = Counter((run.step_id, run.attempt) for run in runs)
    yield from (
        f"attempt {number} of step {one} ran {count} times" for (one, number), count in twice.items() if count > 1
    )
    done = truth.read(_completed)
    ran = {(run.step_id, run.attempt): run for run in runs}
    for row in done.values():
        if (row["id"], row["attempt"]) not in ran:
            yield f"step {row['id']} is COMPLETED by attempt {row['attempt']}, which never ran"
        if row["output"] not in (None, str(row["attempt"])) and not row["output"].startswith(f"[{row['attempt']},"):
            yield f"step {row['id']} has the output {row['output'][:40]} of another attempt than {row['attempt']}"
    limited = truth.read(_claimed_at, LIMITED_QUEUE)
    counted = [
        run for run in runs if run.step_id in limited and done.get(run.step_id, {}).get("attempt") == run.attempt
    ]
    yield from _judge_running(counted)
    yield from _judge_rate([(limited[run.step_id], run.began_at) for run in counted])


def _judge_running(runs: Sequence[Run]) -> Iterator[str]:
    """A run whose outcome counted has held its slot from its beginning to its end."""
    whole = [(run.began_at, run.ended_at) for run in runs if run.ended_at is not None]
    moves = sorted([(began_at, 1) for began_at, _ in whole] + [(ended_at, -1) for _, ended_at in whole])
    running = 0
    for at, change in moves:
        running += change
        if running > MAX_RUNNING:
            yield f"{running} handlers of {LIMITED_QUEUE} ran at once at {at:.3f}"


def _judge_rate(starts: Sequence[tuple[float, float]]) -> Iterator[str]:
    """A step was let start between its claim and its handler's first line: it counts if both lie in the window."""
    ordered = sorted(starts)
    for first, (claimed_at, _) in enumerate(ordered):
        ends_at = claimed_at + RATE.per
        last = bisect_left(ordered, (ends_at, 0.0))
        inside = sum(began_at < ends_at for _, began_at in ordered[first:last])
        if inside > RATE.count:
            yield f"{inside} steps of {LIMITED_QUEUE} started within {RATE.per:g} s from {claimed_at:.3f}"


def _completed(tx: Connection) -> Mapping[str, Mapping[str, Any]]:
    chosen = select(steps.c.id, steps.c.attempt, steps.c.output).where(
        steps.c.status == StepStatus.COMPLETED, steps.c.reused_from.is_(None)
    )
    return {row["id"]: dict(row) for row in tx.execute(chosen).mappings()}


def _claimed_at(tx: Connection, queue: str) -> dict[str, float]:
    """When the steps of a queue were claimed last, in seconds of the system's clock, which both databases use."""
    of_queue = (steps.c.job_id == job_stages.c.job_id) & (steps.c.stage_no == job_stages.c.stage_no)
    chosen = (
        select(steps.c.id, steps.c.started_at)
        .select_from(steps.join(job_stages, of_queue))
        .where(job_stages.c.queue == queue, steps.c.started_at.is_not(None))
    )
    return {row.id: row.started_at.timestamp() for row in tx.execute(chosen)}


def judge_processes(arena: Arena) -> Iterator[str]:
    """Stop everything in order; whatever does not end well, or is left over."""
    arena.worker_pids()
    for process in [*arena.workers, *arena.servers]:
        code = process.terminate()
        if code != 0:
            yield f"{' '.join(process.arguments)} ended with {code}"
    yield from (f"worker process {pid} is left over" for pid in arena.pids if is_worker(pid))


def judge_logs(directory: Path) -> Iterator[str]:
    """Faults of ours that a log tells of: whatever was not foreseen has its traceback there."""
    for log in sorted(directory.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            if TRACEBACK in line:
                yield f"{log.name}: {line[:300]}"
