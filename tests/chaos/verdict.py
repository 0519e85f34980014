"""The verdict on an arena that has settled: every promise held against rows, events, streams and processes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from sqlalchemy import select

from chaos.arena import Arena, is_worker
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.eventlog import read_events
from jobcontrol_core.store.tables import jobs, steps
from services.recorder import Recorder
from store.audit import ALL, audit_job

TRACEBACK = "Traceback (most recent call last)"


def job_ids(truth: Store) -> list[str]:
    return list(truth.read(lambda tx: tx.execute(select(jobs.c.id)).scalars().all()))


def open_jobs(truth: Store) -> dict[str, str]:
    """The jobs that have not ended, and what they are."""
    rows = truth.read(lambda tx: tx.execute(select(jobs.c.id, jobs.c.status)).all())
    return {row.id: row.status for row in rows if not JobStatus(row.status).has_ended}


def step_count(truth: Store) -> int:
    return len(truth.read(lambda tx: tx.execute(select(steps.c.id)).all()))


def judge_jobs(truth: Store) -> Iterator[str]:
    """Whatever is wrong with a job's rows, counters, events or effects."""
    for job_id, status in open_jobs(truth).items():
        yield f"job {job_id} is stuck {status}"
    for job_id in job_ids(truth):
        try:
            truth.read(audit_job, job_id)
        except AssertionError as error:
            yield f"job {job_id}: {error}"
        events = truth.read(read_events, job_id, 0, ALL)
        told = [step.id for event in events for step in event.steps if step.status is StepStatus.COMPLETED]
        yield from (f"step {one} had {count} effects" for one, count in Counter(told).items() if count > 1)


def judge_streams(truth: Store, recorders: Mapping[str, Recorder]) -> Iterator[str]:
    """Whatever is wrong with a stream, and every accepted job that is not there."""
    known = set(job_ids(truth))
    for job_id, recorder in recorders.items():
        if job_id not in known:
            yield f"job {job_id} was accepted and is not there"
            continue
        if not recorder.has_ended:
            yield f"the stream of {job_id} has not ended: at {recorder.last_sequence}"
            continue
        yield from _judge_stream(truth, job_id, recorder)


def _judge_stream(truth: Store, job_id: str, recorder: Recorder) -> Iterator[str]:
    """A stream has the commits of the log: each once, in order, the end alone and last."""
    try:
        recorder.assert_whole()
    except AssertionError as error:
        yield f"the stream of {job_id}: {error}"
    events = truth.read(read_events, job_id, 0, ALL)
    if recorder.last_sequence != len(events):
        yield f"the stream of {job_id} ended at {recorder.last_sequence} of {len(events)}"


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
