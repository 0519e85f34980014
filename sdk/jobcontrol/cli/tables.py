"""Lists of jobs, steps and pipelines as columns of text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from jobcontrol.display.wording import (
    count_noun,
    count_of,
    format_seconds,
    missing_lines,
    notes_of,
    run_seconds,
    time_left_words,
)
from jobcontrol.operations import DeadLetter, ErrorGroup, LogLine, Queue, Wait, WorkerProcess
from jobcontrol.values import JobState, JobStatus, PipelineInfo, Step, StepDetail, short_id

Row = Sequence[str]

JOB_COLUMNS = ("STATUS", "JOB", "PATH", "STAGE", "PROGRESS", "FAILED", "CREATED", "TOOK")
STEP_COLUMNS = ("STATUS", "STEP", "STAGE", "NAME", "TRIES", "ITEMS", "TOOK", "ERROR")
LETTER_COLUMNS = ("LETTER", "JOB", "STAGE", "STEP", "QUEUE", "TRIES", "DIED", "REQUEUE", "ERROR")
GROUP_COLUMNS = ("STEPS", "JOBS", "LAST SEEN", "FINGERPRINT", "ERROR")
WORKER_COLUMNS = ("STATUS", "WORKER", "PROCESS", "VERSION", "BUSY", "HEARTBEAT", "QUEUES", "RUNS")
QUEUE_COLUMNS = ("QUEUE", "STATE", "WAITING", "OLDEST", "RUNNING", "DELAYED", "DEAD", "LIMITS", "WORKERS")
PIPELINE_COLUMNS = ("PIPELINE", "VERSION", "DOCUMENT", "STAGES", "DESCRIPTION")

#: Of the words of status, as codes of ECMA-48: green, red, yellow, cyan.
_STATUS_COLORS = {
    **dict.fromkeys(("completed", "ready"), 32),
    **dict.fromkeys(("failed", "lost"), 31),
    **dict.fromkeys(("cancelled", "cancelling", "paused", "draining"), 33),
    "processing": 36,
}
#: Steps that a worker's row names.
NAMED_STEPS = 3


def job_row(state: JobState, now: datetime) -> Row:
    """One job of a list."""
    seconds = run_seconds(state, now)
    return (
        state.status,
        state.short_id,
        state.path_id,
        state.current_stage or "-",
        f"{state.percent}%",
        str(state.error_count or "-"),
        _age(state.created_at, now),
        format_seconds(seconds) if seconds is not None else "-",
    )


def step_row(step: Step) -> Row:
    """One step of a list."""
    seconds = step.run_duration.total_seconds()
    return (
        step.status,
        step.short_id,
        step.stage,
        step.name,
        str(step.tries or "-"),
        str(step.item_count or "-"),
        format_seconds(seconds) if seconds else "-",
        str(step.error) if step.error is not None else step.skip_reason,
    )


def pipeline_row(pipeline: PipelineInfo) -> Row:
    """One pipeline of a list."""
    document = f"{pipeline.document or 'none'}{', has a sample' if pipeline.has_sample else ''}"
    stages = " > ".join(stage.stage for stage in pipeline.stages)
    return (pipeline.pipeline, str(pipeline.version), document, stages, pipeline.description)


def worker_row(worker: WorkerProcess) -> Row:
    """One worker process of a list."""
    told = [f"{step.name} ({short_id(step.job_id)})" for step in worker.running[:NAMED_STEPS]]
    untold = worker.active - len(told)
    return (
        worker.status or "-",
        worker.short_id,
        f"{worker.host}:{worker.pid}",
        worker.version,
        f"{worker.active}/{worker.slots}",
        f"{format_seconds(worker.heartbeat_age.total_seconds())} ago",
        " ".join(worker.queues),
        ", ".join([*told, *([f"{untold} more"] if untold > 0 else [])]) or "-",
    )


def queue_row(queue: Queue, now: datetime) -> Row:
    """One queue of a list."""
    oldest = queue.oldest_waiting_age
    return (
        queue.queue,
        _queue_state(queue, now),
        str(queue.waiting),
        format_seconds(round(oldest.total_seconds())) if oldest is not None else "-",
        str(queue.active),
        str(queue.delayed or "-"),
        str(queue.dead or "-"),
        f"{queue.limits}{' (set)' if queue.limits_set else ''}",
        str(queue.workers or "none"),
    )


def _queue_state(queue: Queue, now: datetime) -> str:
    if queue.paused:
        by = f" by {queue.paused_by}" if queue.paused_by else ""
        return f"paused{by}" + (f": {queue.paused_reason}" if queue.paused_reason else "")
    if queue.held_until is not None and queue.held_until > now:
        return f"on hold for {format_seconds(round((queue.held_until - now).total_seconds()))}"
    return "open"


def letter_row(letter: DeadLetter, now: datetime) -> Row:
    """One dead letter of a list."""
    step = letter.step
    return (
        letter.short_id,
        short_id(step.job_id),
        step.stage,
        step.name,
        letter.queue,
        str(step.tries),
        _age(letter.created_at, now),
        letter.requeue.state if letter.requeue is not None else "-",
        str(step.error or step.failure_reason),
    )


def letter_lines(letter: DeadLetter, detail: StepDetail) -> list[str]:
    """One dead letter in full, a fact per line, with every failed attempt of its step."""
    step, requeue = letter.step, letter.requeue
    facts = [
        ("letter", letter.dead_letter_id),
        ("job", step.job_id),
        ("step", f"{step.name} ({step.stage}, {step.step_id})"),
        ("queue", letter.queue),
        ("died", _moment(letter.created_at)),
        ("failure", step.failure_reason),
        ("error", str(step.error or "")),
        ("fingerprint", letter.fingerprint),
        ("requeue", f"{requeue.state} by {requeue.actor} {requeue.message}".strip() if requeue is not None else ""),
    ]
    lines = _fact_lines(facts)
    for attempt in detail.attempts:
        lines += [f"attempt {attempt.attempt}: {attempt.outcome}: {attempt.error or ''}".rstrip(": ")]
        lines += [f"  {line}" for line in attempt.traceback.splitlines()]
    return lines


def group_row(group: ErrorGroup, now: datetime) -> Row:
    """One group of errors of a list."""
    error = f"{group.type}: {group.message}"
    return (str(group.step_count), str(group.job_count), _age(group.last_seen_at, now), group.fingerprint, error)


def job_lines(state: JobState, now: datetime) -> list[str]:
    """One job in full, a fact per line; what is empty is left out."""
    seconds = run_seconds(state, now)
    facts: list[tuple[str, str]] = [
        ("job", state.job_id),
        ("path", state.path_id),
        ("title", state.title),
        ("pipeline", f"{state.pipeline} v{state.pipeline_version}"),
        ("status", _status_words(state)),
        ("progress", f"{state.percent}%"),
        ("waiting", state.waiting_message),
        ("time left", time_left_words(state.time_left) if state.time_left is not None else ""),
        ("error", str(state.error) if state.error is not None else ""),
        ("failed steps", str(state.error_count or "")),
        ("document", _document_words(state)),
        ("labels", " ".join(f"{key}={value}" for key, value in state.labels.items())),
        ("attempt", f"{state.attempt}, retry of {state.retry_of}" if state.retry_of else ""),
        ("priority", str(state.priority or "")),
        ("reused steps", str(state.reused_steps or "")),
        ("created", _moment(state.created_at)),
        ("ended", _moment(state.completed_at)),
        ("took", format_seconds(seconds) if seconds is not None else ""),
        ("results", ", ".join(state.result_media_types)),
        ("page", state.url),
    ]
    facts[8:8] = [("  missing", line) for line in missing_lines(state)]
    facts[6:6] = [(f"  {stage.stage}", f"{count_of(stage)}  {notes_of(stage)}") for stage in state.stages]
    return _fact_lines(facts)


def log_text(line: LogLine) -> str:
    """One line of a log."""
    moment = f"{line.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S}" if line.created_at is not None else "-"
    stage = f"{line.stage}: " if line.stage else ""
    attempt = f" (attempt {line.attempt})" if line.attempt > 1 else ""
    return f"{moment} {line.level:<7} {stage}{' '.join(line.message.split())}{attempt}"


def wait_text(wait: Wait) -> str:
    """One reason to wait: what waits, and why."""
    what = f"{wait.stage}, {count_noun(wait.step_count, 'step')}" if wait.stage else "job"
    return f"{what} ({wait.reason.replace('_', ' ')}): {' '.join(wait.message.split())}"


def columns(header: Row, rows: Sequence[Row], *, has_color: bool = False) -> list[str]:
    """Rows under their header, each column as wide as its widest cell; the last one is not padded.

    With `has_color` a word of status in front is in its color.
    """
    cells = [[" ".join(cell.split()) for cell in row] for row in (header, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return [_colored(line, row[0]) if has_color else line for line, row in zip(lines, cells, strict=True)]


def _colored(line: str, status: str) -> str:
    color = _STATUS_COLORS.get(status)
    return f"\x1b[{color}m{status}\x1b[0m{line[len(status) :]}" if color else line


def _fact_lines(facts: Sequence[tuple[str, str]]) -> list[str]:
    width = max(len(name) for name, _ in facts)
    return [f"{name:<{width}}  {value}".rstrip() for name, value in facts if value]


def _status_words(state: JobState) -> str:
    is_somebodys = state.status in (JobStatus.CANCELLED, JobStatus.CANCELLING, JobStatus.PAUSED)
    by = f" by {state.status_actor}" if state.status_actor and is_somebodys else ""
    return f"{state.status}{by}" + (f": {state.status_reason}" if state.status_reason else "")


def _document_words(state: JobState) -> str:
    if state.document is None:
        return ""
    name = state.document.file_name or state.document.sha256[:12]
    return f"{name} ({state.document.media_type}, {state.document.size_bytes:,} bytes)"


def _age(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "-"
    seconds = max(0.0, (now - moment).total_seconds())
    days = int(seconds // 86400)
    return f"{days}d ago" if days else f"{format_seconds(round(seconds))} ago"


def _moment(moment: datetime | None) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if moment is not None else ""
