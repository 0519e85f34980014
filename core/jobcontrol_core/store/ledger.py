"""One transaction's account of the jobs it touches: their locks, counters, endings and events.

Every change of a step or job goes through a Ledger, in one order that all transactions share:
first the caller locks all its step rows by (job_id, id); then the ledger locks the job rows by id; only
then is anything decided or written. So what a decision was based on cannot move until it is committed,
and two transactions never wait for each other in a circle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, update
from sqlalchemy.sql import bindparam

from jobcontrol_core.crash_points import CrashPoint, crash_at
from jobcontrol_core.domain.errors import JobNotFound
from jobcontrol_core.domain.events import Logged, Requeue, StatusChange, encode_event
from jobcontrol_core.domain.lifecycle import JOB_MOVES, JobStatus, StepStatus, Stopping, StopReceipt
from jobcontrol_core.domain.progress import COUNTER_OF, StageCounts, StageTimes, times_after
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.domain.values import JobError, StageSpec, Step
from jobcontrol_core.store.blobs import Spill
from jobcontrol_core.store.locking import lock_jobs, read_stages
from jobcontrol_core.store.rows import Row, to_counts, to_stage_spec, to_times
from jobcontrol_core.store.tables import job_events, job_stages, jobs
from jobcontrol_core.store.telling import event_of

SYSTEM = "system"

_WRITE_STAGE = update(job_stages).where(
    job_stages.c.job_id == bindparam("b_job"), job_stages.c.stage_no == bindparam("b_stage")
)
_WRITE_JOB = update(jobs).where(jobs.c.id == bindparam("b_job"))
_TELL = insert(job_events)


@dataclass(frozen=True, slots=True)
class Committed:
    """What a doorbell tells of a job after the commit; `is_end` = the job ended by it."""

    job_id: str
    sequence: int
    is_end: bool = False


@dataclass(slots=True)
class Entry:
    """One job's part of the transaction. Created by Ledger.open, with the job's row locked."""

    row: Row
    stages: tuple[StageSpec, ...]
    counts: list[StageCounts]
    times: list[StageTimes]
    status: JobStatus
    stopping: Stopping | None
    values: dict[str, Any] = field(default_factory=dict)
    change: StatusChange | None = None
    requeue: Requeue | None = None
    steps: dict[str, tuple[StepStatus | None, Step]] = field(default_factory=dict)
    bulk: dict[tuple[str, StepStatus | None, StepStatus], int] = field(default_factory=dict)
    logged: list[Logged] = field(default_factory=list)
    moved_stages: set[int] = field(default_factory=set)
    has_news: bool = False

    @property
    def job_id(self) -> str:
        return str(self.row["id"])

    @property
    def waits_for(self) -> str | None:
        """The job that must end before this one starts."""
        return None if "waits_for" in self.values else self.row["waits_for"]

    def release(self) -> None:
        """The job that this one waited for has ended."""
        self.values["waits_for"] = None
        self.has_news = True

    @property
    def open_steps(self) -> int:
        return sum(counts.open for counts in self.counts)

    @property
    def finalize_no(self) -> int:
        return len(self.stages) - 1

    @property
    def has_finalize_step(self) -> bool:
        return self.counts[self.finalize_no].total > 0

    def tell_step(self, previous: StepStatus | None, step: Step, *, items: int = 0) -> None:
        """`step` is now as given; `previous` is its status before, None at its birth."""
        self.count_steps(step.stage_no, previous, step.status, 1, items=items)
        first_previous = self.steps[step.id][0] if step.id in self.steps else previous
        self.steps[step.id] = (first_previous, step)

    def tell_progress(self, step: Step) -> None:
        """`step` is in the status it was in, and something about it is new."""
        if self.stopping is not None and step.status is StepStatus.PROCESSING:
            step = replace(step, stop_receipt=StopReceipt.REQUESTED)
        self.steps[step.id] = (self.steps[step.id][0] if step.id in self.steps else step.status, step)
        self.has_news = True

    def tell_lines(self, logged: Logged) -> None:
        """A running attempt has logged; the lines themselves are kept elsewhere."""
        self.logged.append(logged)
        self.has_news = True

    def tell_steps_in_bulk(
        self, stage_no: int, previous: StepStatus | None, status: StepStatus, *, count: int, items: int = 0
    ) -> None:
        """`count` steps of a stage moved alike; they are told as a number."""
        self.count_steps(stage_no, previous, status, count, items=items)
        self.add_bulk(self.stages[stage_no].name, previous, status, count)

    def count_steps(
        self, stage_no: int, previous: StepStatus | None, status: StepStatus, count: int, *, items: int = 0
    ) -> None:
        """Move `count` steps between the stage's counters, without telling which."""
        counts = self.counts[stage_no]
        moved: dict[str, int] = {"items": counts.items + items}
        if previous is None:
            moved["total"] = counts.total + count
        elif name := COUNTER_OF[previous]:
            moved[name] = getattr(counts, name) - count
        if name := COUNTER_OF[status]:
            moved[name] = moved.get(name, getattr(counts, name)) + count
        self.counts[stage_no] = replace(counts, **moved)
        self.moved_stages.add(stage_no)
        self.has_news = True

    def move(self, target: JobStatus, *, actor: str = SYSTEM, reason: str = "") -> None:
        """Move the job itself. The caller holds its lock, so what was read is what is."""
        assert target in JOB_MOVES[self.status], f"{self.status} -> {target}"
        previous = self.change.previous if self.change is not None else self.status
        self.change = StatusChange(previous, target, actor, reason)
        self.status = target
        self.values |= {"status_actor": actor, "status_reason": reason}
        self.has_news = True

    def fail(self, error: JobError) -> None:
        """Stop the job: it is FAILED with this error as soon as none of its steps is open."""
        self.stopping = Stopping.FAILED
        self.set_error(error)
        self.has_news = True

    @property
    def error(self) -> JobError | None:
        """Why the job is, or is going to be, FAILED."""
        stored = self.values.get("error") or self.row["error"]
        return from_stored(JobError, stored) if stored else None

    def set_error(self, error: JobError) -> None:
        """Why the job is going to be FAILED."""
        self.values["error"] = asdict(error)

    def take_times(self, now: datetime) -> None:
        """Note which stages have begun, and which are over."""
        before, self.times = self.times, times_after(self.times, self.counts, now)
        self.moved_stages |= {number for number, times in enumerate(self.times) if times != before[number]}

    def add_bulk(self, stage: str, previous: StepStatus | None, status: StepStatus, count: int) -> None:
        kind = (stage, previous, status)
        self.bulk[kind] = self.bulk.get(kind, 0) + count


class Ledger:
    """Use: lock step rows, `open` the ledger, decide and write, `settle`."""

    def __init__(self, tx: Connection, now: datetime, entries: dict[str, Entry]) -> None:
        self.tx = tx
        self.now = now
        self.entries = entries
        #: Queues that handlers asked to leave alone for a while: see store/limits.py.
        self.holds: dict[str, timedelta] = {}
        #: PENDING steps that this transaction brought forth and tells one by one; nobody else sees them before its
        #: commit, or has locked them.
        self.newborn: list[Row] = []
        self._gated: set[str] = set()
        #: The transaction's large values, all written at its end in one order, so that none waits in a circle.
        self.spill = Spill()

    @classmethod
    def open(cls, tx: Connection, now: datetime, job_ids: Iterable[str]) -> Ledger:
        """Lock the rows of these jobs, in id order, and read their stages. Unknown ids are left out."""
        ledger = cls(tx, now, {})
        ledger.admit(job_ids)
        return ledger

    def admit(self, job_ids: Iterable[str]) -> list[Entry]:
        """Lock more jobs, as `open` does. A caller that holds others already says why nobody waits in a circle."""
        wanted = sorted(set(job_ids) - self.entries.keys())
        if not wanted:
            return []
        rows = lock_jobs(self.tx, wanted)
        stages = read_stages(self.tx, list(rows))
        self._gated |= {stage["queue"] for found in stages.values() for stage in found if stage["is_gated"]}
        admitted = {job_id: _entry(row, stages[job_id]) for job_id, row in rows.items()}
        self.entries |= admitted
        return list(admitted.values())

    def entry(self, job_id: str) -> Entry:
        """The entry of a job that was asked for. Raises JobNotFound if it was deleted since it was looked up."""
        if job_id not in self.entries:
            raise JobNotFound(job_id)
        return self.entries[job_id]

    def is_gated(self, queue: str) -> bool:
        """True if this queue of these jobs' stages may be paused or limited, which its own row says for certain."""
        return queue in self._gated

    def hold(self, queue: str, seconds: float) -> None:
        """A handler was told, by whoever it calls, to leave that be for so long."""
        self.holds[queue] = max(timedelta(seconds=seconds), self.holds.get(queue, timedelta(0)))

    def settle(self) -> tuple[Committed, ...]:
        """Write counters, statuses and one event per job that has news; returns what to ring for."""
        told = [entry for entry in self.entries.values() if entry.has_news]
        if not told:
            return ()
        self.spill.write(self.tx, self.now)
        for entry in told:
            entry.take_times(self.now)
        self._write_stages(told)
        events = [self._write_job(entry) for entry in told]
        self.tx.execute(_TELL, events)
        crash_at(CrashPoint.BEFORE_COMMIT)
        return tuple(
            Committed(entry.job_id, event["sequence"], entry.status.has_ended)
            for entry, event in zip(told, events, strict=True)
        )

    def _write_stages(self, told: Sequence[Entry]) -> None:
        moved = [
            {
                "b_job": entry.job_id,
                "b_stage": stage_no,
                **asdict(entry.counts[stage_no]),
                **asdict(entry.times[stage_no]),
            }
            for entry in told
            for stage_no in sorted(entry.moved_stages)
        ]
        if moved:
            self.tx.execute(_WRITE_STAGE, moved)

    def _write_job(self, entry: Entry) -> dict[str, Any]:
        event, step_texts = event_of(entry, self.now)
        row = entry.row
        values = entry.values | {
            "status": entry.status,
            "stopping_because": None if entry.status.has_ended else entry.stopping,
            "percent": event.percent,
            "error_count": sum(counts.failed for counts in entry.counts),
            "last_sequence": event.sequence,
            "revision": row["revision"] + (entry.change is not None),
            "updated_at": self.now,
            "started_at": row["started_at"] or (self.now if entry.status is JobStatus.PROCESSING else None),
            "completed_at": self.now if entry.status.has_ended else None,
        }
        self.tx.execute(_WRITE_JOB, {"b_job": entry.job_id, **values})
        return {
            "job_id": entry.job_id,
            "sequence": event.sequence,
            "created_at": self.now,
            "payload": encode_event(event, step_texts),
        }


def _entry(row: Row, stage_rows: Sequence[Row]) -> Entry:
    return Entry(
        row=row,
        stages=tuple(to_stage_spec(stage) for stage in stage_rows),
        counts=[to_counts(stage) for stage in stage_rows],
        times=[to_times(stage) for stage in stage_rows],
        status=JobStatus(row["status"]),
        stopping=Stopping(row["stopping_because"]) if row["stopping_because"] else None,
    )
