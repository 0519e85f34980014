"""From the contract's messages to what operators look at; no input or output."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol._decoding import time_of
from jobcontrol.operations import LogLine


def to_log_line(event: pb.Event) -> LogLine:
    """One line of a job's log."""
    return LogLine(
        sequence=event.sequence,
        index=event.index,
        type=event.type,
        level=event.level,
        message=event.message,
        stage=event.stage,
        step_id=event.step_id,
        attempt=event.attempt,
        created_at=time_of(event, "created_at"),
    )
