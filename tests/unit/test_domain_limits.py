"""The sliding log of a rate limit: never more starts within any window than allowed."""

import random
from datetime import UTC, datetime, timedelta

import pytest

from jobcontrol_core.domain.limits import STRETCH, Grants, QueueLimits
from jobcontrol_core.domain.moments import from_micros

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
TEN_A_MINUTE = QueueLimits(rate=10, window=60.0)
WINDOW = timedelta(seconds=60) * STRETCH


def test_a_fresh_log_lets_as_many_start_as_the_rate_says() -> None:
    grants = Grants(TEN_A_MINUTE, [], NOON)
    assert (grants.free, grants.opens_at) == (10, NOON)


def test_what_started_within_the_window_counts() -> None:
    log = Grants(TEN_A_MINUTE, [], NOON).take(7)
    assert Grants(TEN_A_MINUTE, log, NOON + timedelta(seconds=59)).free == 3
    assert Grants(TEN_A_MINUTE, log, NOON + WINDOW).free == 10


def test_the_window_is_kept_a_little_longer_than_asked() -> None:
    log = Grants(TEN_A_MINUTE, [], NOON).take(10)
    assert Grants(TEN_A_MINUTE, log, NOON + timedelta(seconds=60)).free == 0


def test_a_full_log_says_when_the_next_may_start() -> None:
    log = Grants(TEN_A_MINUTE, [], NOON).take(4)
    later = NOON + timedelta(seconds=20)
    log = Grants(TEN_A_MINUTE, log, later).take(6)
    full = Grants(TEN_A_MINUTE, log, later + timedelta(seconds=1))
    assert (full.free, full.opens_at) == (0, NOON + WINDOW)


def test_a_rate_that_was_lowered_waits_until_enough_lies_back() -> None:
    log = Grants(TEN_A_MINUTE, [], NOON).take(4)
    later = NOON + timedelta(seconds=20)
    log = Grants(TEN_A_MINUTE, log, later).take(6)
    lowered = Grants(QueueLimits(rate=5, window=60.0), log, later)
    assert (lowered.free, lowered.opens_at) == (0, later + WINDOW)


def test_the_log_holds_no_more_than_a_window() -> None:
    log: list[list[int]] = []
    for second in range(0, 600, 30):
        grants = Grants(TEN_A_MINUTE, log, NOON + timedelta(seconds=second))
        log = grants.take(min(5, grants.free)) if grants.free else log
    assert len(log) <= 3


@pytest.mark.parametrize("seed", range(5))
def test_no_window_ever_holds_more_than_the_rate(seed: int) -> None:
    drawn = random.Random(seed)
    limits = QueueLimits(rate=drawn.randint(1, 20), window=drawn.choice([0.5, 1.0, 7.0]))
    assert limits.rate is not None
    assert limits.window is not None
    now, starts = NOON, list[datetime]()
    log: list[list[int]] = []
    for _ in range(400):
        now += timedelta(milliseconds=drawn.randint(0, 300))
        grants = Grants(limits, log, now)
        if count := min(drawn.randint(0, 5), grants.free):
            log = grants.take(count)
            starts += [now] * count
    window = timedelta(seconds=limits.window)
    most = max(sum(first <= start < first + window for start in starts) for first in starts)
    assert most <= limits.rate
    assert from_micros(log[-1][0]) == starts[-1]


def test_a_queue_without_limits_is_not_limited() -> None:
    assert not QueueLimits().is_limited
    assert QueueLimits(max_running=1).is_limited
    assert TEN_A_MINUTE.is_limited
