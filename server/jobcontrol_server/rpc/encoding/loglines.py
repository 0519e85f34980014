"""Lines of a job's log as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.domain.loglines import LogLine
from jobcontrol_server.rpc.encoding.plain import to_timestamp


def to_event(line: LogLine) -> pb.Event:
    return pb.Event(
        sequence=line.sequence,
        index=line.index,
        created_at=to_timestamp(line.created_at),
        type=line.type,
        level=line.level,
        message=line.message,
        stage=line.stage,
        step_id=line.step_id,
        attempt=line.attempt,
    )
