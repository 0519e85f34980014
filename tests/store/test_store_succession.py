"""CANCEL_EXISTING: the path's job is cancelled, and the new one starts in the transaction that ends it."""

from jobcontrol_core.domain.lifecycle import ACTIVE_JOB, JobStatus
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.lookup import list_jobs
from jobcontrol_core.store.stopping import read_stopping_jobs
from store.builds import Builds, tree
from store.factories import CONCEPTS, TENANT, request_key, succeeded
from store.threads import together


def running_job(builds: Builds) -> ClaimedStep:
    """The root step, running, of a job that is going to be replaced."""
    return builds.claim_one(builds.start())


def replace(builds: Builds, **overrides: object) -> str:
    return builds.ask(replaces_existing=True, **overrides).job_id


def test_on_a_free_path_the_build_starts_at_once(builds: Builds) -> None:
    job = builds.job(replace(builds))
    assert (job.status, job.waits_for) == (JobStatus.PENDING, None)


def test_a_job_with_nothing_running_makes_way_at_once(builds: Builds) -> None:
    old = builds.start()
    new = replace(builds)
    assert builds.job(old).status is JobStatus.CANCELLED
    assert (builds.job(old).status_actor, builds.job(old).status_reason) == ("ada", "replaced by a newer build")
    assert builds.job(new).waits_for is None
    assert builds.run(new, tree(1)).status is JobStatus.COMPLETED


def test_a_job_waits_until_the_one_before_has_let_go(builds: Builds) -> None:
    old = running_job(builds)
    new = replace(builds)
    assert builds.job(old.step.job_id).status is JobStatus.CANCELLING
    assert (builds.job(new).status, builds.job(new).waits_for) == (JobStatus.PENDING, old.step.job_id)
    assert builds.claim(new) == ()
    assert builds.store.read(read_demand) == []
    done = builds.end((old, Interrupted("CANCELLED")))
    assert builds.job(old.step.job_id).status is JobStatus.CANCELLED
    assert builds.job(new).waits_for is None
    assert [(one.job_id, one.stage_no) for one in done.waiting] == [(new, CONCEPTS)]
    assert {one.job_id for one in done.committed} == {old.step.job_id, new}
    assert builds.run(new, tree(1)).status is JobStatus.COMPLETED


def test_a_step_that_completes_while_its_job_makes_way_releases_the_next_one_as_well(builds: Builds) -> None:
    old = running_job(builds)
    new = replace(builds)
    builds.end((old, succeeded()))
    assert builds.job(old.step.job_id).status is JobStatus.CANCELLED
    assert builds.job(new).waits_for is None


def test_at_most_one_waits_and_a_further_one_takes_its_place(builds: Builds) -> None:
    old = running_job(builds)
    first, second = replace(builds), replace(builds)
    assert builds.job(first).status is JobStatus.CANCELLED
    assert builds.job(second).waits_for == old.step.job_id
    builds.end((old, Interrupted("CANCELLED")))
    assert builds.job(first).status is JobStatus.CANCELLED
    assert builds.run(second, tree(1)).status is JobStatus.COMPLETED


def test_a_waiting_job_can_be_cancelled_and_leaves_the_path_to_others(builds: Builds) -> None:
    old = running_job(builds)
    waiting = replace(builds)
    builds.cancel(waiting)
    assert builds.job(waiting).status is JobStatus.CANCELLED
    builds.end((old, Interrupted("CANCELLED")))
    assert builds.job(builds.start()).waits_for is None


def test_a_waiting_job_that_was_paused_is_released_and_stays_paused(builds: Builds) -> None:
    old = running_job(builds)
    waiting = replace(builds)
    builds.pause(waiting)
    assert builds.end((old, Interrupted("CANCELLED"))).waiting == ()
    assert (builds.job(waiting).status, builds.job(waiting).waits_for) == (JobStatus.PAUSED, None)
    assert [one.job_id for one in builds.resume(waiting).waiting] == [waiting]


def test_a_path_that_makes_way_is_taken_for_those_who_would_not_wait(builds: Builds) -> None:
    old = running_job(builds)
    replace(builds)
    assert builds.ask(use_existing=True).job_id == old.step.job_id


def test_a_repeated_request_finds_the_job_that_waits_and_cancels_nothing_more(builds: Builds) -> None:
    running_job(builds)
    waiting = replace(builds, key=request_key("once"))
    again = builds.ask(replaces_existing=True, key=request_key("once"))
    assert (again.job_id, again.committed) == (waiting, ())


def test_other_paths_are_left_alone(builds: Builds) -> None:
    other = builds.start(path_id="other")
    running_job(builds)
    replace(builds)
    assert builds.job(other).status is JobStatus.PENDING


def test_of_many_at_once_one_is_left_and_it_runs(builds: Builds) -> None:
    builds.is_audited = False
    old = running_job(builds)

    def act(number: int) -> None:
        if number == 3:
            builds.end((old, Interrupted("CANCELLED")))
        else:
            replace(builds)

    together(8, act)
    # A step that was given back while its job was being cancelled is left to the sweep.
    for job_id in builds.store.read(read_stopping_jobs):
        builds.sweep(job_id)
    jobs = builds.store.read(list_jobs, TENANT, JobFilter(), after=None, limit=50)
    (left,) = [job for job in jobs if job.status in ACTIVE_JOB]
    assert left.waits_for is None
    assert builds.run(left.id, tree(1)).status is JobStatus.COMPLETED
    for job in jobs:
        builds.audit(job.id)
