"""How progress is put into words and numbers, the same in bars, in lines and in tables."""

from __future__ import annotations

from datetime import datetime

from jobcontrol.values import JobState, JobStatus, StageProgress, Step, TimeLeft

_VERBS = {
    JobStatus.PENDING: "Waiting",
    JobStatus.PROCESSING: "Building",
    JobStatus.PAUSED: "Paused",
    JobStatus.CANCELLING: "Cancelling",
    JobStatus.COMPLETED: "Built",
    JobStatus.FAILED: "Failed",
    JobStatus.CANCELLED: "Cancelled",
}


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


def notes_of(stage: StageProgress, seconds: float | None = None) -> str:
    """What else is worth saying of a stage: how long it took, or what runs; and what failed."""
    notes = [format_seconds(seconds)] if stage.is_done and seconds is not None else []
    notes += [f"{stage.active} running"] if stage.active else []
    notes += [f"{stage.failed} failed"] if stage.failed else []
    notes += [f"{stage.skipped} skipped"] if stage.skipped else []
    return " · ".join(notes)


def failure_line(step: Step) -> str:
    """A failed step, why, and after how many tries."""
    tries = f" ({step.tries} tries)" if step.tries > 1 else ""
    return f"{step.name}: {step.error or step.failure_reason or 'failed'}{tries}"


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


def format_seconds(seconds: float) -> str:
    """8.1s, 42s, 2m01, 1h02m: as short as it stays exact enough."""
    if seconds < 9.95:
        return f"{seconds:.1f}s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}"
    return f"{whole // 3600}h{whole % 3600 // 60:02}m"


def count_noun(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
