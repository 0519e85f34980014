"""Why things wait, as messages."""

from __future__ import annotations

from collections.abc import Mapping

from jobcontrol import v1 as pb
from jobcontrol_core.domain.values import Job
from jobcontrol_core.domain.waiting import Wait, WaitingReason
from jobcontrol_server.rpc.encoding.jobs import to_job
from jobcontrol_server.rpc.encoding.plain import to_timestamp

WAITING_REASON: Mapping[WaitingReason, pb.WaitingReason.ValueType] = {
    reason: pb.WaitingReason.Value(f"WAITING_REASON_{reason}") for reason in WaitingReason
}


def to_waiting(wait: Wait) -> pb.Waiting:
    return pb.Waiting(
        reason=WAITING_REASON[wait.reason],
        message=wait.message,
        stage=wait.stage,
        step_count=wait.steps,
        until=to_timestamp(wait.until),
    )


def to_waiting_job(job: Job, standstill: Wait | None) -> pb.Job:
    """A job with the reason why nothing of it moves."""
    told = to_job(job)
    if standstill is not None:
        told.waiting_reason = WAITING_REASON[standstill.reason]
        told.waiting_message = standstill.message
    return told
