"""Steps and their attempts as messages."""

from __future__ import annotations

import json
from collections.abc import Mapping

from jobcontrol import v1 as pb
from jobcontrol_core.domain.events import MAX_ERROR
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.outcomes import storable_text
from jobcontrol_core.domain.values import FINALIZE, Attempt, ErrorInfo, Job, Step, StepLog
from jobcontrol_core.store.lookup import StepDetail
from jobcontrol_server.rpc.encoding.plain import FAILURE_REASON, STEP_STATUS, STOP_RECEIPT, to_duration, to_timestamp

MOST_ATTEMPTS = 100
_OUTCOMES: Mapping[str, pb.AttemptOutcome.ValueType] = {
    name.removeprefix("ATTEMPT_OUTCOME_"): number for name, number in pb.AttemptOutcome.items()
}


def to_step(step: Step, *, error_bytes: int = MAX_ERROR) -> pb.Step:
    """A step; the text of its error is cut to `error_bytes`."""
    is_skipped = step.status is StepStatus.SKIPPED
    return pb.Step(
        step_id=step.id,
        job_id=step.job_id,
        stage=step.stage,
        parent_step_id=step.parent_id or "",
        key=step.key,
        label=step.label,
        ordinal=step.ordinal + 1,
        sibling_total=step.sibling_total,
        status=STEP_STATUS[step.status],
        attempt=step.attempt,
        tries=step.tries,
        item_count=step.item_count,
        progress_note=step.progress_note,
        progress_fraction=step.progress_fraction,
        reused_from=step.reused_from or "",
        failure_reason=FAILURE_REASON[step.failure] if step.failure else pb.STEP_FAILURE_REASON_UNSPECIFIED,
        error=None if is_skipped else _to_error(step.error, error_bytes),
        stop_receipt=STOP_RECEIPT[step.stop_receipt] if step.stop_receipt else pb.STOP_RECEIPT_UNSPECIFIED,
        skip_reason=storable_text(step.error.message, error_bytes) if is_skipped and step.error else "",
        created_at=to_timestamp(step.created_at),
        started_at=to_timestamp(step.started_at),
        completed_at=to_timestamp(step.completed_at),
        next_attempt_at=to_timestamp(step.next_attempt_at),
        run_duration=to_duration(step.run_time),
    )


def to_step_detail(detail: StepDetail, job: Job) -> pb.GetStepResponse:
    """A step with what went in and what came out; the root step's input is the job's parameters."""
    step = detail.step
    given = detail.input
    if given is None and step.stage_no == 0:
        given = json.dumps(job.parameters, ensure_ascii=False)
    shows_output = detail.output is not None and step.stage != FINALIZE
    return pb.GetStepResponse(
        step=to_step(step, error_bytes=1 << 20),
        input=(given or "").encode(),
        output=(detail.output or "").encode() if shows_output else b"",
        attempts=[_to_attempt(attempt) for attempt in detail.attempts[-MOST_ATTEMPTS:]],
        logs=[_to_log_line(log) for log in detail.logs],
        history_pruned_at=to_timestamp(job.history_pruned_at),
    )


def _to_log_line(log: StepLog) -> pb.StepLogLine:
    return pb.StepLogLine(
        attempt=log.attempt, line=log.line, message=log.message, created_at=to_timestamp(log.created_at)
    )


def _to_attempt(attempt: Attempt) -> pb.StepAttempt:
    return pb.StepAttempt(
        attempt=attempt.number,
        outcome=_to_outcome(attempt.outcome),
        used_try=attempt.used_a_try,
        error=_to_error(attempt.error, 1 << 20),
        traceback=attempt.error.traceback if attempt.error else "",
        worker_id=attempt.session_id,
        started_at=to_timestamp(attempt.started_at),
        completed_at=to_timestamp(attempt.ended_at),
    )


def _to_outcome(name: str) -> pb.AttemptOutcome.ValueType:
    # A worker of the next release may know an ending that this one has no name for.
    return _OUTCOMES.get(name, pb.ATTEMPT_OUTCOME_UNSPECIFIED)


def _to_error(error: ErrorInfo | None, most_bytes: int) -> pb.StepError | None:
    if error is None:
        return None
    return pb.StepError(type=error.type, message=storable_text(error.message, most_bytes))
