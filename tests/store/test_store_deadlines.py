"""Job timeouts: what is over its time stops, and is FAILED."""

from datetime import timedelta

import pytest

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, Stopping
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.deadlines import expire_job, read_overdue_jobs
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.tables import jobs
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, succeeded

MINUTE = timedelta(minutes=1)


def expire(builds: Builds, job_id: str) -> tuple[Committed, ...]:
    committed = builds.store.write(expire_job, job_id)
    builds.audit(job_id)
    return committed


def overdue(builds: Builds, job_id: str) -> None:
    """Let a minute pass for every job; this one has no more time left."""
    builds.rewind(jobs.c.deadline_at, MINUTE)
    assert builds.store.read(read_overdue_jobs) == [job_id]


def test_a_job_has_as_long_as_it_was_given(builds: Builds) -> None:
    job_id, endless = builds.start(timeout=MINUTE), builds.start(path_id="endless")
    assert (builds.job(job_id).timeout, builds.job(endless).timeout) == (MINUTE, None)
    assert builds.store.read(read_overdue_jobs) == []
    overdue(builds, job_id)


def test_a_job_that_never_started_fails_at_once_and_its_steps_are_skipped(builds: Builds) -> None:
    job_id = builds.start(timeout=MINUTE)
    expire(builds, job_id)
    job = builds.job(job_id)
    assert job.error is not None
    assert (job.status, job.error.type, job.status_actor) == (JobStatus.FAILED, "JobTimeout", "system")
    assert job.status_reason == "JobTimeout: the job has not ended within 60 s"
    assert [step.status for step in builds.steps(job_id)] == [StepStatus.SKIPPED]
    assert builds.store.read(read_overdue_jobs) == []


@pytest.mark.parametrize("is_paused", [False, True])
def test_a_running_step_is_told_to_stop_and_ends_the_job(builds: Builds, is_paused: bool) -> None:
    job_id = builds.start(timeout=MINUTE)
    builds.fan_out(job_id, 3)
    (running,) = builds.claim(job_id, SUB_CONCEPTS, 1)
    if is_paused:
        builds.pause(job_id)
    overdue(builds, job_id)
    assert expire(builds, job_id)
    assert builds.job(job_id).stopping is Stopping.FAILED
    assert (builds.claim(job_id), builds.store.read(read_demand)) == ((), [])
    assert builds.store.read(read_overdue_jobs) == []
    builds.end((running, Interrupted("CANCELLED")))
    assert builds.job(job_id).status is JobStatus.FAILED
    assert [step.status for step in builds.steps(job_id, "sub-concepts")] == [
        StepStatus.CANCELLED, StepStatus.SKIPPED, StepStatus.SKIPPED,
    ]  # fmt: skip


def test_a_step_that_ends_well_meanwhile_keeps_its_output_and_the_job_fails_all_the_same(builds: Builds) -> None:
    job_id = builds.start(timeout=MINUTE)
    root = builds.claim_one(job_id)
    expire(builds, job_id)
    builds.end((root, tree(2)(root)))
    assert builds.step(root).status is StepStatus.COMPLETED
    assert {step.status for step in builds.steps(job_id, "sub-concepts")} == {StepStatus.SKIPPED}
    job = builds.job(job_id)
    assert job.error is not None
    assert (job.status, job.error.type) == (JobStatus.FAILED, "JobTimeout")


def test_a_job_that_ended_or_is_stopping_in_the_meantime_is_left_alone(builds: Builds) -> None:
    done, stopping = builds.start(timeout=MINUTE), builds.start(path_id="other", timeout=MINUTE)
    builds.run(done, lambda _: succeeded())
    builds.claim_one(stopping)
    builds.cancel(stopping)
    assert (expire(builds, done), expire(builds, stopping)) == ((), ())
    assert builds.job(stopping).stopping is Stopping.CANCELLED


def test_a_retry_has_as_much_time_again(builds: Builds) -> None:
    job_id = builds.start(timeout=MINUTE)
    expire(builds, job_id)
    assert builds.job(builds.retry(job_id).job_id).timeout == MINUTE
