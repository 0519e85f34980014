"""What operators look at, as frozen values: log lines, worker processes, dead letters. Times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobcontrol.pipeline.definition import Rate
from jobcontrol.values import Step, short_id


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened in a job; `level` is debug, info, warning or error.

    (sequence, index) is its place: the commit that told it, and which of the commit's facts it is.
    """

    sequence: int
    index: int
    type: str
    level: str
    message: str
    stage: str = ""
    step_id: str = ""
    attempt: int = 0
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """What waits, and why: `step_count` steps of `stage`, or with an empty one the whole job.

    `reason` is no_worker, workers_busy, job_paused, queue_paused, limit_reached, backoff, earlier_job, in_turn,
    other_steps or stopping; `message` is a sentence without its subject; `until` is when it ends, if that is known.
    """

    reason: str
    message: str
    stage: str = ""
    step_count: int = 0
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class RunningStep:
    """A step that a worker process runs."""

    job_id: str
    step_id: str
    stage: str
    name: str
    attempt: int
    started_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class WorkerProcess:
    """A worker process; `status` is ready, draining or lost. `heartbeat_age` is by the server's clock.

    `active` counts what it runs; `running` tells the oldest of it, at most 20.
    """

    worker_id: str
    host: str
    pid: int
    status: str
    queues: tuple[str, ...]
    stages: tuple[str, ...]
    slots: int
    active: int
    running: tuple[RunningStep, ...]
    version: str
    heartbeat_age: timedelta
    started_at: datetime | None = None
    heartbeat_at: datetime | None = None

    @property
    def short_id(self) -> str:
        return short_id(self.worker_id)


@dataclass(frozen=True, slots=True)
class Requeue:
    """Dead letters that are requeued one first, or at a throttle; `state` is canary, releasing, cancelled or done.

    The others follow when the first one's step, which runs in `canary_job_id`, has completed.
    """

    requeue_id: str
    state: str
    actor: str
    reason: str
    message: str
    canary_job_id: str
    per_second: float
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """Why one thing of many was left alone; `reason` is what a call for it alone would have been refused with."""

    id: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Requeued:
    """What became of dead letters that were to be requeued.

    `count` went at once, in their jobs or in the retry jobs made for them; `waiting` more are left to the gradual
    requeue `requeue_id`; `remaining` were not looked at, for another call.
    """

    count: int
    retry_job_ids: tuple[str, ...]
    remaining: int
    failures: tuple[BatchFailure, ...]
    requeue_id: str = ""
    waiting: int = 0


@dataclass(frozen=True, slots=True)
class Discarded:
    """What became of dead letters that were to be dropped; `remaining` were not looked at, for another call."""

    count: int
    remaining: int
    failures: tuple[BatchFailure, ...]


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """A change that `actor` asked for: `action` names the RPC, `outcome` is "OK" or why it was refused."""

    audit_event_id: str
    actor: str
    action: str
    resource: str
    outcome: str
    reason: str = ""
    request_id: str = ""
    peer: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A step that failed for good; errors that look the same share its `fingerprint`.

    `requeue` is the gradual requeue that is to take it along, or was to.
    """

    dead_letter_id: str
    step: Step
    queue: str
    fingerprint: str
    created_at: datetime | None = None
    requeue: Requeue | None = None

    @property
    def short_id(self) -> str:
        return short_id(self.dead_letter_id)


@dataclass(frozen=True, slots=True)
class ErrorGroup:
    """Steps that failed for good with errors that look the same; `message` is the newest one's."""

    fingerprint: str
    type: str
    message: str
    step_count: int
    job_count: int
    first_seen_at: datetime | None = None
    last_seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Limits of a queue over all workers: steps at once, and steps that start within a window. None = no limit."""

    max_running: int | None = None
    rate: Rate | None = None

    def __str__(self) -> str:
        running = [f"{self.max_running} at once"] if self.max_running is not None else []
        rate = [str(self.rate)] if self.rate is not None else []
        return ", ".join([*running, *rate]) or "none"


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue, shared by all builds, and what it has to do.

    `waiting` steps could run now, `delayed` ones wait for a moment, `dead` ones failed for good. `limits_set` =
    an operator set the limits, and the pipelines' own are `declared_limits`. `changed_by` paused, resumed or
    limited it last.
    """

    queue: str
    paused: bool
    limits: QueueLimits
    declared_limits: QueueLimits
    limits_set: bool
    waiting: int
    active: int
    delayed: int
    dead: int
    workers: int
    paused_by: str = ""
    paused_reason: str = ""
    oldest_waiting_age: timedelta | None = None
    paused_at: datetime | None = None
    held_until: datetime | None = None
    changed_by: str = ""
    changed_reason: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Stats:
    """How many jobs there are: `waiting` (pending) and `active` now, `completed` and `failed` within `window`."""

    active: int
    waiting: int
    completed: int
    failed: int
    dead_letters: int
    window: timedelta
