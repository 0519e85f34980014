"""What a person is shown of a running job, kept up to date event by event; knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState, Step, StepStatus, TimeLeft

#: Failed steps that are named; the rest is a number.
NAMED_FAILURES = 3


@dataclass(slots=True)
class Board:
    """The newest picture of a job, the failures worth naming, why it waits and how long it may still take."""

    state: JobState
    failures: tuple[Step, ...] = ()
    is_link_lost: bool = False
    waiting: str = ""
    _left: TimeLeft | None = None
    _told_at: datetime | None = None

    def apply(self, event: Event, state: JobState) -> None:
        """Take over an event and the state after it. What moves has no reason to wait until that is told anew."""
        self.failures = (*self.failures, *failed_steps(event))[-NAMED_FAILURES:]
        self.state = state
        if event.changes is not None or state.status.has_ended:
            self.waiting = ""

    def foretell(self, told: JobState, now: datetime) -> None:
        """Take over why the job waits and how long it may take, as of `now`; nothing else of `told`."""
        self.waiting = told.waiting_message
        self._left, self._told_at = told.time_left, now

    def note_link(self, notice: LinkNotice) -> None:
        self.is_link_lost = not notice.is_restored

    def time_left(self, now: datetime) -> tuple[timedelta, timedelta] | None:
        """From what half to what nine of ten earlier builds needed from `now` on; None once more has passed."""
        if self._left is None or self._told_at is None or self.state.status.has_ended:
            return None
        passed = now - self._told_at
        if self._left.p90 <= passed:
            return None
        return max(timedelta(), self._left.p50 - passed), self._left.p90 - passed


def failed_steps(event: Event) -> tuple[Step, ...]:
    """The steps that an event tells to have failed for good."""
    if event.changes is None:
        return ()
    return tuple(change.step for change in event.changes.steps if change.step.status is StepStatus.FAILED)
