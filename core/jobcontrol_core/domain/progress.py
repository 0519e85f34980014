"""How far a job is: counters of its stages, the percentage, and honest totals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus


@dataclass(frozen=True, slots=True)
class StageCounts:
    """The counters of one stage. Steps are what ran, items are what came out of them.

    `skipped` includes cancelled steps. `total` is the number of steps born so far.
    """

    total: int = 0
    active: int = 0
    completed: int = 0
    failed: int = 0
    skipped: int = 0
    items: int = 0

    @property
    def ended(self) -> int:
        return self.completed + self.failed + self.skipped

    @property
    def open(self) -> int:
        return self.total - self.ended

    @property
    def pending(self) -> int:
        return self.open - self.active


#: The counter that a step of this status is in; one that is PENDING is in none.
COUNTER_OF: Mapping[StepStatus, str | None] = {
    StepStatus.PENDING: None,
    StepStatus.PROCESSING: "active",
    StepStatus.COMPLETED: "completed",
    StepStatus.FAILED: "failed",
    StepStatus.SKIPPED: "skipped",
    StepStatus.CANCELLED: "skipped",
}


@dataclass(frozen=True, slots=True)
class StageTimes:
    """When the first step of a stage began to run, and when its last one had ended and no more could come."""

    started_at: datetime | None = None
    completed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StageProgress:
    """One stage as it is shown: its counters and what may still come.

    `steps_expected` and `items_expected` are estimates while `is_total_final` / `are_items_final` are false.
    """

    name: str
    weight: float
    counts: StageCounts
    steps_expected: int
    is_total_final: bool
    items_expected: int
    are_items_final: bool
    times: StageTimes = StageTimes()

    @property
    def fraction(self) -> float:
        """Share of this stage's work that is over, 0 to 1; a final total of 0 is done."""
        if self.steps_expected == 0:
            return 1.0 if self.is_total_final else 0.0
        return self.counts.ended / self.steps_expected


@dataclass(frozen=True, slots=True)
class TimeLeft:
    """Half, and nine of ten, of `samples` earlier jobs that took at least as long as this one has were done by then."""

    p50: timedelta
    p90: timedelta
    samples: int


#: Fewer earlier jobs than this say nothing.
LEAST_SAMPLES = 5


def time_left_of(durations: Sequence[timedelta], elapsed: timedelta) -> TimeLeft | None:
    """What earlier jobs of these durations say of one that has run for `elapsed`; None if too few ran as long."""
    left = sorted(duration - elapsed for duration in durations if duration > elapsed)
    if len(left) < LEAST_SAMPLES:
        return None
    return TimeLeft(left[len(left) // 2], left[len(left) * 9 // 10], len(left))


def times_after(times: Sequence[StageTimes], counts: Sequence[StageCounts], now: datetime) -> list[StageTimes]:
    """The times of all stages of a job, in order, once their counters are as given, at `now`.

    A stage that has ended and gets a step back, a requeued one, has not ended.
    """
    moved, earlier_open = [], 0
    for before, of in zip(times, counts, strict=True):
        started_at = before.started_at or (now if of.active else None)
        is_over = started_at is not None and earlier_open + of.open == 0
        moved.append(StageTimes(started_at, (before.completed_at or now) if is_over else None))
        earlier_open += of.open
    return moved


def project_stages(
    stages: Sequence[tuple[str, float, StageCounts]], times: Sequence[StageTimes] = ()
) -> tuple[StageProgress, ...]:
    """What each weighted stage (name, weight, counts), in order, is and will be; with its times if they are given.

    A total is final once no step of an earlier stage is open. Until then it is what is known plus, for
    every step still expected of the stage before, the mean number of steps that this stage got from each.
    """
    projected: list[StageProgress] = []
    earlier_open = 0
    for number, (name, weight, counts) in enumerate(stages):
        is_final = earlier_open == 0
        before = projected[-1] if projected else None
        expected = counts.total if is_final or before is None else _expected_steps(before, counts)
        items_expected, items_final = _expected_items(counts, expected, is_final=is_final)
        when = times[number] if times else StageTimes()
        projected.append(StageProgress(name, weight, counts, expected, is_final, items_expected, items_final, when))
        earlier_open += counts.open
    return tuple(projected)


def percent_of(stages: Sequence[StageProgress]) -> int:
    """The weighted percentage, rounded down and at most 99: only the end of the job makes 100."""
    weighted = sum(stage.weight * min(1.0, stage.fraction) for stage in stages)
    return min(99, math.floor(weighted * 100 + 1e-9))


def next_percent(before: int, stages: Sequence[StageProgress], *, status: JobStatus, is_stopping: bool) -> int:
    """Never lower than before. What a stopping job leaves undone is over, but it is no progress."""
    if status is JobStatus.COMPLETED:
        return 100
    return before if is_stopping else max(before, percent_of(stages))


def _expected_steps(before: StageProgress, counts: StageCounts) -> int:
    parents_to_come = before.steps_expected - before.counts.ended
    if before.counts.completed == 0:
        return counts.total + parents_to_come
    mean = counts.total / before.counts.completed
    return counts.total + math.ceil(mean * parents_to_come)


def _expected_items(counts: StageCounts, steps_expected: int, *, is_final: bool) -> tuple[int, bool]:
    to_come = steps_expected - counts.ended
    if is_final and to_come <= 0:
        return counts.items, True
    if counts.completed == 0:
        return counts.items + to_come, False
    return counts.items + math.ceil(counts.items / counts.completed * to_come), False


def current_stage_of(stages: Sequence[StageProgress]) -> str:
    """The earliest stage with open steps; empty when there is none."""
    return next((stage.name for stage in stages if stage.counts.open), "")
