"""What an attempt's outcome makes of its step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from jobcontrol_core.domain.lifecycle import FailureReason, StepStatus, Stopping, StopReceipt
from jobcontrol_core.domain.outcomes import Crashed, Failed, Interrupted, Lost, Outcome, Skipped, Succeeded
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.suspicion import NONE, Suspicion
from jobcontrol_core.domain.values import ErrorInfo

#: However far away a handler asks to be tried again: 30 days, in seconds.
LONGEST_DELAY = 30 * 86_400.0
#: How an attempt let go whose job was stopped, by what cut it off. Nobody knows of a lost one whether it still runs.
_RECEIPTS: Mapping[str, StopReceipt] = {
    "STOPPED": StopReceipt.STOPPED,
    "ABANDONED": StopReceipt.ABANDONED,
    "LOST": StopReceipt.ABANDONED,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """A step's next state. `delay` is set, in seconds, when it is PENDING again.

    `attempt_outcome` names how the attempt ended in the step's history; empty when it succeeded. A step that came to
    an end of its own in time, good or bad, is under no suspicion any more.
    """

    status: StepStatus
    tries: int
    failure: FailureReason | None = None
    error: ErrorInfo | None = None
    delay: float | None = None
    attempt_outcome: str = ""
    used_a_try: bool = False
    is_dead: bool = False
    receipt: StopReceipt | None = None
    suspicion: Suspicion = NONE


def decide(
    outcome: Outcome,
    *,
    tries: int,
    policy: RetryPolicy,
    stopping: Stopping | None,
    suspicion: Suspicion = NONE,
) -> Decision:
    """The next state of a PROCESSING step with `tries` tries used, under its stage's policy.

    Under a stopping job nothing goes back to PENDING: what would becomes CANCELLED, with a receipt.
    """
    match outcome:
        case Succeeded():
            return Decision(StepStatus.COMPLETED, tries)
        case Skipped(reason):
            return Decision(StepStatus.SKIPPED, tries, error=ErrorInfo("SkipStep", reason))
        case Interrupted(cause):
            if stopping is not None:
                receipt = _RECEIPTS.get(cause, StopReceipt.KILLED)
                return Decision(StepStatus.CANCELLED, tries, attempt_outcome="STOPPED", receipt=receipt)
            return Decision(StepStatus.PENDING, tries, delay=0.0, attempt_outcome=cause, suspicion=suspicion)
        case Crashed() | Lost():
            return _decide_end_of_process(outcome, tries, suspicion.after(outcome), stopping)
        case Failed():
            decision = _decide_failure(outcome, tries + 1, policy, stopping)
            return replace(decision, suspicion=suspicion) if outcome.reason is FailureReason.TIMED_OUT else decision


def _decide_end_of_process(
    end: Crashed | Lost, tries: int, suspicion: Suspicion, stopping: Stopping | None
) -> Decision:
    name, error = ("CRASHED", ErrorInfo("ProcessEnded", end.how)) if isinstance(end, Crashed) else ("LOST", None)
    if stopping is not None:
        receipt = StopReceipt.KILLED if error else _RECEIPTS[name]
        return Decision(StepStatus.CANCELLED, tries, error=error, attempt_outcome="STOPPED", receipt=receipt)
    if suspicion.is_proved:
        error = suspicion.poisoned(end)
        poisoned = Decision(StepStatus.FAILED, tries, FailureReason.POISONED, error, attempt_outcome=name, is_dead=True)
        return replace(poisoned, suspicion=suspicion)
    return Decision(StepStatus.PENDING, tries, error=error, delay=0.0, attempt_outcome=name, suspicion=suspicion)


def _decide_failure(outcome: Failed, tries: int, policy: RetryPolicy, stopping: Stopping | None) -> Decision:
    reason, error = outcome.reason, outcome.error
    if outcome.is_final or not policy.has_tries_left(tries):
        is_dead = stopping is None
        return Decision(StepStatus.FAILED, tries, reason, error, None, reason, used_a_try=True, is_dead=is_dead)
    if stopping is not None:
        receipt = outcome.receipt
        return Decision(StepStatus.CANCELLED, tries, None, error, None, reason, used_a_try=True, receipt=receipt)
    delay = min(LONGEST_DELAY, max(policy.delay(tries), outcome.retry_after or 0.0))
    return Decision(StepStatus.PENDING, tries, None, error, delay, reason, used_a_try=True)
