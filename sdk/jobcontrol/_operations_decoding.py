"""From the contract's messages to what operators look at; no input or output."""

from __future__ import annotations

from collections.abc import Iterable

from jobcontrol import v1 as pb
from jobcontrol._decoding import enum_word, time_of, to_step
from jobcontrol.operations import (
    AuditEvent,
    BatchFailure,
    DeadLetter,
    Discarded,
    ErrorGroup,
    LogLine,
    Queue,
    QueueLimits,
    Requeue,
    Requeued,
    RunningStep,
    Wait,
    WorkerProcess,
)
from jobcontrol.pipeline.definition import Rate


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


def to_wait(waiting: pb.Waiting) -> Wait:
    """Why something waits."""
    return Wait(
        reason=enum_word(pb.WaitingReason, waiting.reason, "WAITING_REASON_"),
        message=waiting.message,
        stage=waiting.stage,
        step_count=waiting.step_count,
        until=time_of(waiting, "until"),
    )


def to_worker(worker: pb.Worker) -> WorkerProcess:
    """A worker process with what it runs."""
    return WorkerProcess(
        worker_id=worker.worker_id,
        host=worker.host,
        pid=worker.pid,
        status=enum_word(pb.WorkerStatus, worker.status, "WORKER_STATUS_"),
        queues=tuple(worker.queues),
        stages=tuple(worker.stages),
        slots=worker.slots,
        active=worker.active,
        running=tuple(
            RunningStep(step.job_id, step.step_id, step.stage, step.label, step.attempt, time_of(step, "started_at"))
            for step in worker.running
        ),
        version=worker.version,
        heartbeat_age=worker.heartbeat_age.ToTimedelta(),
        started_at=time_of(worker, "started_at"),
        heartbeat_at=time_of(worker, "heartbeat_at"),
    )


def to_dead_letter(letter: pb.DeadLetter) -> DeadLetter:
    """A dead letter with its step."""
    return DeadLetter(
        dead_letter_id=letter.dead_letter_id,
        step=to_step(letter.step),
        queue=letter.queue,
        fingerprint=letter.fingerprint,
        created_at=time_of(letter, "created_at"),
        requeue=_to_requeue(letter.requeue) if letter.HasField("requeue") else None,
    )


def to_requeued(answer: pb.RequeueDeadLettersResponse) -> Requeued:
    """What RequeueDeadLetters did."""
    return Requeued(
        count=answer.requeued_count,
        retry_job_ids=tuple(answer.retry_job_ids),
        remaining=answer.remaining_count,
        failures=to_failures(answer.failures),
        requeue_id=answer.requeue_id,
        waiting=answer.waiting_count,
    )


def to_discarded(answer: pb.DiscardDeadLettersResponse) -> Discarded:
    """What DiscardDeadLetters did."""
    return Discarded(answer.discarded_count, answer.remaining_count, to_failures(answer.failures))


def to_audit_event(event: pb.AuditEvent) -> AuditEvent:
    """A change that somebody asked for."""
    return AuditEvent(
        audit_event_id=event.audit_event_id,
        actor=event.actor,
        action=event.action,
        resource=event.resource,
        outcome=event.outcome,
        reason=event.reason,
        request_id=event.request_id,
        peer=event.peer,
        created_at=time_of(event, "created_at"),
    )


def to_error_group(group: pb.ErrorGroup) -> ErrorGroup:
    """What errors that look the same share."""
    return ErrorGroup(
        fingerprint=group.fingerprint,
        type=group.type,
        message=group.message,
        step_count=group.step_count,
        job_count=group.job_count,
        first_seen_at=time_of(group, "first_seen_at"),
        last_seen_at=time_of(group, "last_seen_at"),
    )


def to_queue(queue: pb.Queue) -> Queue:
    """A queue with what it has to do."""
    stats = queue.stats
    return Queue(
        queue=queue.queue,
        paused=queue.paused,
        limits=_to_limits(queue.limits),
        declared_limits=_to_limits(queue.declared_limits),
        limits_set=queue.limits_set,
        waiting=stats.waiting,
        active=stats.active,
        delayed=stats.delayed,
        dead=stats.dead,
        workers=stats.workers,
        paused_by=queue.paused_by,
        paused_reason=queue.paused_reason,
        oldest_waiting_age=stats.oldest_waiting_age.ToTimedelta() if stats.HasField("oldest_waiting_age") else None,
        paused_at=time_of(queue, "paused_at"),
        held_until=time_of(queue, "held_until"),
        changed_by=queue.changed_by,
        changed_reason=queue.changed_reason,
        changed_at=time_of(queue, "changed_at"),
    )


def _to_limits(limits: pb.QueueLimits) -> QueueLimits:
    return QueueLimits(
        max_running=limits.max_running if limits.HasField("max_running") else None,
        rate=Rate(limits.rate, limits.rate_window.ToTimedelta().total_seconds()) if limits.HasField("rate") else None,
    )


def to_failures(failures: Iterable[pb.BatchFailure]) -> tuple[BatchFailure, ...]:
    return tuple(BatchFailure(failure.id, failure.reason, failure.message) for failure in failures)


def _to_requeue(requeue: pb.Requeue) -> Requeue:
    return Requeue(
        requeue_id=requeue.requeue_id,
        state=enum_word(pb.RequeueState, requeue.state, "REQUEUE_STATE_"),
        actor=requeue.actor,
        reason=requeue.reason,
        message=requeue.message,
        canary_job_id=requeue.canary_job_id,
        per_second=requeue.per_second,
        created_at=time_of(requeue, "created_at"),
    )
