"""Cancel: nothing starts any more, what runs may end, and the rest is swept."""

import pytest
from sqlalchemy import update

from jobcontrol_core.domain.errors import EtagMismatch, JobTerminal
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, Stopping
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.sessions import renew_sessions, stopping_jobs_of
from jobcontrol_core.store.stopping import SWEEP, cancel_job, read_stopping_jobs
from jobcontrol_core.store.tables import jobs
from store.builds import Builds
from store.factories import LEASE, SUB_CONCEPTS, UNITS, children, failed, succeeded
from store.threads import together

TOO_MANY = {"type": "TooManyFailures", "message": "more than half", "stage": "sub-concepts", "step_id": ""}


def test_a_job_with_nothing_running_is_cancelled_at_once(builds: Builds) -> None:
    job_id = builds.start()
    builds.cancel(job_id, reason="wrong document")
    job = builds.job(job_id)
    assert (job.status, job.status_actor, job.status_reason) == (JobStatus.CANCELLED, "bob", "wrong document")
    assert job.stopping is None
    assert job.completed_at is not None
    assert [step.status for step in builds.steps(job_id)] == [StepStatus.CANCELLED]
    assert builds.events(job_id)[-1].change is not None


def test_a_job_with_running_steps_is_cancelling_until_they_have_let_go(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    running = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.cancel(job_id)
    assert builds.job(job_id).status is JobStatus.CANCELLING
    assert [step.status for step in builds.steps(job_id, "sub-concepts")] == [
        StepStatus.PROCESSING, StepStatus.CANCELLED, StepStatus.CANCELLED,
    ]  # fmt: skip
    builds.end((running, Interrupted("CANCELLED")))
    job = builds.job(job_id)
    assert (job.status, job.status_reason, job.status_actor) == (JobStatus.CANCELLED, "enough", "bob")
    assert builds.step(running).status is StepStatus.CANCELLED


def test_nothing_is_claimed_after_a_cancel(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, SWEEP + 1)
    builds.cancel(job_id)
    assert builds.claim(job_id) == ()
    assert builds.exchange().waiting == ()


def test_a_step_that_ends_while_its_job_is_stopping_is_completed_and_its_children_are_born_cancelled(
    builds: Builds,
) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 1)
    running = builds.claim_one(job_id)
    builds.cancel(job_id)
    done = builds.end((running, succeeded(born=children(UNITS, 2), output='"kept"')))
    assert builds.step(running).status is StepStatus.COMPLETED
    assert builds.store.read(get_step, job_id, running.step.id).output == '"kept"'
    units = builds.steps(job_id, "knowledge-units")
    assert [(unit.status, unit.completed_at is not None) for unit in units] == [(StepStatus.CANCELLED, True)] * 2
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert (builds.steps(job_id, "finalize"), done.waiting) == ([], ())


def test_a_failure_under_a_stopping_job_is_not_tried_again_and_leaves_no_dead_letter(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id)
    builds.cancel(job_id)
    builds.end((first, failed()), (second, failed(is_final=True)))
    assert builds.step(first).status is StepStatus.CANCELLED
    assert builds.step(second).status is StepStatus.FAILED
    assert builds.job(job_id).status is JobStatus.CANCELLED


def test_a_stopped_attempt_stays_in_the_history_of_its_step(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.cancel(job_id)
    builds.end((root, Interrupted("CANCELLED")))
    (attempt,) = builds.store.read(get_step, job_id, root.step.id).attempts
    assert (attempt.outcome, attempt.used_a_try, attempt.session_id) == ("STOPPED", False, builds.session)


def test_more_steps_than_one_transaction_ends_are_swept_a_thousand_at_a_time(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2 * SWEEP + 300)
    builds.cancel(job_id)
    assert builds.job(job_id).status is JobStatus.CANCELLING
    assert builds.store.read(read_stopping_jobs) == [job_id]
    sweeps = 0
    while builds.store.read(read_stopping_jobs):
        builds.sweep(job_id)
        sweeps += 1
    assert sweeps == 2
    job = builds.job(job_id)
    assert (job.status, job.stages[1].counts.skipped) == (JobStatus.CANCELLED, 2 * SWEEP + 300)


def test_the_end_of_many_steps_is_told_by_500_and_a_number(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 800)
    builds.cancel(job_id)
    event = builds.events(job_id)[-1]
    assert len(event.steps) == 500
    assert [(bulk.previous, bulk.status, bulk.count) for bulk in event.bulk] == [
        (StepStatus.PENDING, StepStatus.CANCELLED, 300)
    ]


def test_a_sweep_of_a_job_that_is_not_stopping_does_nothing(builds: Builds) -> None:
    job_id = builds.start()
    assert builds.sweep(job_id) == ()
    assert builds.job(job_id).status is JobStatus.PENDING


def test_a_second_cancel_of_a_stopping_job_does_nothing(builds: Builds) -> None:
    job_id = builds.start()
    builds.claim_one(job_id)
    builds.cancel(job_id, reason="first")
    before = builds.job(job_id)
    assert builds.cancel(job_id, reason="second") == ()
    assert builds.job(job_id) == before


def test_a_job_that_has_ended_cannot_be_cancelled(builds: Builds) -> None:
    job_id = builds.start()
    builds.cancel(job_id)
    with pytest.raises(JobTerminal, match="CANCELLED"):
        builds.cancel(job_id)


def test_a_job_that_backs_off_is_cancelled_at_once(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), failed(retry_after=60.0)))
    builds.cancel(job_id)
    (root,) = builds.steps(job_id)
    assert (root.status, root.next_attempt_at) == (StepStatus.CANCELLED, None)
    assert builds.job(job_id).status is JobStatus.CANCELLED


def test_the_workers_that_run_a_stopping_job_are_told_with_their_heartbeat(builds: Builds) -> None:
    stopping, going_on = builds.start(), builds.start(path_id="other")
    builds.claim_one(stopping)
    builds.claim_one(going_on)
    builds.cancel(stopping)
    other = builds.open_session()
    renewal = builds.store.write(renew_sessions, [builds.session, other.id], LEASE)
    assert renewal.live == {builds.session, other.id}
    assert renewal.stopping == {builds.session: {stopping}}
    assert builds.store.read(stopping_jobs_of, [other.id]) == {}


def test_every_cancel_changes_the_etag_once(builds: Builds) -> None:
    job_id = builds.start()
    before = builds.job(job_id).revision
    builds.cancel(job_id)
    assert builds.job(job_id).revision == before + 1


def test_a_cancel_that_names_an_old_etag_does_nothing(builds: Builds) -> None:
    job_id = builds.start()
    seen = builds.job(job_id).etag
    builds.claim_one(job_id)
    with pytest.raises(EtagMismatch):
        builds.store.write(cancel_job, job_id, actor="bob", reason="", etag=seen)
    assert builds.job(job_id).status is JobStatus.PROCESSING
    assert builds.store.write(cancel_job, job_id, actor="bob", reason="", etag=builds.job(job_id).etag)
    assert builds.store.write(cancel_job, job_id, actor="bob", reason="", etag=seen) == ()


def test_concurrent_cancels_end_a_job_once(builds: Builds) -> None:
    builds.is_audited = False
    job_id = builds.start()
    builds.fan_out(job_id, 20)

    def cancel(_: int) -> int:
        try:
            return len(builds.cancel(job_id))
        except JobTerminal:
            return 0

    assert sum(together(6, cancel)) == 1
    builds.audit(job_id)


def test_what_a_cancel_leaves_undone_is_no_progress(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 4)
    before = builds.job(job_id).percent
    builds.cancel(job_id)
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert builds.job(job_id).percent == before


def test_a_job_that_is_stopped_to_fail_hands_nothing_out_and_ends_failed_with_its_rest_skipped(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    running = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.store.write(lambda tx: tx.execute(update(jobs).values(stopping_because=Stopping.FAILED, error=TOO_MANY)))
    assert builds.claim(job_id) == ()
    assert builds.store.read(read_stopping_jobs) == [job_id]
    builds.sweep(job_id)
    builds.end((running, succeeded(born=children(UNITS, 1))))
    assert [step.status for step in builds.steps(job_id)] == [
        StepStatus.COMPLETED, StepStatus.COMPLETED, StepStatus.SKIPPED, StepStatus.SKIPPED,
    ]  # fmt: skip
    assert builds.job(job_id).status is JobStatus.FAILED
