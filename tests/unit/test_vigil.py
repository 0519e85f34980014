"""A reaper judges only after it has kept watch without a break."""

from dataclasses import dataclass

import pytest

from jobcontrol_core.awake import awake_clock
from jobcontrol_server.dispatch.vigil import Vigil


@dataclass
class Clock:
    seconds: float = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def vigil(clock: Clock) -> Vigil:
    return Vigil(required=10.0, longest_gap=3.0, clock=clock)


def watch(vigil: Vigil, clock: Clock, seconds: int) -> None:
    for _ in range(seconds):
        clock.seconds += 1.0
        vigil.mark()


def test_a_vigil_that_has_just_begun_is_too_short(vigil: Vigil, clock: Clock) -> None:
    vigil.mark()
    assert not vigil.is_long_enough


def test_a_vigil_is_long_enough_after_the_required_time(vigil: Vigil, clock: Clock) -> None:
    watch(vigil, clock, 9)
    assert not vigil.is_long_enough
    watch(vigil, clock, 1)
    assert vigil.is_long_enough


def test_time_that_passed_without_a_mark_does_not_count(vigil: Vigil, clock: Clock) -> None:
    clock.seconds += 100.0
    assert not vigil.is_long_enough


def test_a_gap_begins_the_vigil_anew(vigil: Vigil, clock: Clock) -> None:
    watch(vigil, clock, 10)
    clock.seconds += 3.1
    vigil.mark()
    assert not vigil.is_long_enough
    watch(vigil, clock, 10)
    assert vigil.is_long_enough


def test_a_pause_within_the_longest_gap_counts_as_watching(vigil: Vigil, clock: Clock) -> None:
    watch(vigil, clock, 8)
    clock.seconds += 3.0
    vigil.mark()
    assert vigil.is_long_enough


def test_a_restart_begins_the_vigil_anew(vigil: Vigil, clock: Clock) -> None:
    watch(vigil, clock, 10)
    vigil.restart()
    assert not vigil.is_long_enough


def test_the_clock_never_goes_back() -> None:
    assert awake_clock() <= awake_clock()
