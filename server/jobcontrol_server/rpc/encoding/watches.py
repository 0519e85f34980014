"""Messages of a watch, as the bytes that all its watchers get."""

from __future__ import annotations

from collections.abc import Mapping

from jobcontrol import v1 as pb
from jobcontrol_core.domain.events import BulkChange, JobEvent, StatusChange, will_retry
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.progress import current_stage_of
from jobcontrol_core.domain.values import FINALIZE, Job
from jobcontrol_server.rpc.encoding.jobs import to_job, to_progress
from jobcontrol_server.rpc.encoding.plain import JOB_STATUS, STEP_STATUS, to_timestamp
from jobcontrol_server.rpc.encoding.steps import to_step
from jobcontrol_server.watch.openings import SnapshotReason

SNAPSHOT, PROGRESS, ERROR, HEARTBEAT = "snapshot", "progress", "error", "heartbeat"
#: How a message is called that tells the end of a job.
END: Mapping[JobStatus, str] = {
    JobStatus.COMPLETED: "completed",
    JobStatus.FAILED: ERROR,
    JobStatus.CANCELLED: "cancelled",
}
#: Field 1 of WatchJobsResponse, of a length that follows.
_PROGRESS_TAG = bytes([pb.WatchJobsResponse.PROGRESS_FIELD_NUMBER << 3 | 2])
_REASON: Mapping[SnapshotReason, pb.SnapshotReason.ValueType] = {
    reason: pb.SnapshotReason.Value(f"SNAPSHOT_REASON_{reason}") for reason in SnapshotReason
}


class WatchEncoder:
    """Writes WatchProgressResponse and WatchJobsResponse."""

    def snapshot(self, job: Job, reason: SnapshotReason) -> bytes:
        return pb.WatchProgressResponse(
            job_id=job.id,
            first_sequence=job.last_sequence,
            sequence=job.last_sequence,
            event_time=to_timestamp(job.updated_at),
            type=SNAPSHOT,
            snapshot=pb.JobSnapshot(job=to_job(job), reason=_REASON[reason]),
        ).SerializeToString()

    def changed(self, first: int, event: JobEvent) -> bytes:
        return pb.WatchProgressResponse(
            job_id=event.job_id,
            first_sequence=first,
            sequence=event.sequence,
            event_time=to_timestamp(event.created_at),
            type=ERROR if _tells_failure(event) else PROGRESS,
            changed=_to_changes(event, error_count=_failed_steps(event)),
        ).SerializeToString()

    def finished(self, job: Job, event: JobEvent | None) -> bytes:
        changes = None if event is None else _to_changes(event, error_count=job.error_count)
        return pb.WatchProgressResponse(
            job_id=job.id,
            first_sequence=job.last_sequence,
            sequence=job.last_sequence,
            event_time=to_timestamp(job.completed_at),
            type=END[job.status],
            finished=pb.JobFinished(job=to_job(job), changes=changes),
        ).SerializeToString()

    def heartbeat(self, job_id: str, sequence: int) -> bytes:
        return pb.WatchProgressResponse(
            job_id=job_id, first_sequence=sequence, sequence=sequence, type=HEARTBEAT, heartbeat=pb.Heartbeat()
        ).SerializeToString()

    def of_many(self, message: bytes) -> bytes:
        # Put into its field as it is: it was encoded once for all who watch.
        return _PROGRESS_TAG + _varint(len(message)) + message

    def listed(self, job: Job) -> bytes:
        return pb.WatchJobsResponse(listed=to_job(job)).SerializeToString()

    def unlisted(self, job_id: str) -> bytes:
        return pb.WatchJobsResponse(unlisted_job_id=job_id).SerializeToString()

    def alive(self) -> bytes:
        return pb.WatchJobsResponse(heartbeat=pb.Heartbeat()).SerializeToString()


def _varint(number: int) -> bytes:
    """A length as it stands on the wire, in base 128."""
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _to_changes(event: JobEvent, *, error_count: int) -> pb.JobChanges:
    has_ended = event.status.has_ended
    return pb.JobChanges(
        progress=to_progress(event.percent, event.stages),
        current_stage="" if has_ended else current_stage_of(event.stages) or FINALIZE,
        error_count=error_count,
        status_change=None if event.change is None else _to_status_change(event.change),
        steps=[pb.StepChange(step=to_step(step), will_retry=will_retry(step)) for step in event.steps],
        bulk=[_to_bulk(bulk) for bulk in event.bulk],
    )


def _to_status_change(change: StatusChange) -> pb.JobStatusChange:
    return pb.JobStatusChange(
        previous_status=JOB_STATUS[change.previous] if change.previous else pb.JOB_STATUS_UNSPECIFIED,
        status=JOB_STATUS[change.status],
        actor=change.actor,
        reason=change.reason,
    )


def _to_bulk(bulk: BulkChange) -> pb.BulkStepChange:
    return pb.BulkStepChange(
        stage=bulk.stage,
        previous_status=STEP_STATUS[bulk.previous] if bulk.previous else pb.STEP_STATUS_UNSPECIFIED,
        status=STEP_STATUS[bulk.status],
        count=bulk.count,
    )


def _tells_failure(event: JobEvent) -> bool:
    moved = [*(step.status for step in event.steps), *(bulk.status for bulk in event.bulk)]
    return StepStatus.FAILED in moved


def _failed_steps(event: JobEvent) -> int:
    """Of a job that goes on, no failed step is left out: finalize, which no stage counts, fails only at its end."""
    return sum(stage.counts.failed for stage in event.stages)
