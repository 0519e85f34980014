"""Lost leases, ended sessions, and backoffs that have passed."""

from datetime import timedelta

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Crashed, Interrupted
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.reaping import reap, release_session
from jobcontrol_core.store.sessions import live_stages, prune_sessions, renew_sessions, running_steps_of
from jobcontrol_core.store.tables import steps, workers
from store.builds import Builds, tree
from store.factories import LEASE, SUB_CONCEPTS, failed, pipeline, succeeded
from store.threads import together

EXPIRED = LEASE + timedelta(seconds=1)


def test_a_step_whose_lease_ran_out_is_pending_again_without_using_up_a_try(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.rewind(workers.c.lease_until, EXPIRED)
    done = builds.write(reap)
    step = builds.step(root)
    assert (step.status, step.tries, step.attempt) == (StepStatus.PENDING, 0, 1)
    assert [one.queue for one in done.waiting] == ["learning-path-concepts"]
    (attempt,) = builds.store.read(get_step, job_id, root.step.id).attempts
    assert (attempt.outcome, attempt.used_a_try, attempt.number) == ("LOST", False, 1)


def test_the_outcome_of_a_reaped_attempt_is_refused_before_and_after_the_next_claim(builds: Builds) -> None:
    job_id = builds.start()
    lost = builds.claim_one(job_id)
    builds.rewind(workers.c.lease_until, EXPIRED)
    builds.write(reap)
    assert builds.end((lost, succeeded())).accepted == frozenset()
    again = builds.claim(job_id, session_id=builds.open_session().id)
    assert [one.step.attempt for one in again] == [2]
    assert builds.end((lost, succeeded())).accepted == frozenset()
    assert builds.end((again[0], succeeded())).accepted == {again[0].step.id}


def test_a_step_of_a_live_session_is_left_alone(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    done = builds.write(reap)
    assert (done.accepted, builds.step(root).status) == (frozenset(), StepStatus.PROCESSING)


def test_a_step_of_a_session_that_nobody_knows_is_taken_back(builds: Builds) -> None:
    job_id = builds.start()
    (root,) = builds.claim(job_id, session_id="00000000-0000-7000-8000-000000000000")
    assert builds.write(reap).accepted == {root.step.id}


def test_a_renewed_lease_is_not_reaped(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    builds.rewind(workers.c.lease_until, EXPIRED)
    assert builds.store.write(renew_sessions, [builds.session], LEASE).live == {builds.session}
    assert builds.write(reap).accepted == frozenset()
    assert builds.step(root).status is StepStatus.PROCESSING


def test_an_ended_session_is_never_renewed(builds: Builds) -> None:
    builds.rewind(workers.c.lease_until, EXPIRED)
    builds.write(reap)
    assert builds.store.write(renew_sessions, [builds.session], LEASE).live == frozenset()


def test_a_released_session_gives_its_steps_back_at_once_and_repeating_it_does_no_harm(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    mine, others = builds.claim(job_id, SUB_CONCEPTS, 2), builds.claim(job_id, session_id=builds.open_session().id)
    done = builds.write(release_session, builds.session, "signal 11", Crashed("signal 11"))
    assert done.accepted == {one.step.id for one in mine}
    assert builds.step(others[0]).status is StepStatus.PROCESSING
    again = builds.write(release_session, builds.session, "signal 11", Crashed("signal 11"))
    assert (again.accepted, again.committed) == (frozenset(), ())
    (attempt,) = builds.store.read(get_step, job_id, mine[0].step.id).attempts
    assert attempt.outcome == "CRASHED"


def test_a_reason_too_long_for_its_column_is_cut(builds: Builds) -> None:
    builds.write(release_session, builds.session, "x" * 500, Interrupted("DRAINED"))
    assert builds.store.read(live_stages) == []


def test_a_lost_step_of_a_stopping_job_is_cancelled_and_ends_the_job(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.cancel(job_id)
    builds.rewind(workers.c.lease_until, EXPIRED)
    builds.write(reap)
    assert builds.step(root).status is StepStatus.CANCELLED
    assert builds.job(job_id).status is JobStatus.CANCELLED


def test_a_drained_step_is_pending_again_at_once_without_using_up_a_try(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, Interrupted("DRAINED")))
    step = builds.step(root)
    assert (step.status, step.tries, step.next_attempt_at) == (StepStatus.PENDING, 0, None)
    assert builds.claim_one(job_id).step.attempt == 2


def test_several_reapers_take_each_step_back_once(builds: Builds) -> None:
    builds.is_audited = False
    job_id = builds.start()
    builds.fan_out(job_id, 30)
    claimed = builds.claim(job_id)
    builds.rewind(workers.c.lease_until, EXPIRED)
    taken = [step_id for done in together(4, lambda _: builds.write(reap)) for step_id in done.accepted]
    assert sorted(taken) == sorted(one.step.id for one in claimed)
    builds.audit(job_id)


def test_a_failed_step_waits_for_its_backoff_and_is_claimable_after_it(builds: Builds) -> None:
    slow = RetryPolicy(max_attempts=3, base=30.0)
    job_id = builds.start(pipeline=pipeline(retry=slow))
    root = builds.claim_one(job_id)
    builds.end((root, failed()))
    step = builds.step(root)
    assert (step.status, step.tries) == (StepStatus.PENDING, 1)
    assert step.next_attempt_at is not None
    assert builds.claim(job_id) == ()
    assert builds.store.write(make_due) == ()
    builds.rewind(steps.c.next_attempt_at, timedelta(seconds=40))
    assert [(one.job_id, one.queue) for one in builds.store.write(make_due)] == [(job_id, "learning-path-concepts")]
    assert builds.store.write(make_due) == ()
    again = builds.claim_one(job_id)
    assert (again.step.attempt, again.step.next_attempt_at) == (2, None)


def test_retry_after_is_respected_when_it_is_longer_than_the_backoff(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, failed(retry_after=3_600.0)))
    step = builds.step(root)
    assert step.next_attempt_at is not None
    assert step.next_attempt_at - builds.job(job_id).updated_at == timedelta(hours=1)


def test_a_retry_after_without_end_is_kept_within_bounds(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, failed(retry_after=float("inf"))))
    step = builds.step(root)
    assert step.next_attempt_at is not None
    assert step.next_attempt_at - builds.job(job_id).updated_at == timedelta(days=30)


def test_a_success_after_failures_keeps_no_error_but_its_attempts_stay(builds: Builds) -> None:
    job_id = builds.start()
    for message in ("first", "second"):
        builds.end((builds.claim_one(job_id), failed(message)))
    last = builds.claim_one(job_id)
    builds.end((last, succeeded()))
    detail = builds.store.read(get_step, job_id, last.step.id)
    assert (detail.step.error, detail.step.tries, detail.step.attempt) == (None, 2, 3)
    assert [(one.number, one.error and one.error.message) for one in detail.attempts] == [(1, "first"), (2, "second")]
    assert detail.attempts[0].error is not None
    assert detail.attempts[0].error.traceback == "Traceback: here"
    assert builds.run(job_id, tree()).error_count == 0


def test_sessions_that_ended_long_ago_and_run_nothing_are_forgotten(builds: Builds) -> None:
    busy = builds.open_session()
    job_id = builds.start()
    builds.claim(job_id, session_id=busy.id)
    builds.write(release_session, builds.session, "gone", Interrupted("DRAINED"))
    now = builds.job(job_id).updated_at
    assert builds.store.write(prune_sessions, now - timedelta(days=1)) == 0
    assert builds.store.write(prune_sessions, now + timedelta(days=1)) == 1
    assert list(builds.store.read(running_steps_of, busy.id).values()) == [(job_id, 1)]


def test_renewing_expired_sessions_while_they_are_reaped_never_blocks_either(builds: Builds) -> None:
    builds.is_audited = False
    sessions = [builds.open_session(lease=timedelta(0)).id for _ in range(12)]

    def renew_or_reap(number: int) -> None:
        for _ in range(5):
            if number % 2:
                builds.store.write(renew_sessions, sessions[:: 1 if number == 1 else -1], timedelta(0))
            else:
                builds.store.write(reap)

    together(4, renew_or_reap)
    assert builds.store.write(renew_sessions, sessions, LEASE).live <= set(sessions)
