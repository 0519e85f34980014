"""Receipts: how each step that ran when its job was stopped has let go."""

import pytest

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus, StopReceipt
from jobcontrol_core.domain.loglines import lines_of
from jobcontrol_core.domain.outcomes import Crashed, Interrupted, Lost, Outcome, timed_out
from jobcontrol_core.domain.values import ClaimedStep, JobError
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.reaping import reap, release_session
from jobcontrol_core.store.sessions import stopping_jobs_of
from jobcontrol_core.store.stopping import abandon_running, fail_job
from jobcontrol_core.store.tables import workers
from store.builds import Builds
from store.factories import LEASE, SUB_CONCEPTS, children, failed, succeeded

KILLED = ("killed by SIGKILL", Crashed("killed by SIGKILL"))


def _running(builds: Builds, count: int) -> tuple[str, tuple[ClaimedStep, ...]]:
    job_id = builds.start()
    builds.fan_out(job_id, count + 1)
    return job_id, builds.claim(job_id, SUB_CONCEPTS, count)


def _receipt(builds: Builds, claimed: ClaimedStep) -> StopReceipt | None:
    listed = builds.step(claimed)
    assert builds.store.read(get_step, claimed.step.job_id, claimed.step.id).step == listed
    return listed.stop_receipt


def test_the_commit_that_cancels_a_job_tells_which_of_its_steps_were_told_to_stop(builds: Builds) -> None:
    job_id, running = _running(builds, 2)
    assert {_receipt(builds, one) for one in running} == {None}
    builds.cancel(job_id)
    assert {_receipt(builds, one) for one in running} == {StopReceipt.REQUESTED}
    told = {step.id: step.stop_receipt for step in builds.events(job_id)[-1].steps}
    waiting = {step.id: None for step in builds.steps(job_id) if step.status is StepStatus.CANCELLED}
    assert told == {one.step.id: StopReceipt.REQUESTED for one in running} | waiting
    assert [line.type for line in lines_of(builds.events(job_id)[-1])].count("step.stopping") == 2


@pytest.mark.parametrize(
    ("outcome", "receipt"),
    [
        (Interrupted("STOPPED"), StopReceipt.STOPPED),
        (Interrupted("ABANDONED"), StopReceipt.ABANDONED),
        (Interrupted("CRASHED"), StopReceipt.KILLED),
        (Crashed("killed by SIGKILL"), StopReceipt.KILLED),
        (Lost(), StopReceipt.ABANDONED),
        (Interrupted("DRAINED"), StopReceipt.KILLED),
        (failed(), StopReceipt.STOPPED),
        (timed_out(1.0), StopReceipt.STOPPED),
        (timed_out(1.0, StopReceipt.ABANDONED), StopReceipt.ABANDONED),
    ],
)
def test_a_step_that_is_cut_off_by_a_cancel_says_how_it_let_go(
    builds: Builds, outcome: Outcome, receipt: StopReceipt
) -> None:
    job_id, (running,) = _running(builds, 1)
    builds.cancel(job_id)
    builds.end((running, outcome))
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert builds.step(running).status is StepStatus.CANCELLED
    assert _receipt(builds, running) is receipt
    assert builds.events(job_id)[-1].steps[0].stop_receipt is receipt
    assert any(f" cancelled, {receipt.lower()}" in line.message for line in lines_of(builds.events(job_id)[-1]))


def test_a_step_that_comes_to_its_own_end_meanwhile_needs_no_receipt(builds: Builds) -> None:
    job_id, (done, dead) = _running(builds, 2)
    builds.cancel(job_id)
    builds.end((done, succeeded(born=children(SUB_CONCEPTS + 1, 1))), (dead, failed(is_final=True)))
    assert [builds.step(one).status for one in (done, dead)] == [StepStatus.COMPLETED, StepStatus.FAILED]
    assert {step.stop_receipt for step in builds.steps(job_id)} == {None}
    assert builds.step(dead).failure is FailureReason.HANDLER_ERROR


def test_the_running_steps_of_a_failing_job_get_receipts_too_and_the_others_are_skipped(builds: Builds) -> None:
    job_id, (running,) = _running(builds, 1)
    builds.store.write(fail_job, job_id, JobError("TimedOut", "too long"))
    assert _receipt(builds, running) is StopReceipt.REQUESTED
    builds.end((running, Interrupted("STOPPED")))
    assert _receipt(builds, running) is StopReceipt.STOPPED
    assert [step.status for step in builds.steps(job_id, "sub-concepts")] == [StepStatus.CANCELLED, StepStatus.SKIPPED]
    assert builds.job(job_id).status is JobStatus.FAILED


def test_a_step_of_a_lost_worker_is_given_up_for_nobody_knows_whether_it_runs(builds: Builds) -> None:
    job_id, (running,) = _running(builds, 1)
    builds.cancel(job_id)
    builds.rewind(workers.c.lease_until, LEASE * 2)
    builds.write(reap)
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert _receipt(builds, running) is StopReceipt.ABANDONED


def test_a_given_up_step_was_killed_once_its_process_is_gone(builds: Builds) -> None:
    job_id, (given_up, running) = _running(builds, 2)
    builds.cancel(job_id)
    builds.end((given_up, Interrupted("ABANDONED")))
    builds.write(release_session, builds.session, *KILLED)
    assert [_receipt(builds, one) for one in (given_up, running)] == [StopReceipt.KILLED, StopReceipt.KILLED]
    assert {step.stop_receipt for step in builds.events(job_id)[-1].steps} == {StopReceipt.KILLED}
    assert builds.job(job_id).status is JobStatus.CANCELLED


def test_what_becomes_of_a_given_up_step_after_the_end_of_its_job_is_kept_and_tells_no_event(builds: Builds) -> None:
    job_id, (given_up,) = _running(builds, 1)
    builds.cancel(job_id)
    builds.end((given_up, Interrupted("ABANDONED")))
    ended = builds.job(job_id)
    assert ended.status is JobStatus.CANCELLED
    for _ in range(2):
        assert builds.write(release_session, builds.session, *KILLED).committed == ()
    assert _receipt(builds, given_up) is StopReceipt.KILLED
    assert builds.job(job_id) == ended


def test_a_forced_end_takes_the_running_steps_away_and_their_processes_are_still_told(builds: Builds) -> None:
    job_id, running = _running(builds, 2)
    builds.cancel(job_id)
    builds.write(abandon_running, job_id)
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert {_receipt(builds, one) for one in running} == {StopReceipt.ABANDONED}
    assert builds.store.read(stopping_jobs_of, [builds.session]) == {builds.session: {job_id}}


def test_steps_of_a_job_that_goes_on_are_not_given_up(builds: Builds) -> None:
    job_id, (running,) = _running(builds, 1)
    assert builds.write(abandon_running, job_id).accepted == frozenset()
    assert builds.step(running).status is StepStatus.PROCESSING


@pytest.mark.parametrize(
    ("late", "receipt"),
    [
        (succeeded(), StopReceipt.STOPPED),
        (Interrupted("STOPPED"), StopReceipt.STOPPED),
        (Interrupted("ABANDONED"), StopReceipt.ABANDONED),
    ],
)
def test_what_a_given_up_step_says_in_the_end_is_that_it_is_over_and_nothing_else(
    builds: Builds, late: Outcome, receipt: StopReceipt
) -> None:
    job_id, (given_up, other) = _running(builds, 2)
    builds.cancel(job_id)
    builds.end((given_up, Interrupted("ABANDONED")))
    assert builds.end((given_up, late)).accepted == frozenset()
    step = builds.step(given_up)
    assert (step.status, step.stop_receipt, step.item_count) == (StepStatus.CANCELLED, receipt, 0)
    assert builds.step(other).stop_receipt is StopReceipt.REQUESTED
    assert builds.store.read(stopping_jobs_of, [builds.session]) == {builds.session: {job_id}}
    builds.end((other, Interrupted("STOPPED")))
    assert bool(builds.store.read(stopping_jobs_of, [builds.session])) is (receipt is StopReceipt.ABANDONED)
