"""From the messages of WatchProgress to events; no input or output."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol._decoding import enum_word, to_job_state, to_job_status, to_stages, to_step, to_step_status, to_time
from jobcontrol.events import BulkStepChange, Changes, Event, StatusChange, StepChange
from jobcontrol.values import StepStatus


def to_event(message: pb.WatchProgressResponse) -> Event:
    """One message as one event. A kind that this version does not know has neither changes nor job."""
    picture = message.snapshot if message.HasField("snapshot") else message.finished
    changed = message.changed if message.HasField("changed") else message.finished.changes
    has_changes = message.HasField("changed") or message.finished.HasField("changes")
    return Event(
        job_id=message.job_id,
        first_sequence=message.first_sequence,
        sequence=message.sequence,
        type=message.type,
        time=to_time(message.event_time) if message.HasField("event_time") else None,
        changes=_to_changes(changed) if has_changes else None,
        job=to_job_state(picture.job) if picture.HasField("job") else None,
        snapshot_reason=enum_word(pb.SnapshotReason, message.snapshot.reason, "SNAPSHOT_REASON_"),
        is_last=message.HasField("finished"),
    )


def _to_changes(changes: pb.JobChanges) -> Changes:
    return Changes(
        percent=changes.progress.percent,
        stages=to_stages(changes.progress),
        current_stage=changes.current_stage,
        error_count=changes.error_count,
        status=_to_status_change(changes.status_change) if changes.HasField("status_change") else None,
        steps=tuple(StepChange(to_step(change.step), change.will_retry) for change in changes.steps),
        bulk=tuple(_to_bulk(bulk) for bulk in changes.bulk),
    )


def _to_status_change(change: pb.JobStatusChange) -> StatusChange:
    previous = to_job_status(change.previous_status) if change.previous_status else None
    return StatusChange(previous, to_job_status(change.status), change.actor, change.reason)


def _to_bulk(bulk: pb.BulkStepChange) -> BulkStepChange:
    previous: StepStatus | None = to_step_status(bulk.previous_status) if bulk.previous_status else None
    return BulkStepChange(bulk.stage, previous, to_step_status(bulk.status), bulk.count)
