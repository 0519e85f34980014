"""The legal moves of jobs and steps, against the states that are promised."""

import itertools

import pytest

from jobcontrol_core.domain.lifecycle import (
    ACTIVE_JOB,
    CLAIMABLE_JOB,
    ENDED_JOB,
    ENDED_STEP,
    JOB_MOVES,
    OPEN_STEP,
    REPORTABLE_JOB,
    STEP_MOVES,
    JobStatus,
    StepStatus,
    Stopping,
    job_sources_of,
    step_sources_of,
)

#: guarantees.md, "States", move by move.
PROMISED_JOB_MOVES = {
    "PENDING": "PROCESSING PAUSED CANCELLED CANCELLING FAILED",
    "PROCESSING": "COMPLETED FAILED PAUSED CANCELLING CANCELLED",
    "PAUSED": "PENDING PROCESSING COMPLETED FAILED CANCELLING CANCELLED",
    "CANCELLING": "CANCELLED",
    "COMPLETED": "",
    "FAILED": "",
    "CANCELLED": "",
}
PROMISED_STEP_MOVES = {
    "PENDING": "PROCESSING SKIPPED CANCELLED",
    "PROCESSING": "COMPLETED FAILED SKIPPED CANCELLED PENDING",
    "COMPLETED": "",
    "FAILED": "PENDING",
    "SKIPPED": "",
    "CANCELLED": "",
}


@pytest.mark.parametrize(("source", "target"), list(itertools.product(JobStatus, JobStatus)))
def test_a_job_moves_as_promised_and_in_no_other_way(source: JobStatus, target: JobStatus) -> None:
    assert (target in JOB_MOVES[source]) == (target in PROMISED_JOB_MOVES[source].split())


@pytest.mark.parametrize(("source", "target"), list(itertools.product(StepStatus, StepStatus)))
def test_a_step_moves_as_promised_and_in_no_other_way(source: StepStatus, target: StepStatus) -> None:
    assert (target in STEP_MOVES[source]) == (target in PROMISED_STEP_MOVES[source].split())


def test_the_tables_name_every_status() -> None:
    assert JOB_MOVES.keys() == set(JobStatus)
    assert STEP_MOVES.keys() == set(StepStatus)


def test_a_job_that_has_ended_never_moves_again() -> None:
    assert {status for status, targets in JOB_MOVES.items() if not targets} == ENDED_JOB
    assert {status for status in JobStatus if status.has_ended} == ENDED_JOB
    assert set(JobStatus) == ACTIVE_JOB | ENDED_JOB
    assert not ACTIVE_JOB & ENDED_JOB


def test_every_active_job_can_be_cancelled_and_so_can_end() -> None:
    for status in ACTIVE_JOB:
        assert JobStatus.CANCELLED in JOB_MOVES[status]


def test_an_ended_step_stays_ended_but_for_a_requeued_failure() -> None:
    assert {status for status in StepStatus if status.has_ended} == ENDED_STEP
    assert {StepStatus.PENDING, StepStatus.PROCESSING} == OPEN_STEP
    assert {status: targets for status, targets in STEP_MOVES.items() if status in ENDED_STEP and targets} == {
        StepStatus.FAILED: {StepStatus.PENDING}
    }


def test_sources_are_the_moves_read_backwards() -> None:
    for source, target in itertools.product(JobStatus, JobStatus):
        assert (source in job_sources_of(target)) == (target in JOB_MOVES[source])
    for first, second in itertools.product(StepStatus, StepStatus):
        assert (first in step_sources_of(second)) == (second in STEP_MOVES[first])


def test_a_stopping_job_hands_out_nothing_and_a_paused_one_takes_reports() -> None:
    assert {JobStatus.PENDING, JobStatus.PROCESSING} == CLAIMABLE_JOB
    assert {JobStatus.PROCESSING, JobStatus.PAUSED} == REPORTABLE_JOB


@pytest.mark.parametrize(
    ("stopping", "job_status", "step_status"),
    [
        (Stopping.CANCELLED, JobStatus.CANCELLED, StepStatus.CANCELLED),
        (Stopping.FAILED, JobStatus.FAILED, StepStatus.SKIPPED),
    ],
)
def test_what_never_ran_ends_by_what_the_job_was_stopped_for(
    stopping: Stopping, job_status: JobStatus, step_status: StepStatus
) -> None:
    assert (stopping.job_status, stopping.pending_step_status) == (job_status, step_status)
