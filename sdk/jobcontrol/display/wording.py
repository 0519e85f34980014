"""How progress is put into words and numbers, the same in bars, in lines and in tables."""

from __future__ import annotations

from datetime import datetime, timedelta

from jobcontrol.events import StepChange
from jobcontrol.values import JobState, JobStatus, StageProgress, Step, StepStatus, TimeLeft

_VERBS = {
    JobStatus.PENDING: "Waiting",
    JobStatus.PROCESSING: "Building",
    JobStatus.PAUSED: "Paused",
    JobStatus.CANCELLING: "Cancelling",
    JobStatus.COMPLETED: "Built",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Cancelled",
}


#: Units of a guess, each with its seconds and the seconds from which on it is used.
_UNITS = (("h", 3600, 5400), ("min", 60, 90), ("s", 1, 0))


def verb_of(status: JobStatus) -> str:
    """What is going on, in one word before the name of the path."""
    return _VERBS.get(status, "Job")


def count_of(stage: StageProgress) -> str:
    """Items done of those to come; `~` before a number that is still an estimate."""
    if stage.items_final:
        return f"{stage.items}/{stage.items}"
    if stage.items_expected == 0:
        return f"{stage.items}/?"
    return f"{stage.items}/~{max(stage.items, stage.items_expected)}"


def share_of(stage: StageProgress) -> float:
    """How much of a stage is done, 0 to 1. A stage that turned out to have nothing to do is done."""
    if stage.is_done:
        return 1.0
    if stage.items_expected:
        return min(1.0, stage.items / stage.items_expected)
    ended = stage.completed + stage.failed + stage.skipped
    return min(1.0, ended / stage.total_expected) if stage.total_expected else 0.0


def seconds_of(stage: StageProgress) -> float | None:
    """How long a stage that is done took, by the server's clock; None if it never ran."""
    if not stage.is_done or stage.started_at is None or stage.completed_at is None:
        return None
    return (stage.completed_at - stage.started_at).total_seconds()


def notes_of(stage: StageProgress) -> str:
    """What else is worth saying of a stage: how long it took, or what runs; and what failed."""
    seconds = seconds_of(stage)
    notes = [format_seconds(seconds)] if seconds is not None else []
    notes += [f"{stage.active} running"] if stage.active else []
    notes += [f"{stage.failed} failed"] if stage.failed else []
    notes += [f"{stage.skipped} skipped"] if stage.skipped else []
    return " · ".join(notes)


def failure_line(step: Step) -> str:
    """A failed step, why, and after how many tries."""
    tries = f" ({step.tries} tries)" if step.tries > 1 else ""
    return f"{step.name}: {step.error or step.failure_reason or 'failed'}{tries}"


def step_news(change: StepChange) -> str:
    """What a step did, in one line."""
    step, seconds = change.step, change.step.run_duration.total_seconds()
    line = f"{step.stage}: {step.name}"
    if change.will_retry:
        return f"{line} will be tried again: {step.error or step.failure_reason}"
    if step.status is StepStatus.FAILED:
        return f"{step.stage}: {failure_line(step)}"
    if step.status is StepStatus.PROCESSING:
        return f"{line} {_doing_words(step)}"
    took = f" {format_seconds(seconds)}" if seconds else ""
    return f"{line} {step.status}{took}" + (f" ({step.item_count})" if step.item_count else "")


def _doing_words(step: Step) -> str:
    if step.stop_receipt:
        return f"is stopping, {step.stop_receipt}"
    if not step.has_told_progress:
        return "started" + (f", try {step.tries}" if step.tries > 1 else "")
    share = "" if step.progress_fraction is None else f"{step.progress_fraction:.0%}"
    return " ".join(filter(None, ("at", share, step.progress_note)))


def missing_lines(state: JobState) -> list[str]:
    """What a job lacks, a failed step on each line, and how many more there are."""
    lines = [f"{step.stage}: {failure_line(step)}" for step in state.missing]
    more = state.error_count - len(lines)
    return [*lines, f"{more:,} more"] if lines and more > 0 else lines


def outcome_of(state: JobState) -> str:
    """How a job ended, in one line without what to do next."""
    seconds = run_seconds(state, None)
    took = "" if seconds is None else format_seconds(seconds)
    if state.status is JobStatus.COMPLETED:
        failed = f" with {count_noun(state.error_count, 'failed step')}" if state.error_count else ""
        return f"Completed{failed}{took and f' in {took}'}."
    after = took and f" after {took}"
    if state.status is JobStatus.FAILED:
        return f"Failed{after}: {state.error or 'no error was told'}"
    if state.status is JobStatus.CANCELLED:
        by = f" by {state.status_actor}" if state.status_actor else ""
        why = f" ({state.status_reason})" if state.status_reason else ""
        return f"Cancelled{by}{after}{why}."
    return f"{state.status.capitalize()}, {state.percent}%."


def run_seconds(state: JobState, now: datetime | None) -> float | None:
    """From the job's creation to its end, or to `now` while it has none."""
    end = state.completed_at or now
    if state.created_at is None or end is None:
        return None
    # Our clock may be behind the server's.
    return max(0.0, (end - state.created_at).total_seconds())


def time_left_words(left: TimeLeft) -> str:
    """`about 1m10 to 3m00, by 40 earlier builds`: the middle one, and nine of ten."""
    p50, p90 = (format_seconds(span.total_seconds()) for span in (left.p50, left.p90))
    return f"about {p50} to {p90}, by {count_noun(left.sample_count, 'earlier build')}"


def left_words(least: timedelta, most: timedelta) -> str:
    """`about 1-3 min left`: rounded, for what is a guess by earlier builds."""
    unit, size = next((word, size) for word, size, begin in _UNITS if most.total_seconds() >= begin)
    low, high = round(least.total_seconds() / size), max(1, round(most.total_seconds() / size))
    span = f"{high}" if low >= high else f"{low}-{high}"
    return f"about {span} {unit} left"


def format_seconds(seconds: float) -> str:
    """8.1s, 42s, 2m01, 1h02m: as short as it stays exact enough; a whole number stays one."""
    if seconds < 9.95 and not isinstance(seconds, int):
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def count_noun(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
