"""What one commit tells of a job: written as JSON, read back, folded."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.events import (
    MAX_BYTES,
    MAX_ERROR,
    MAX_STEPS,
    BulkChange,
    JobEvent,
    Logged,
    StatusChange,
    decode_event,
    encode_event,
    encode_steps,
    fold_events,
    step_from_json,
    step_to_json,
)
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus, StopReceipt
from jobcontrol_core.domain.moments import EPOCH
from jobcontrol_core.domain.progress import StageCounts, project_stages
from jobcontrol_core.domain.values import ErrorInfo, Step

MOMENT = datetime(2030, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
JOB = "0198f000-0000-7000-8000-00000000000a"

moments = st.datetimes(timezones=st.just(UTC)).filter(lambda moment: moment > EPOCH)
optional_moments = st.none() | moments
words = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20)
steps = st.builds(
    Step,
    id=words.filter(bool),
    job_id=st.just(JOB),
    stage=words.filter(bool),
    stage_no=st.integers(0, 5),
    parent_id=st.none() | words.filter(bool),
    key=words,
    label=words,
    position=words,
    ordinal=st.integers(0, 99),
    sibling_total=st.integers(0, 99),
    status=st.sampled_from(StepStatus),
    attempt=st.integers(0, 9),
    tries=st.integers(0, 9),
    failure=st.none() | st.sampled_from(FailureReason),
    error=st.none() | st.builds(ErrorInfo, words, words),
    item_count=st.integers(0, 999),
    run_time=st.integers(0, 10**12).map(lambda micros: timedelta(microseconds=micros)),
    reused_from=st.none() | words.filter(bool),
    created_at=moments,
    started_at=optional_moments,
    completed_at=optional_moments,
    next_attempt_at=optional_moments,
)


def step(number: int = 0, **overrides: Any) -> Step:
    values: dict[str, Any] = {
        "id": f"step-{number}", "job_id": JOB, "stage": "concepts", "stage_no": 0, "parent_id": None, "key": "k",
        "label": "K", "position": "0", "ordinal": 0, "sibling_total": 1, "status": StepStatus.PENDING, "attempt": 0,
        "tries": 0, "failure": None, "error": None, "item_count": 0, "run_time": timedelta(0), "reused_from": None,
        "created_at": MOMENT, "started_at": None, "completed_at": None, "next_attempt_at": None,
    }  # fmt: skip
    return Step(**{**values, **overrides})


def event(sequence: int = 1, **overrides: Any) -> JobEvent:
    values: dict[str, Any] = {
        "job_id": JOB,
        "sequence": sequence,
        "created_at": MOMENT,
        "percent": sequence,
        "stages": project_stages([("concepts", 0.2, StageCounts(1, 1)), ("sub-concepts", 0.8, StageCounts())]),
        "status": JobStatus.PROCESSING,
    }
    return JobEvent(**{**values, **overrides})


def read_back(told: JobEvent) -> JobEvent:
    return decode_event(told.job_id, told.sequence, told.created_at, encode_event(told, encode_steps(told.steps)))


@pytest.mark.parametrize(
    "told",
    [
        event(),
        event(change=StatusChange(None, JobStatus.PROCESSING, "ada", "")),
        event(change=StatusChange(JobStatus.PENDING, JobStatus.PROCESSING, "system", "why not")),
        event(steps=(step(1), step(2, status=StepStatus.FAILED, failure=FailureReason.POISONED))),
        event(bulk=(BulkChange("concepts", None, StepStatus.PENDING, 9), BulkChange("c", StepStatus.PENDING,
              StepStatus.CANCELLED, 1))),
        event(logged=(Logged("step-1", "concepts", 1, 1, 3), Logged("step-2", "concepts", 2, 4, 4))),
        event(steps=(step(1, status=StepStatus.CANCELLED, stop_receipt=StopReceipt.ABANDONED),)),
    ],
)  # fmt: skip
def test_an_event_reads_back_as_it_was_written(told: JobEvent) -> None:
    assert read_back(told) == told


@given(steps)
def test_every_step_reads_back_as_it_was_written(told: Step) -> None:
    assert step_from_json(JOB, json.loads(json.dumps(step_to_json(told)))) == told


def test_fields_of_a_later_version_are_ignored() -> None:
    told = event(steps=(step(1),))
    payload = json.loads(encode_event(told, encode_steps(told.steps)))
    payload |= {"v": 2, "mood": "good"}
    payload["steps"][0]["colour"] = "red"
    assert decode_event(JOB, 1, MOMENT, json.dumps(payload)) == told


def test_a_step_is_told_without_traceback_and_with_a_short_error() -> None:
    long = step(error=ErrorInfo("ValueError", "x" * 10_000, "Traceback"))
    told = step_from_json(JOB, step_to_json(long))
    assert told.error is not None
    assert len(told.error.message.encode()) <= MAX_ERROR
    assert told.error.traceback == ""


def test_what_is_empty_is_not_written() -> None:
    assert step_to_json(step()).keys() == {
        "id", "stage", "key", "label", "position", "siblings", "status", "created",
    }  # fmt: skip


@pytest.mark.parametrize("count", [0, 1, MAX_STEPS, MAX_STEPS + 1, 5 * MAX_STEPS])
def test_an_event_tells_500_steps_at_most(count: int) -> None:
    assert len(encode_steps([step(number) for number in range(count)])) == min(count, MAX_STEPS)


@given(st.integers(1, 256), st.integers(1, 500))
def test_an_event_tells_no_more_than_its_bytes_hold(label: int, count: int) -> None:
    many = [step(number, label="ü" * label, key="é" * 2 * label) for number in range(count)]
    told = len(encode_steps(many))
    size = sum(len(text.encode()) for text in encode_steps(many))
    assert size <= MAX_BYTES
    assert told == count or size + 5_000 > MAX_BYTES


def test_folding_keeps_the_last_value_of_each_step_and_adds_numbers_up() -> None:
    started = step(1, status=StepStatus.PROCESSING, attempt=1)
    ended = replace(started, status=StepStatus.COMPLETED)
    cancelled = BulkChange("c", StepStatus.PENDING, StepStatus.CANCELLED, 2)
    folded = fold_events([
        event(4, steps=(step(1), step(2)), bulk=(cancelled,)),
        event(5, steps=(started,), bulk=(replace(cancelled, count=3), replace(cancelled, stage="d"))),
        event(6, steps=(ended,), created_at=MOMENT + timedelta(seconds=1)),
    ])  # fmt: skip
    assert (folded.sequence, folded.percent, folded.created_at) == (6, 6, MOMENT + timedelta(seconds=1))
    assert folded.steps == (ended, step(2))
    assert folded.bulk == (replace(cancelled, count=5), replace(cancelled, stage="d"))


def test_folding_status_changes_tells_from_the_first_to_the_last() -> None:
    folded = fold_events([
        event(1, change=StatusChange(JobStatus.PENDING, JobStatus.PROCESSING, "system", "")),
        event(2),
        event(3, change=StatusChange(JobStatus.PROCESSING, JobStatus.CANCELLED, "ada", "enough")),
        event(4),
    ])  # fmt: skip
    assert folded.change == StatusChange(JobStatus.PENDING, JobStatus.CANCELLED, "ada", "enough")


def test_one_event_folds_to_itself() -> None:
    told = event(7, steps=(step(1),))
    assert fold_events([told]) is told
    assert fold_events([event(1), event(2)]).change is None
