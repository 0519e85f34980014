"""What a person is shown of a running job, kept up to date event by event; knows no terminal."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState, StageProgress, Step, StepStatus

#: Failed steps that are named; the rest is a number.
NAMED_FAILURES = 3


@dataclass(slots=True)
class Board:
    """The newest picture of a job, the failures worth naming, and how long each stage took."""

    state: JobState
    failures: tuple[Step, ...] = ()
    is_link_lost: bool = False
    _began: dict[str, datetime] = field(default_factory=dict)
    _took: dict[str, float] = field(default_factory=dict)

    def apply(self, event: Event, state: JobState) -> None:
        """Take over an event and the state after it."""
        self._time_stages(event, state)
        self.failures = (*self.failures, *failed_steps(event))[-NAMED_FAILURES:]
        self.state = state

    def note_link(self, notice: LinkNotice) -> None:
        self.is_link_lost = not notice.is_restored

    def seconds_of(self, stage: StageProgress) -> float | None:
        """How long a stage that is done took; None if its begin or end was not seen."""
        if stage.started_at is not None and stage.completed_at is not None:
            return (stage.completed_at - stage.started_at).total_seconds()
        return self._took.get(stage.stage)

    def _time_stages(self, event: Event, state: JobState) -> None:
        """Time stages by the server's clock, but only those whose begin was seen here, and before their end."""
        if event.time is None:
            return
        had_begun = {stage.stage for stage in self.state.stages if stage.has_begun}
        for stage in state.stages:
            began = self._began.get(stage.stage)
            if began is not None and stage.is_done:
                self._took.setdefault(stage.stage, (event.time - began).total_seconds())
            elif began is None and stage.has_begun and not stage.is_done and stage.stage not in had_begun:
                self._began[stage.stage] = event.time


def failed_steps(event: Event) -> tuple[Step, ...]:
    """The steps that an event tells to have failed for good."""
    if event.changes is None:
        return ()
    return tuple(change.step for change in event.changes.steps if change.step.status is StepStatus.FAILED)
