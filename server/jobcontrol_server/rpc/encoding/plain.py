"""Plain values that many messages hold: moments, durations, enums by name, structs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct
from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import v1 as pb
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, RequeueState, StepStatus, StopReceipt
from jobcontrol_core.domain.values import DocumentNeed

JOB_STATUS: Mapping[JobStatus, pb.JobStatus.ValueType] = {
    status: pb.JobStatus.Value(f"JOB_STATUS_{status}") for status in JobStatus
}
STEP_STATUS: Mapping[StepStatus, pb.StepStatus.ValueType] = {
    status: pb.StepStatus.Value(f"STEP_STATUS_{status}") for status in StepStatus
}
FAILURE_REASON: Mapping[FailureReason, pb.StepFailureReason.ValueType] = {
    reason: pb.StepFailureReason.Value(f"STEP_FAILURE_REASON_{reason}") for reason in FailureReason
}
STOP_RECEIPT: Mapping[StopReceipt, pb.StopReceipt.ValueType] = {
    receipt: pb.StopReceipt.Value(f"STOP_RECEIPT_{receipt}") for receipt in StopReceipt
}
REQUEUE_STATE: Mapping[RequeueState, pb.RequeueState.ValueType] = {
    state: pb.RequeueState.Value(f"REQUEUE_STATE_{state}") for state in RequeueState
}
DOCUMENT_REQUIREMENT: Mapping[DocumentNeed, pb.DocumentRequirement.ValueType] = {
    need: pb.DocumentRequirement.Value(f"DOCUMENT_REQUIREMENT_{need.name}") for need in DocumentNeed
}


def to_timestamp(moment: datetime | None) -> Timestamp | None:
    if moment is None:
        return None
    timestamp = Timestamp()
    timestamp.FromDatetime(moment)
    return timestamp


def to_duration(span: timedelta) -> Duration:
    duration = Duration()
    duration.FromTimedelta(span)
    return duration


def to_struct(values: Mapping[str, Any]) -> Struct:
    struct = Struct()
    struct.update(dict(values))
    return struct
