"""Dead letters and groups of errors as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.domain.events import MAX_ERROR
from jobcontrol_core.domain.outcomes import storable_text
from jobcontrol_core.store.letters import DeadLetter, ErrorGroup, LetterRequeue
from jobcontrol_server.rpc.dead_letters import Answer
from jobcontrol_server.rpc.encoding.batches import to_failure
from jobcontrol_server.rpc.encoding.plain import REQUEUE_STATE, to_timestamp
from jobcontrol_server.rpc.encoding.steps import to_step


def to_dead_letter(letter: DeadLetter) -> pb.DeadLetter:
    return pb.DeadLetter(
        dead_letter_id=letter.id,
        job_id=letter.step.job_id,
        step=to_step(letter.step),
        queue=letter.queue,
        fingerprint=letter.fingerprint,
        created_at=to_timestamp(letter.created_at),
        requeue=_to_requeue(letter.requeue) if letter.requeue is not None else None,
    )


def to_requeued(answer: Answer) -> pb.RequeueDeadLettersResponse:
    return pb.RequeueDeadLettersResponse(
        requeued_count=answer.count,
        retry_job_ids=answer.retry_job_ids,
        remaining_count=answer.remaining,
        failures=map(to_failure, answer.failures),
        requeue_id=answer.requeue_id,
        waiting_count=answer.waiting,
    )


def to_discarded(answer: Answer) -> pb.DiscardDeadLettersResponse:
    return pb.DiscardDeadLettersResponse(
        discarded_count=answer.count, remaining_count=answer.remaining, failures=map(to_failure, answer.failures)
    )


def to_error_group(group: ErrorGroup) -> pb.ErrorGroup:
    return pb.ErrorGroup(
        fingerprint=group.fingerprint,
        type=group.type,
        message=storable_text(group.message, MAX_ERROR),
        step_count=group.steps,
        job_count=group.jobs,
        first_seen_at=to_timestamp(group.first_seen_at),
        last_seen_at=to_timestamp(group.last_seen_at),
    )


def _to_requeue(requeue: LetterRequeue) -> pb.Requeue:
    return pb.Requeue(
        requeue_id=requeue.id,
        state=REQUEUE_STATE[requeue.state],
        actor=requeue.actor,
        reason=requeue.reason,
        message=requeue.message,
        canary_job_id=requeue.canary_job_id,
        per_second=requeue.per_second,
        created_at=to_timestamp(requeue.created_at),
    )
