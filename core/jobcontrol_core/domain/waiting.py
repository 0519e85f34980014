"""Why things wait, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class WaitingReason(StrEnum):
    """Why a job, or a group of its steps, does not move."""

    #: No live worker runs the stage in this version.
    NO_WORKER = "NO_WORKER"
    #: All workers that could have no room.
    WORKERS_BUSY = "WORKERS_BUSY"
    JOB_PAUSED = "JOB_PAUSED"
    QUEUE_PAUSED = "QUEUE_PAUSED"
    #: As many of the queue's steps run, or have started lately, as may; or a handler put it on hold.
    LIMIT_REACHED = "LIMIT_REACHED"
    #: A failed try is followed by the next one later.
    BACKOFF = "BACKOFF"
    #: An earlier job of the path must end first.
    EARLIER_JOB = "EARLIER_JOB"
    #: It ran as its process ended, and runs alone next.
    SUSPECT = "SUSPECT"
    #: Workers have room; others on the queue, or nobody, come first.
    IN_TURN = "IN_TURN"
    #: The finalize step is born when all others have ended.
    OTHER_STEPS = "OTHER_STEPS"
    #: The job is stopping, and its running steps have yet to let go.
    STOPPING = "STOPPING"


@dataclass(frozen=True, slots=True)
class Wait:
    """`steps` steps of `stage`, or with an empty one the whole job, wait; `until` is when that ends, if it is known."""

    reason: WaitingReason
    message: str
    stage: str = ""
    steps: int = 0
    until: datetime | None = None
