"""Which tickets are wanted: where claimable steps wait, and who could run them."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.demand import Demand, read_demand
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.tables import jobs, workers
from store.builds import Builds
from store.factories import SUB_CONCEPTS, failed, pipeline, served_stages, stages


def demand(builds: Builds) -> list[Demand]:
    return builds.store.read(read_demand)


def test_a_new_build_wants_one_ticket_on_the_queue_of_its_first_stage(builds: Builds) -> None:
    job_id = builds.start()
    assert demand(builds) == [Demand(job_id, 0, "learning-path-concepts", 1)]


def test_tickets_are_as_many_as_the_processes_that_can_help(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 20)
    assert [one.wanted for one in demand(builds)] == [1]
    for _ in range(3):
        builds.open_session()
    assert [one.wanted for one in demand(builds)] == [4]


def test_tickets_are_no_more_than_the_steps_need(builds: Builds) -> None:
    for _ in range(5):
        builds.open_session()
    job_id = builds.start()
    builds.fan_out(job_id, 7)
    assert [(one.stage_no, one.wanted) for one in demand(builds)] == [(SUB_CONCEPTS, 3)]


def test_a_stage_that_no_live_worker_runs_in_this_version_wants_no_ticket(builds: Builds) -> None:
    builds.start(pipeline=pipeline(stages=stages(version=2)))
    assert demand(builds) == []
    builds.open_session(served=served_stages(version=2))
    assert [one.wanted for one in demand(builds)] == [1]


def test_a_worker_whose_lease_ran_out_or_that_was_released_counts_no_more(builds: Builds) -> None:
    builds.start()
    builds.rewind(workers.c.lease_until, timedelta(hours=1))
    assert demand(builds) == []
    other = builds.open_session()
    assert len(demand(builds)) == 1
    builds.write(release_session, other.id, "drained", Interrupted("DRAINED"))
    assert demand(builds) == []


def test_a_step_that_backs_off_wants_no_ticket(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), failed(retry_after=60.0)))
    assert demand(builds) == []


def test_a_stopping_job_wants_no_ticket(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    builds.claim_one(job_id, SUB_CONCEPTS)
    builds.cancel(job_id)
    assert demand(builds) == []


def test_higher_priority_comes_first_then_the_job_least_recently_served(builds: Builds) -> None:
    served_late, served_early, never_served, urgent = (builds.start(path_id=f"path-{n}") for n in range(4))
    for job_id in (served_early, served_late):
        builds.fan_out(job_id, 2)
    builds.rewind(jobs.c.served_at, timedelta(minutes=1))
    builds.claim_one(served_late, SUB_CONCEPTS)
    builds.store.write(lambda tx: tx.execute(update(jobs).where(jobs.c.id == urgent).values(priority=5)))
    assert [one.job_id for one in demand(builds)] == [urgent, never_served, served_early, served_late]


def test_builds_that_nobody_can_run_do_not_take_the_place_of_those_that_somebody_can(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobcontrol_core.store.demand.MOST", 3)
    builds.is_audited = False
    orphans = pipeline(name="orphans")
    for number in range(4):
        builds.start(path_id=f"orphan-{number}", pipeline=orphans)
    job_id = builds.start()
    found = demand(builds)
    assert [one.job_id for one in found] == [job_id]


def test_without_any_worker_there_is_no_demand(builds: Builds) -> None:
    builds.start()
    builds.write(release_session, builds.session, "gone", Interrupted("DRAINED"))
    assert demand(builds) == []
