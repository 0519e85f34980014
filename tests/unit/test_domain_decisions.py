"""What an attempt's outcome makes of its step."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.decisions import LONGEST_DELAY, decide
from jobcontrol_core.domain.lifecycle import STEP_MOVES, FailureReason, StepStatus, Stopping
from jobcontrol_core.domain.outcomes import Failed, Interrupted, Outcome, Skipped, Succeeded
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import ErrorInfo

POLICY = RetryPolicy(max_attempts=3, base=1.0, factor=2.0, max_delay=60.0)
ERROR = ErrorInfo("ValueError", "boom")
TIMED_OUT = Failed(FailureReason.TIMED_OUT, ERROR)

outcomes = st.one_of(
    st.just(Succeeded("null")),
    st.just(Skipped("known")),
    st.sampled_from(["LOST", "CRASHED", "DRAINED"]).map(Interrupted),
    st.builds(
        Failed,
        st.sampled_from(FailureReason),
        st.just(ERROR),
        is_final=st.booleans(),
        retry_after=st.none() | st.floats(min_value=0) | st.just(float("nan")),
    ),
)
stoppings = st.none() | st.sampled_from(Stopping)


def test_a_success_completes_its_step_and_uses_no_try() -> None:
    decision = decide(Succeeded("1"), tries=1, policy=POLICY, stopping=None)
    assert (decision.status, decision.tries, decision.attempt_outcome) == (StepStatus.COMPLETED, 1, "")


def test_a_skip_keeps_its_reason() -> None:
    decision = decide(Skipped("known already"), tries=0, policy=POLICY, stopping=None)
    assert (decision.status, decision.error) == (StepStatus.SKIPPED, ErrorInfo("SkipStep", "known already"))
    assert not decision.is_dead


def test_an_interruption_goes_back_at_once_and_uses_no_try() -> None:
    decision = decide(Interrupted("LOST"), tries=2, policy=POLICY, stopping=None)
    assert (decision.status, decision.tries, decision.delay) == (StepStatus.PENDING, 2, 0.0)
    assert (decision.attempt_outcome, decision.used_a_try) == ("LOST", False)


def test_an_interruption_under_a_stopping_job_is_the_end() -> None:
    decision = decide(Interrupted("LOST"), tries=0, policy=POLICY, stopping=Stopping.CANCELLED)
    assert (decision.status, decision.attempt_outcome) == (StepStatus.CANCELLED, "STOPPED")


@pytest.mark.parametrize(("tries", "low", "high"), [(0, 0.8, 1.2), (1, 1.6, 2.4)])
def test_a_failure_is_tried_again_after_its_backoff(tries: int, low: float, high: float) -> None:
    decision = decide(TIMED_OUT, tries=tries, policy=POLICY, stopping=None)
    assert (decision.status, decision.tries, decision.used_a_try) == (StepStatus.PENDING, tries + 1, True)
    assert decision.delay is not None
    assert low <= decision.delay <= high
    assert (decision.failure, decision.attempt_outcome) == (None, "TIMED_OUT")


def test_the_last_try_that_fails_is_dead_and_says_why() -> None:
    decision = decide(TIMED_OUT, tries=2, policy=POLICY, stopping=None)
    assert (decision.status, decision.failure, decision.error) == (StepStatus.FAILED, FailureReason.TIMED_OUT, ERROR)
    assert (decision.is_dead, decision.delay, decision.tries) == (True, None, 3)


def test_a_handler_that_gives_up_is_not_tried_again() -> None:
    final = Failed(FailureReason.HANDLER_ERROR, ERROR, is_final=True)
    assert decide(final, tries=0, policy=POLICY, stopping=None).is_dead


@pytest.mark.parametrize("stopping", Stopping)
def test_under_a_stopping_job_a_failure_ends_cancelled_and_a_last_one_failed_without_a_letter(
    stopping: Stopping,
) -> None:
    again = decide(TIMED_OUT, tries=0, policy=POLICY, stopping=stopping)
    last = decide(TIMED_OUT, tries=2, policy=POLICY, stopping=stopping)
    assert (again.status, again.attempt_outcome) == (StepStatus.CANCELLED, "TIMED_OUT")
    assert (last.status, last.is_dead) == (StepStatus.FAILED, False)


@pytest.mark.parametrize(("asked", "delay"), [(30.0, 30.0), (1e300, LONGEST_DELAY), (float("inf"), LONGEST_DELAY)])
def test_retry_after_is_the_least_that_is_waited_within_bounds(asked: float, delay: float) -> None:
    outcome = Failed(FailureReason.HANDLER_ERROR, ERROR, retry_after=asked)
    assert decide(outcome, tries=0, policy=POLICY, stopping=None).delay == delay


@given(outcome=outcomes, tries=st.integers(0, 10), stopping=stoppings)
def test_every_decision_is_a_legal_move_with_all_that_it_needs(
    outcome: Outcome, tries: int, stopping: Stopping | None
) -> None:
    decision = decide(outcome, tries=tries, policy=POLICY, stopping=stopping)
    assert decision.status in STEP_MOVES[StepStatus.PROCESSING]
    assert (decision.status is StepStatus.PENDING) == (decision.delay is not None)
    assert decision.delay is None or 0 <= decision.delay <= LONGEST_DELAY
    assert (decision.status is StepStatus.FAILED) == (decision.failure is not None)
    assert decision.tries - tries == decision.used_a_try
    assert not (stopping and decision.status is StepStatus.PENDING)
    assert not (stopping and decision.is_dead)
    assert decision.is_dead == (decision.status is StepStatus.FAILED and stopping is None)
    assert bool(decision.attempt_outcome) == (not isinstance(outcome, Succeeded | Skipped))
