"""When stages began and ended, and what earlier jobs say of how long one may still take."""

from datetime import timedelta

from sqlalchemy import update

from jobcontrol_core.domain.progress import StageTimes
from jobcontrol_core.store.tables import jobs
from store.builds import Builds, tree
from store.factories import CONCEPTS, SUB_CONCEPTS, UNITS, children, failed, succeeded


def times(builds: Builds, job_id: str) -> list[StageTimes]:
    found = [stage.times for stage in builds.job(job_id).stages]
    assert [stage.times for stage in builds.events(job_id)[-1].stages] == found
    return found


def test_a_stage_begins_with_its_first_step_and_ends_when_no_more_can_come(builds: Builds) -> None:
    job_id = builds.start()
    assert times(builds, job_id) == [StageTimes()] * 3
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded(born=children(UNITS, 1))))
    builds.end((builds.claim_one(job_id, UNITS), succeeded()))
    concepts, subs, units = times(builds, job_id)
    assert concepts.started_at is not None
    assert concepts.completed_at is not None
    assert (subs.completed_at, units.completed_at) == (None, None)
    assert units.started_at is not None
    builds.end((second, succeeded()))
    _, subs, units = times(builds, job_id)
    assert subs.completed_at is not None
    assert units.completed_at == subs.completed_at


def test_a_stage_without_steps_never_began(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id, CONCEPTS), succeeded()))
    assert times(builds, job_id)[1:] == [StageTimes()] * 2


def test_a_stage_whose_last_step_failed_has_ended(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id, CONCEPTS), failed(is_final=True)))
    assert times(builds, job_id)[0].completed_at is not None


def completed_in(builds: Builds, seconds: float, path_id: str) -> None:
    """A completed job that took so long."""
    job_id = builds.start(path_id=path_id)
    builds.run(job_id, tree(1))
    ended = builds.job(job_id).completed_at
    assert ended is not None
    _began(builds, job_id, ended - timedelta(seconds=seconds))


def _began(builds: Builds, job_id: str, moment: object) -> None:
    builds.store.write(lambda tx: tx.execute(update(jobs).where(jobs.c.id == job_id).values(started_at=moment)))


def test_earlier_jobs_that_ran_as_long_say_how_long_it_may_take(builds: Builds) -> None:
    for number in range(1, 11):
        completed_in(builds, number * 60.0, f"path-{number}")
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    started = builds.job(job_id).started_at
    assert started is not None
    _began(builds, job_id, started - timedelta(seconds=150))
    left = builds.job(job_id).time_left
    assert left is not None
    # Eight took longer than two minutes and a half, by 30, 90, … 450 seconds.
    assert left.samples == 8
    assert timedelta(seconds=240) < left.p50 <= timedelta(seconds=270)
    assert timedelta(seconds=420) < left.p90 <= timedelta(seconds=450)


def test_too_few_earlier_jobs_say_nothing(builds: Builds) -> None:
    for number in range(4):
        completed_in(builds, 60.0, f"path-{number}")
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    assert builds.job(job_id).time_left is None


def test_of_a_job_that_takes_longer_than_any_before_nothing_is_said(builds: Builds) -> None:
    for number in range(6):
        completed_in(builds, 60.0, f"path-{number}")
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    started = builds.job(job_id).started_at
    assert started is not None
    _began(builds, job_id, started - timedelta(hours=1))
    assert builds.job(job_id).time_left is None


def test_nothing_is_said_of_a_job_that_does_not_run(builds: Builds) -> None:
    for number in range(6):
        completed_in(builds, 60.0, f"path-{number}")
    job_id = builds.start()
    assert builds.job(job_id).time_left is None
    builds.cancel(job_id)
    assert builds.job(job_id).time_left is None
