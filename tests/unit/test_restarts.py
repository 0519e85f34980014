"""Processes that die young are started again ever more slowly."""

import pytest

from jobcontrol_workers.restarts import LONGEST_WAIT, YOUNG_SECONDS, Restarts


class Deaths:
    """Restarts under a clock that stands still but where a test turns it."""

    def __init__(self, first_wait: float = 0.0) -> None:
        self.seconds = 1_000.0
        self.restarts = Restarts(first_wait=first_wait, clock=lambda: self.seconds)

    def die(self, age: float = 0.0) -> float:
        """A process dies at this age; returns how long its successor had to wait."""
        self.restarts.saw_death(self.seconds - age)
        died_at = self.seconds
        while not self.restarts.is_due:
            self.seconds += 0.05
        return self.seconds - died_at


@pytest.fixture
def deaths() -> Deaths:
    return Deaths()


def test_the_first_process_is_started_at_once(deaths: Deaths) -> None:
    assert deaths.restarts.is_due


def test_one_death_is_followed_by_a_start_at_once(deaths: Deaths) -> None:
    assert deaths.die() == 0


def test_one_young_death_after_the_other_makes_the_wait_longer_up_to_a_limit(deaths: Deaths) -> None:
    waits = [deaths.die() for _ in range(8)]
    assert waits[:5] == pytest.approx([0, 0.4, 0.8, 1.6, 3.2], abs=0.06)
    assert waits[5:] == pytest.approx([LONGEST_WAIT] * 3, abs=0.06)


def test_a_process_that_grew_old_is_replaced_at_once_whatever_came_before(deaths: Deaths) -> None:
    for _ in range(5):
        deaths.die()
    assert deaths.die(age=YOUNG_SECONDS) == 0
    assert deaths.die() == 0


def test_the_first_wait_is_as_long_as_was_asked() -> None:
    deaths = Deaths(first_wait=0.2)
    assert [deaths.die() for _ in range(3)] == pytest.approx([0.2, 0.4, 0.8], abs=0.06)
    assert deaths.die(age=YOUNG_SECONDS) == 0
