"""Steps whose process died under them: who may claim them, in which order, and when they run no more."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Crashed, Interrupted, Outcome
from jobcontrol_core.domain.suspicion import MOST_LOSSES
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.reaping import reap
from jobcontrol_core.store.sessions import live_stages, renew_sessions
from jobcontrol_core.store.suspects import find_suspect
from jobcontrol_core.store.tables import dead_letters, workers
from store.builds import Builds
from store.factories import LEASE, SUB_CONCEPTS, failed, served_stages, succeeded

SEGFAULT = Crashed("killed by SIGSEGV")
KINDS = [stage.kind for stage in served_stages()]


def three_suspects(builds: Builds) -> tuple[str, tuple[ClaimedStep, ...]]:
    """A job, and three of its four sub-concepts, which ran in a process that crashed."""
    job_id = builds.start()
    builds.fan_out(job_id, 4)
    doomed = builds.open_session().id
    claimed = builds.claim(job_id, SUB_CONCEPTS, 3, session_id=doomed)
    builds.crash(doomed, SEGFAULT)
    return job_id, claimed


def test_what_ran_in_a_process_that_crashed_is_claimed_as_a_suspect_alone_and_no_try_is_used(builds: Builds) -> None:
    job_id, claimed = three_suspects(builds)
    assert {builds.step(one).status for one in claimed} == {StepStatus.PENDING}
    assert [one.step.key for one in builds.claim(job_id)] == ["c3"]
    assert builds.claim(job_id) == ()
    suspects = builds.claim_suspects(job_id, SUB_CONCEPTS, 5)
    assert [(one.step.key, one.step.attempt, one.step.tries) for one in suspects] == [
        ("c0", 2, 0),
        ("c1", 2, 0),
        ("c2", 2, 0),
    ]


def test_the_history_of_a_suspect_tells_how_its_process_ended(builds: Builds) -> None:
    job_id, claimed = three_suspects(builds)
    (attempt,) = builds.store.read(get_step, job_id, claimed[0].step.id).attempts
    assert attempt.error is not None
    assert (attempt.outcome, attempt.error.message, attempt.used_a_try) == ("CRASHED", "killed by SIGSEGV", False)


def test_suspects_want_no_tickets(builds: Builds) -> None:
    job_id, _ = three_suspects(builds)
    assert [(one.job_id, one.stage_no) for one in builds.store.read(read_demand)] == [(job_id, SUB_CONCEPTS)]
    builds.claim(job_id)
    assert builds.store.read(read_demand) == []


def test_a_lone_process_takes_no_tickets_and_is_counted_on_by_nobody(builds: Builds) -> None:
    before = builds.store.read(live_stages)
    builds.open_session(is_lone=True, slots=1)
    assert builds.store.read(live_stages) == before


def test_one_that_ends_its_process_alone_as_well_comes_after_those_that_have_not_run_alone_yet(builds: Builds) -> None:
    job_id, _ = three_suspects(builds)
    lone = builds.open_session(is_lone=True).id
    (first,) = builds.claim_suspects(job_id, SUB_CONCEPTS, 1, session_id=lone)
    builds.crash(lone, SEGFAULT)
    assert builds.store.read(find_suspect, KINDS) == (job_id, SUB_CONCEPTS)
    assert [one.step.key for one in builds.claim_suspects(job_id, SUB_CONCEPTS, 5)] == ["c1", "c2", first.step.key]


@pytest.mark.parametrize("end", [succeeded(), failed()])
def test_a_suspect_that_ends_by_itself_is_none_any_more(builds: Builds, end: Outcome) -> None:
    job_id, _ = three_suspects(builds)
    suspects = builds.claim_suspects(job_id, SUB_CONCEPTS, 5)
    builds.end(*((one, end) for one in suspects))
    assert builds.store.read(find_suspect, KINDS) is None
    again = {one.step.key for one in builds.claim(job_id)}
    assert again == ({"c3"} if end == succeeded() else {"c0", "c1", "c2", "c3"})


def test_a_suspect_that_is_drained_stays_one(builds: Builds) -> None:
    job_id, _ = three_suspects(builds)
    (first, *_) = builds.claim_suspects(job_id, SUB_CONCEPTS, 1)
    builds.end((first, Interrupted("DRAINED")))
    assert first.step.key not in {one.step.key for one in builds.claim(job_id)}
    assert first.step.key in {one.step.key for one in builds.claim_suspects(job_id, SUB_CONCEPTS, 5)}


def test_two_crashes_alone_after_the_first_make_a_step_poisoned_with_its_tries_untouched(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.crash(builds.session, SEGFAULT)
    for _ in range(2):
        assert builds.step(root).status is StepStatus.PENDING
        lone = builds.open_session(is_lone=True).id
        (root,) = builds.claim_suspects(job_id, session_id=lone)
        builds.crash(lone, SEGFAULT)
    step = builds.step(root)
    assert (step.status, step.failure, step.tries) == (StepStatus.FAILED, FailureReason.POISONED, 0)
    assert step.error is not None
    assert step.error.message.endswith("died 3 times, in the end with nothing beside it: killed by SIGSEGV")
    assert builds.job(job_id).status is JobStatus.FAILED
    letters = builds.store.read(lambda tx: tx.execute(select(dead_letters.c.failure)).scalars().all())
    assert letters == [FailureReason.POISONED]


def test_a_step_whose_lease_runs_out_again_and_again_is_poisoned(builds: Builds) -> None:
    job_id = builds.start()
    for _ in range(MOST_LOSSES):
        root = builds.claim(job_id, session_id=builds.open_session().id)[0]
        builds.rewind(workers.c.lease_until, LEASE + timedelta(seconds=1))
        builds.write(reap)
    step = builds.step(root)
    assert (step.status, step.failure, step.tries) == (StepStatus.FAILED, FailureReason.POISONED, 0)
    assert {one.outcome for one in builds.store.read(get_step, job_id, root.step.id).attempts} == {"LOST"}


def test_a_crash_under_a_stopping_job_is_the_end_of_the_step(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.cancel(job_id)
    builds.crash(builds.session, SEGFAULT)
    assert builds.step(root).status is StepStatus.CANCELLED
    assert builds.job(job_id).status is JobStatus.CANCELLED


def test_the_suspects_of_a_paused_job_wait_and_make_no_other_jobs_wait(builds: Builds) -> None:
    paused, _ = three_suspects(builds)
    builds.pause(paused)
    other = builds.start(path_id="go-101")
    builds.claim_one(other)
    builds.crash(builds.session, SEGFAULT)
    assert builds.store.read(find_suspect, KINDS) == (other, 0)
    assert builds.claim_suspects(paused) == ()


def test_a_heartbeat_tells_of_suspects_that_these_processes_could_run(builds: Builds) -> None:
    able = builds.open_session().id
    unable = builds.open_session(served=served_stages(version=2)).id
    assert not builds.store.write(renew_sessions, [able], LEASE).has_suspects
    three_suspects(builds)
    assert builds.store.write(renew_sessions, [able, unable], LEASE).has_suspects
    assert not builds.store.write(renew_sessions, [unable], LEASE).has_suspects
    assert not builds.store.write(renew_sessions, [], LEASE).has_suspects


def test_a_cancel_ends_suspects_as_it_ends_all_that_waits(builds: Builds) -> None:
    job_id, claimed = three_suspects(builds)
    builds.cancel(job_id)
    assert builds.job(job_id).status is JobStatus.CANCELLED
    assert {builds.step(one).status for one in claimed} == {StepStatus.CANCELLED}
