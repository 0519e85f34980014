"""Errors of the SDK: complete against the contract and the server, in one line, and able to travel."""

import inspect
import pickle
import re
from pathlib import Path

import pytest

import jobcontrol
from jobcontrol import Client, Job, JobState, JobStatus, errors, values
from jobcontrol import v1 as pb
from jobcontrol._decoding import enum_word, to_job_status, to_step_status
from jobcontrol._refusals import CODES, REASONS
from jobcontrol.errors import ApiError, JobCancelled, JobControlError, JobFailed, JobPartiallyFailed, WaitTimeout
from jobcontrol_core.domain.errors import DomainError

CONTRACT = Path(__file__).resolve().parents[2] / "proto" / "jobcontrol" / "v1" / "service.proto"
REASON = re.compile(r"\b[A-Z_]+/([A-Z_]+)")
ALL = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, JobControlError)]


def a_job(status: JobStatus = JobStatus.FAILED, **facts: object) -> Job:
    state = JobState(job_id="0193f0a1-0000-7000-8000-00007f3a91c2", path_id="rust-101", status=status, **facts)  # type: ignore[arg-type]
    return Job(Client("server:1", token="secret"), state)


def made(kind: type[JobControlError]) -> JobControlError:
    """An error of this class with all that it can hold."""
    if "job" in inspect.signature(kind.__init__).parameters:
        return kind("message", "hint", job=a_job())  # type: ignore[call-arg]
    if issubclass(kind, ApiError):
        return kind("message", "hint", code="NOT_FOUND", reason="R", metadata={"status": "FAILED"}, request_id="r")
    return kind("message", "hint")


def test_every_reason_of_the_contract_has_its_class() -> None:
    told = set(REASON.findall(CONTRACT.read_text(encoding="utf-8")))
    named_in_the_head = {"BACKEND_UNAVAILABLE", "STORAGE_FULL", "SERVER_DRAINING"}
    assert len(told) > 10
    assert (told | named_in_the_head) - REASONS.keys() == set()


def test_every_reason_of_the_engine_has_its_class() -> None:
    found, waiting = set[str](), [DomainError]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        found.add(kind.reason)
    assert found - {""} - REASONS.keys() == set()


def test_every_class_is_what_some_reason_or_code_becomes() -> None:
    assert {*REASONS.values(), *CODES.values()} == {kind for kind in ALL if issubclass(kind, ApiError)} - {ApiError}


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_an_error_survives_being_pickled(kind: type[JobControlError]) -> None:
    error = made(kind)
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == str(error) == "message; hint"
    assert {**again.__dict__, "job": None} == {**error.__dict__, "job": None}
    assert getattr(again, "job", None) == getattr(error, "job", None)


def test_a_pickled_error_carries_no_token() -> None:
    assert b"secret" not in pickle.dumps(JobFailed("failed", job=a_job()))


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.__name__)
def test_every_class_stands_in_the_tree_and_is_offered(kind: type[JobControlError]) -> None:
    assert re.search(rf"\b{kind.__name__}\b", errors.__doc__ or "")
    assert getattr(jobcontrol, kind.__name__) is kind


def test_a_wait_that_is_over_is_a_builtin_timeout_too() -> None:
    assert issubclass(WaitTimeout, TimeoutError)


def test_a_failed_job_says_what_which_and_what_next() -> None:
    job = a_job(error=values.Failure("StageFailed", "concepts: 1 of 1"))
    with pytest.raises(JobFailed) as raised:
        job.check()
    assert str(raised.value).startswith("rust-101 (7f3a91c2) failed: StageFailed: concepts: 1 of 1; error.job.retry()")
    assert raised.value.error == job.error


def test_a_cancelled_job_says_who_and_why() -> None:
    with pytest.raises(JobCancelled) as raised:
        a_job(JobStatus.CANCELLED, status_actor="anna", status_reason="too slow").check()
    assert (raised.value.by, raised.value.reason) == ("anna", "too slow")
    assert str(raised.value) == "rust-101 (7f3a91c2) was cancelled by anna: too slow"


def test_failed_steps_are_an_error_only_for_the_strict() -> None:
    job = a_job(JobStatus.COMPLETED, error_count=3)
    assert job.check() is job
    with pytest.raises(JobPartiallyFailed, match="3 of its steps failed"):
        job.check(strict=True)


@pytest.mark.parametrize("number", [number for number in pb.JobStatus.values() if number])
def test_every_status_of_a_job_is_known(number: int) -> None:
    assert to_job_status(number) is not JobStatus.UNKNOWN


@pytest.mark.parametrize("number", [number for number in pb.StepStatus.values() if number])
def test_every_status_of_a_step_is_known(number: int) -> None:
    assert to_step_status(number) is not values.StepStatus.UNKNOWN


def test_what_came_after_this_version_is_unknown_and_no_crash() -> None:
    assert to_job_status(99) is JobStatus.UNKNOWN
    assert enum_word(pb.SnapshotReason, 99, "SNAPSHOT_REASON_") == ""
