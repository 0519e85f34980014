"""What one commit tells of a job, as a value and as versioned JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus, StopReceipt
from jobcontrol_core.domain.moments import MICROSECOND, from_micros, to_micros
from jobcontrol_core.domain.outcomes import storable_text
from jobcontrol_core.domain.progress import StageCounts, StageProgress, StageTimes, project_stages
from jobcontrol_core.domain.stored import member_or_none
from jobcontrol_core.domain.values import ErrorInfo, Step

#: Made once: json.dumps makes an encoder for every call that is not all defaults.
_to_text = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

VERSION = 1
MAX_STEPS = 500
MAX_BYTES = 256 << 10
MAX_ERROR = 512
#: Of a stage, in this order; a later release may tell more after them.
COUNTERS = len(fields(StageCounts))


@dataclass(frozen=True, slots=True)
class StatusChange:
    """The job moved. `actor` is who caused it, "system" for the engine itself."""

    previous: JobStatus | None
    status: JobStatus
    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class BulkChange:
    """`count` steps of `stage` moved alike and are not told one by one; `previous` None = were born."""

    stage: str
    previous: StepStatus | None
    status: StepStatus
    count: int


@dataclass(frozen=True, slots=True)
class Logged:
    """An attempt has logged the lines `first` to `last`, which the event names and does not hold."""

    step_id: str
    stage: str
    attempt: int
    first: int
    last: int

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclass(frozen=True, slots=True)
class Requeue:
    """Steps that had failed for good got a fresh set of tries: the event's PENDING ones, and those of its `bulk`."""

    actor: str
    reason: str


@dataclass(frozen=True, slots=True)
class JobEvent:
    """One commit of a job: its new counters, and whatever moved in it. Steps are whole, as after the commit."""

    job_id: str
    sequence: int
    created_at: datetime
    percent: int
    stages: tuple[StageProgress, ...]
    status: JobStatus
    change: StatusChange | None = None
    steps: tuple[Step, ...] = ()
    bulk: tuple[BulkChange, ...] = ()
    logged: tuple[Logged, ...] = ()
    requeue: Requeue | None = None


LOGGED = len(fields(Logged))


def encode_steps(steps: Sequence[Step]) -> list[str]:
    """The JSON of as many of `steps`, from the first, as one event may tell one by one."""
    texts: list[str] = []
    size = 0
    for step in steps[:MAX_STEPS]:
        text = _to_text(step_to_json(step))
        size += len(text.encode())
        if size > MAX_BYTES:
            break
        texts.append(text)
    return texts


def encode_event(event: JobEvent, step_texts: Sequence[str]) -> str:
    """The event's payload; `step_texts` are its steps by `encode_steps`, all the others are in `bulk`."""
    payload: dict[str, Any] = {
        "v": VERSION,
        "percent": event.percent,
        "status": event.status,
        "stages": [
            [stage.name, stage.weight, *_counts_to_list(stage.counts), *_times_to_list(stage.times)]
            for stage in event.stages
        ],
    }
    if event.change is not None:
        change = event.change
        payload["change"] = [change.previous, change.status, change.actor, change.reason]
    if event.bulk:
        payload["bulk"] = [[bulk.stage, bulk.previous, bulk.status, bulk.count] for bulk in event.bulk]
    if event.logged:
        payload["logged"] = [[one.step_id, one.stage, one.attempt, one.first, one.last] for one in event.logged]
    if event.requeue is not None:
        payload["requeue"] = [event.requeue.actor, event.requeue.reason]
    text = _to_text(payload)
    return f'{text[:-1]},"steps":[{",".join(step_texts)}]}}' if step_texts else text


def decode_event(job_id: str, sequence: int, created_at: datetime, payload: str) -> JobEvent:
    """The event that `encode_event` wrote. Fields of a later version are ignored."""
    data = json.loads(payload)
    change = data.get("change")
    return JobEvent(
        job_id=job_id,
        sequence=sequence,
        created_at=created_at,
        percent=data["percent"],
        status=JobStatus(data["status"]),
        stages=project_stages(
            [(name, weight, StageCounts(*told[:COUNTERS])) for name, weight, *told in data["stages"]],
            [_times_from_list(told[COUNTERS:]) for _, _, *told in data["stages"]],
        ),
        change=StatusChange(_optional_job_status(change[0]), JobStatus(change[1]), change[2], change[3])
        if change
        else None,
        steps=tuple(step_from_json(job_id, step) for step in data.get("steps", ())),
        bulk=tuple(
            BulkChange(stage, StepStatus(previous) if previous else None, StepStatus(status), count)
            for stage, previous, status, count, *_ in data.get("bulk", ())
        ),
        logged=tuple(Logged(*told[:LOGGED]) for told in data.get("logged", ())),
        requeue=Requeue(*data["requeue"][:2]) if data.get("requeue") else None,
    )


def _times_to_list(times: StageTimes) -> list[int | None]:
    return [_micros(times.started_at), _micros(times.completed_at)]


def _times_from_list(told: Sequence[int | None]) -> StageTimes:
    """A later release may tell more after them, an earlier one told none."""
    return StageTimes(*(_moment(micros) for micros in told[:2]))


def step_to_json(step: Step) -> dict[str, Any]:
    """A step without traceback and with a short error; absent = None, 0 or empty."""
    full = {
        "id": step.id,
        "stage": step.stage,
        "stage_no": step.stage_no,
        "parent": step.parent_id,
        "key": step.key,
        "label": step.label,
        "position": step.position,
        "ordinal": step.ordinal,
        "siblings": step.sibling_total,
        "status": step.status,
        "attempt": step.attempt,
        "tries": step.tries,
        "failure": step.failure,
        "error": [step.error.type, storable_text(step.error.message, MAX_ERROR)] if step.error else None,
        "items": step.item_count,
        "run": step.run_time // MICROSECOND,
        "reused_from": step.reused_from,
        "created": _micros(step.created_at),
        "started": _micros(step.started_at),
        "completed": _micros(step.completed_at),
        "next": _micros(step.next_attempt_at),
        "note": step.progress_note,
        "receipt": step.stop_receipt,
    }
    told = {name: value for name, value in full.items() if value not in (None, 0, "")}
    # 0 is a fraction, too: it is said where it is known.
    return told if step.progress_fraction is None else {**told, "fraction": step.progress_fraction}


def step_from_json(job_id: str, data: Mapping[str, Any]) -> Step:
    """The step that `step_to_json` wrote."""
    error = data.get("error")
    return Step(
        id=data["id"],
        job_id=job_id,
        stage=data["stage"],
        stage_no=data.get("stage_no", 0),
        parent_id=data.get("parent"),
        key=data.get("key", ""),
        label=data.get("label", ""),
        position=data.get("position", ""),
        ordinal=data.get("ordinal", 0),
        sibling_total=data.get("siblings", 0),
        status=StepStatus(data["status"]),
        attempt=data.get("attempt", 0),
        tries=data.get("tries", 0),
        failure=member_or_none(FailureReason, data.get("failure")),
        error=ErrorInfo(error[0], error[1]) if error else None,
        item_count=data.get("items", 0),
        run_time=timedelta(microseconds=data.get("run", 0)),
        reused_from=data.get("reused_from"),
        created_at=from_micros(data["created"]),
        started_at=_moment(data.get("started")),
        completed_at=_moment(data.get("completed")),
        next_attempt_at=_moment(data.get("next")),
        progress_fraction=data.get("fraction"),
        progress_note=data.get("note", ""),
        stop_receipt=member_or_none(StopReceipt, data.get("receipt")),
    )


def will_retry(step: Step) -> bool:
    """Whether an attempt of `step` has failed and another one is to come."""
    return step.status is StepStatus.PENDING and step.tries > 0 and step.error is not None


def fold_events(events: Sequence[JobEvent]) -> JobEvent:
    """Consecutive events of one job as the last of them: last value of each step, counts added up."""
    last = events[-1]
    if len(events) == 1:
        return last
    steps: dict[str, Step] = {}
    bulk: dict[tuple[str, StepStatus | None, StepStatus], int] = {}
    change: StatusChange | None = None
    for event in events:
        steps.update((step.id, step) for step in event.steps)
        for item in event.bulk:
            kind = (item.stage, item.previous, item.status)
            bulk[kind] = bulk.get(kind, 0) + item.count
        if event.change is not None:
            previous = change.previous if change is not None else event.change.previous
            change = replace(event.change, previous=previous)
    folded = tuple(BulkChange(*kind, count) for kind, count in bulk.items())
    logged = tuple(one for event in events for one in event.logged)
    return replace(last, change=change, steps=tuple(steps.values()), bulk=folded, logged=logged)


def _counts_to_list(counts: StageCounts) -> list[int]:
    return [counts.total, counts.active, counts.completed, counts.failed, counts.skipped, counts.items]


def _optional_job_status(value: str | None) -> JobStatus | None:
    return JobStatus(value) if value else None


def _micros(moment: datetime | None) -> int | None:
    return None if moment is None else to_micros(moment)


def _moment(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)
