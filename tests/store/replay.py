"""A job told by its events alone, checked at each of them against what guarantees.md promises."""

from collections import Counter
from dataclasses import dataclass, field, replace

from jobcontrol_core.domain.events import JobEvent
from jobcontrol_core.domain.lifecycle import JOB_MOVES, STEP_MOVES, JobStatus, StepStatus, StopReceipt
from jobcontrol_core.domain.progress import StageCounts
from jobcontrol_core.domain.values import FINALIZE, Step

ENDED_AS_SKIPPED = (StepStatus.SKIPPED, StepStatus.CANCELLED)


@dataclass
class Replay:
    """Feed it every event of a job, in order; it fails at the first that breaks a promise."""

    sequence: int = 0
    status: JobStatus | None = None
    percent: int = 0
    tally: Counter[tuple[str, StepStatus]] = field(default_factory=Counter)
    items: Counter[str] = field(default_factory=Counter)
    steps: dict[str, Step] = field(default_factory=dict)
    stages: dict[str, StageCounts] = field(default_factory=dict)
    has_bulk_success: bool = False
    #: Stages in which steps moved without being told by their ids: of those the last telling may be old.
    moved_in_bulk: set[str] = field(default_factory=set)

    def tell(self, event: JobEvent) -> None:
        """Take in one event."""
        assert event.sequence == self.sequence + 1, "sequences are 1..N without holes"
        assert self.status is None or not self.status.has_ended, "nothing follows the end of a job"
        self.sequence = event.sequence
        self._move_job(event)
        for step in event.steps:
            self._move_step(step)
        for bulk in event.bulk:
            self._move_in_bulk(bulk.stage, bulk.previous, bulk.status, bulk.count)
        self._check_counters(event)
        self._check_percent(event)

    def _move_job(self, event: JobEvent) -> None:
        if event.change is None:
            assert event.status == self.status, "a status never changes without saying so"
            return
        assert event.change.status == event.status
        assert event.change.previous == self.status
        assert self.status is None or event.status in JOB_MOVES[self.status], f"{self.status} -> {event.status}"
        self.status = event.status

    def _move_step(self, step: Step) -> None:
        previous = self._previous_of(step)
        if self._is_progress(step):
            self.steps[step.id] = step
            return
        if previous is not None:
            assert step.status in STEP_MOVES[previous], f"{previous} -> {step.status}"
            self._count(step.stage, previous, -1)
        known = self.steps.get(step.id)
        if known is not None and step.stage not in self.moved_in_bulk:
            is_claim = step.status is StepStatus.PROCESSING
            assert step.attempt == known.attempt + is_claim, "an attempt grows by one, and by a claim alone"
        self._count(step.stage, step.status, 1)
        self.items[step.stage] += step.item_count
        self.steps[step.id] = step

    def _is_progress(self, step: Step) -> bool:
        """Whether a step is where it was, and has only said how far it is, or how it let go."""
        known = self.steps.get(step.id)
        is_same = known is not None and (known.status, known.attempt) == (step.status, step.attempt)
        if step.status is StepStatus.PROCESSING:
            return is_same and (step.has_told_progress or step.stop_receipt is not None)
        return is_same and step.stop_receipt in (StopReceipt.STOPPED, StopReceipt.KILLED)

    def _previous_of(self, step: Step) -> StepStatus | None:
        known = self.steps.get(step.id)
        if known is not None:
            was_claimed_in_bulk = step.attempt > known.attempt and step.status is not StepStatus.PROCESSING
            return StepStatus.PROCESSING if was_claimed_in_bulk else known.status
        is_birth = step.attempt == 0 and step.completed_at in (None, step.created_at)
        is_claimed_at_birth = step.status is StepStatus.PROCESSING and step.started_at == step.created_at
        if is_birth or is_claimed_at_birth:
            return None
        # A step that was born, or claimed, in bulk was not told by its id then.
        has_run = step.attempt > 0 and step.status in (StepStatus.COMPLETED, StepStatus.FAILED)
        return StepStatus.PROCESSING if has_run else StepStatus.PENDING

    def _move_in_bulk(self, stage: str, previous: StepStatus | None, status: StepStatus, count: int) -> None:
        if previous is not None:
            assert status in STEP_MOVES[previous]
            self._count(stage, previous, -count)
            self.moved_in_bulk.add(stage)
        self._count(stage, status, count)
        self.has_bulk_success |= status is StepStatus.COMPLETED

    def _count(self, stage: str, status: StepStatus, change: int) -> None:
        self.tally[stage, status] += change
        assert self.tally[stage, status] >= 0, f"more {status} steps left {stage} than there were"

    def _check_counters(self, event: JobEvent) -> None:
        for stage in event.stages:
            told = stage.counts
            recount = self.recount(stage.name)
            assert told == (replace(recount, items=told.items) if self.has_bulk_success else recount)
            before = self.stages.get(stage.name, StageCounts())
            for name in ("total", "completed", "failed", "skipped", "items"):
                if name == "failed" and event.requeue is not None:
                    continue
                assert getattr(told, name) >= getattr(before, name), f"{name} of {stage.name} fell"
            assert told.ended <= told.total
            self.stages[stage.name] = told

    def recount(self, stage: str) -> StageCounts:
        """The counters of a stage, counted from the steps that events told of."""
        of = {status: self.tally[stage, status] for status in StepStatus}
        return StageCounts(
            total=sum(of.values()),
            active=of[StepStatus.PROCESSING],
            completed=of[StepStatus.COMPLETED],
            failed=of[StepStatus.FAILED],
            skipped=sum(of[status] for status in ENDED_AS_SKIPPED),
            items=self.items[stage],
        )

    def _check_percent(self, event: JobEvent) -> None:
        assert event.percent >= self.percent, "percent never falls"
        assert (event.percent == 100) == (event.status is JobStatus.COMPLETED), "100 is COMPLETED and nothing else"
        self.percent = event.percent

    @property
    def finalize_steps(self) -> int:
        """How many finalize steps were ever born."""
        return sum(count for (stage, _), count in self.tally.items() if stage == FINALIZE)
