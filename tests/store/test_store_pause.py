"""Pause and Resume: nothing starts meanwhile, what runs may end, and may end the job."""

import pytest

from jobcontrol_core.domain.errors import EtagMismatch, JobNotPausable, JobTerminal
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.demand import read_demand
from store.builds import Builds, tree
from store.factories import FINALIZE_NO, SUB_CONCEPTS, failed, succeeded
from store.threads import together


def test_a_paused_job_hands_out_nothing_and_wants_no_tickets(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    assert [demand.job_id for demand in builds.store.read(read_demand)] == [job_id]
    builds.pause(job_id, reason="the model is down")
    job = builds.job(job_id)
    assert (job.status, job.status_actor, job.status_reason) == (JobStatus.PAUSED, "bob", "the model is down")
    assert builds.claim(job_id) == ()
    assert builds.store.read(read_demand) == []
    change = builds.events(job_id)[-1].change
    assert change is not None
    assert (change.previous, change.status, change.actor) == (JobStatus.PROCESSING, JobStatus.PAUSED, "bob")


def test_a_step_that_runs_when_its_job_is_paused_may_finish_and_its_children_wait(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.pause(job_id)
    done = builds.end((root, tree(2)(root)))
    assert (builds.step(root).status, done.waiting) == (StepStatus.COMPLETED, ())
    assert [step.status for step in builds.steps(job_id, "sub-concepts")] == [StepStatus.PENDING] * 2
    assert builds.claim(job_id) == ()
    assert builds.job(job_id).status is JobStatus.PAUSED


def test_a_step_that_is_interrupted_meanwhile_waits_for_the_resume(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.pause(job_id)
    assert builds.end((root, Interrupted("LOST"))).waiting == ()
    assert builds.claim(job_id) == ()
    builds.resume(job_id)
    assert builds.claim_one(job_id).step.attempt == 2


def test_a_resumed_job_goes_on_where_it_was(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    builds.pause(job_id)
    resumed = builds.resume(job_id, reason="it is back")
    job = builds.job(job_id)
    assert (job.status, job.status_reason) == (JobStatus.PROCESSING, "it is back")
    assert [(one.job_id, one.stage_no) for one in resumed.waiting] == [(job_id, SUB_CONCEPTS)]
    assert builds.run(job_id, tree(0, 1)).status is JobStatus.COMPLETED


def test_a_job_that_never_started_is_pending_again(builds: Builds) -> None:
    job_id = builds.start()
    builds.pause(job_id)
    builds.resume(job_id)
    assert builds.job(job_id).status is JobStatus.PENDING
    assert builds.run(job_id, tree(1)).status is JobStatus.COMPLETED


@pytest.mark.parametrize(
    ("outcome", "status"),
    [(succeeded(), JobStatus.COMPLETED), (failed(is_final=True), JobStatus.FAILED)],
)
def test_a_running_step_may_end_a_paused_job(builds: Builds, outcome: object, status: JobStatus) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    final = builds.claim_one(job_id, FINALIZE_NO)
    builds.pause(job_id)
    builds.end((final, outcome))  # type: ignore[arg-type]
    assert builds.job(job_id).status is status


def test_the_last_step_of_a_paused_job_leaves_a_finalize_step_that_waits(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.pause(job_id)
    builds.end((root, succeeded()))
    assert [step.status for step in builds.steps(job_id, "finalize")] == [StepStatus.PENDING]
    assert builds.claim(job_id) == ()
    assert [one.stage_no for one in builds.resume(job_id).waiting] == [FINALIZE_NO]


def test_a_paused_job_can_be_cancelled(builds: Builds) -> None:
    waiting, running = builds.start(), builds.start(path_id="other")
    root = builds.claim_one(running)
    for job_id in (waiting, running):
        builds.pause(job_id)
        builds.cancel(job_id)
    assert [builds.job(job_id).status for job_id in (waiting, running)] == [JobStatus.CANCELLED, JobStatus.CANCELLING]
    builds.end((root, Interrupted("CANCELLED")))
    assert builds.job(running).status is JobStatus.CANCELLED


def test_to_pause_a_paused_job_and_to_resume_one_that_goes_on_does_nothing(builds: Builds) -> None:
    job_id = builds.start()
    assert builds.resume(job_id).committed == ()
    builds.pause(job_id, reason="first")
    before = builds.job(job_id)
    assert builds.pause(job_id, reason="second", etag='"old"') == ()
    assert builds.job(job_id) == before


def test_a_job_that_is_stopping_or_has_ended_is_neither_paused_nor_resumed(builds: Builds) -> None:
    ended, stopping = builds.start(), builds.start(path_id="other")
    builds.claim_one(stopping)
    for job_id in (ended, stopping):
        builds.cancel(job_id)
        with pytest.raises(JobNotPausable):
            builds.pause(job_id)
        with pytest.raises(JobTerminal):
            builds.resume(job_id)


def test_an_etag_holds_until_the_status_changes_and_not_until_there_is_progress(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    seen = builds.job(job_id).etag
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), succeeded()))
    builds.pause(job_id, etag=seen)
    with pytest.raises(EtagMismatch) as refused:
        builds.resume(job_id, etag=seen)
    assert refused.value.metadata == {"job_id": job_id, "status": "PAUSED", "etag": builds.job(job_id).etag}
    assert builds.job(job_id).status is JobStatus.PAUSED


def test_concurrent_pauses_and_claims_leave_the_books_in_order(builds: Builds) -> None:
    builds.is_audited = False
    job_id = builds.start()
    builds.fan_out(job_id, 40)

    def act(number: int) -> int:
        if number % 2:
            return len(builds.claim(job_id, SUB_CONCEPTS, 5))
        return len(builds.pause(job_id))

    together(8, act)
    assert builds.claim(job_id) == ()
    assert builds.job(job_id).status is JobStatus.PAUSED
    builds.audit(job_id)
