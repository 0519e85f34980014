"""When a failed step is tried again."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.retry import JITTER, RetryPolicy


def delays(policy: RetryPolicy, *tries: int) -> list[float]:
    return [policy.delay(number, jitter=0) for number in tries]


def test_the_delay_doubles_by_default_up_to_a_minute() -> None:
    assert delays(RetryPolicy(), 1, 2, 3, 6, 7, 1_000_000) == [1, 2, 4, 32, 60, 60]


def test_a_factor_of_one_makes_the_delay_fixed() -> None:
    assert delays(RetryPolicy(base=5.0, factor=1.0), 1, 2, 50) == [5, 5, 5]


def test_a_base_of_zero_tries_again_at_once() -> None:
    assert delays(RetryPolicy(base=0.0), 1, 2, 9) == [0, 0, 0]


@pytest.mark.parametrize(("jitter", "delay"), [(-1.0, 0.8), (0.0, 1.0), (1.0, 1.2)])
def test_jitter_moves_a_delay_by_a_fifth_at_most(jitter: float, delay: float) -> None:
    assert RetryPolicy().delay(1, jitter=jitter) == pytest.approx(delay)


@pytest.mark.parametrize(("tries", "may"), [(0, True), (2, True), (3, False), (4, False)])
def test_a_step_is_tried_as_often_as_its_policy_says(tries: int, may: bool) -> None:
    assert RetryPolicy(max_attempts=3).has_tries_left(tries) is may


@given(
    tries=st.integers(1, 10**9),
    base=st.floats(0, 1e300),
    factor=st.floats(1, 1e300),
    max_delay=st.floats(0, 1e6),
)
def test_no_policy_ever_waits_longer_than_its_longest_delay(
    tries: int, base: float, factor: float, max_delay: float
) -> None:
    delay = RetryPolicy(9, base, factor, max_delay).delay(tries)
    assert 0 <= delay <= max_delay * (1 + JITTER)


@given(first=st.integers(1, 100), more=st.integers(0, 100))
def test_a_later_try_never_waits_shorter(first: int, more: int) -> None:
    earlier, later = delays(RetryPolicy(), first, first + more)
    assert earlier <= later
