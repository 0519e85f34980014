"""Worker processes as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.store.roster import RunningStep, WorkerProcess
from jobcontrol_server.rpc.encoding.plain import to_duration, to_timestamp


def to_worker(process: WorkerProcess) -> pb.Worker:
    return pb.Worker(
        worker_id=process.session_id,
        host=process.host,
        pid=process.pid,
        status=_status_of(process),
        queues=sorted({stage.queue for stage in process.stages}),
        stages=sorted({f"{stage.pipeline}/{stage.stage}" for stage in process.stages}),
        slots=process.slots,
        active=process.active,
        running=[_to_running(step) for step in process.running],
        version=process.release,
        started_at=to_timestamp(process.started_at),
        heartbeat_at=to_timestamp(process.renewed_at),
        heartbeat_age=to_duration(process.silence),
    )


def _status_of(process: WorkerProcess) -> pb.WorkerStatus.ValueType:
    if process.is_lost:
        return pb.WORKER_STATUS_LOST
    return pb.WORKER_STATUS_DRAINING if process.is_draining else pb.WORKER_STATUS_READY


def _to_running(step: RunningStep) -> pb.RunningStep:
    return pb.RunningStep(
        job_id=step.job_id,
        step_id=step.step_id,
        stage=step.stage,
        label=step.name,
        attempt=step.attempt,
        started_at=to_timestamp(step.started_at),
    )
