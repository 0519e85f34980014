"""When a supervisor takes a process for hung."""

from typing import Any

import pytest

from jobcontrol_core.domain.lifecycle import FailureReason
from jobcontrol_core.domain.outcomes import Failed
from jobcontrol_workers.hangs import LOOKS, SILENCE, HangWatch


class Process:
    """What a process tells, at the time that a test says."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.watch = HangWatch(lambda: self.now)

    def begin(self, step_id: str, seconds: float) -> None:
        self.hear(began=["job", step_id, 1, self.now + seconds, seconds])

    def hear(self, **message: Any) -> None:
        self.watch.hear(message)

    def looks_hung(self) -> bool:
        """In as many looks as it takes."""
        return [self.watch.looks_hung() for _ in range(LOOKS)][-1]


@pytest.fixture
def process() -> Process:
    return Process()


def test_a_silent_process_whose_steps_may_run_for_ever_does_not_hang(process: Process) -> None:
    process.now += 1_000
    assert not process.looks_hung()


def test_silence_before_a_deadline_is_no_hang(process: Process) -> None:
    process.begin("a", 60.0)
    process.now += 60.0 + SILENCE
    assert not process.looks_hung()


def test_silence_past_a_deadline_is_a_hang(process: Process) -> None:
    process.begin("a", 60.0)
    process.now += 60.0 + SILENCE + 0.1
    assert process.looks_hung()


def test_a_process_that_ticks_does_not_hang_however_late_its_steps_are(process: Process) -> None:
    process.begin("a", 1.0)
    process.now += 500.0
    process.hear(tick=True)
    process.now += SILENCE
    assert not process.looks_hung()


def test_a_step_that_has_ended_is_not_waited_for(process: Process) -> None:
    process.begin("a", 1.0)
    process.hear(over=["a", 1])
    process.now += 500.0
    assert not process.looks_hung()


def test_a_tick_that_is_heard_late_is_believed(process: Process) -> None:
    """The supervisor itself has slept: one look after it wakes proves nothing."""
    process.begin("a", 1.0)
    process.now += 500.0
    assert not process.watch.looks_hung()
    process.hear(tick=True)
    assert not process.looks_hung()


def test_the_one_step_past_its_time_has_timed_out(process: Process) -> None:
    process.begin("late", 1.0)
    process.begin("in time", 60.0)
    process.now += 30.0
    outcome = process.watch.guilty()
    assert outcome is not None
    assert (outcome.job_id, outcome.step_id, outcome.attempt) == ("job", "late", 1)
    assert isinstance(outcome.outcome, Failed)
    assert (outcome.outcome.reason, outcome.outcome.is_final) == (FailureReason.TIMED_OUT, False)
    assert "1 s" in outcome.outcome.error.message


def test_of_several_steps_past_their_time_none_is_said_to_hang(process: Process) -> None:
    process.begin("one", 1.0)
    process.begin("other", 1.0)
    process.now += 30.0
    assert process.watch.guilty() is None
