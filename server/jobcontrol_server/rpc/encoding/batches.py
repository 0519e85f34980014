"""Answers to calls about many jobs as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.domain.batches import BatchFailure
from jobcontrol_server.rpc.batches import Answer


def to_cancelled(answer: Answer) -> pb.BatchCancelResponse:
    return pb.BatchCancelResponse(
        cancelled_count=answer.count, remaining_count=answer.remaining, failures=map(to_failure, answer.failures)
    )


def to_retried(answer: Answer) -> pb.BatchRetryResponse:
    return pb.BatchRetryResponse(
        retried_count=answer.count,
        job_ids=answer.job_ids,
        remaining_count=answer.remaining,
        failures=map(to_failure, answer.failures),
    )


def to_failure(failure: BatchFailure) -> pb.BatchFailure:
    return pb.BatchFailure(id=failure.id, reason=failure.reason, message=failure.message)
