"""Retention: the history of jobs that ended long ago goes, batch by batch; jobs, steps and results stay."""

from datetime import timedelta

import pytest
from sqlalchemy import Connection, func, select

from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store import retention
from jobcontrol_core.store.eventlog import read_bounds
from jobcontrol_core.store.retention import HISTORY, prune_history
from jobcontrol_core.store.tables import job_events, jobs
from store.builds import Builds, tree
from store.factories import failed

WEEK = timedelta(days=7)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "HISTORY", dict.fromkeys(HISTORY, 2))


def rows_of(builds: Builds, job_id: str) -> int:
    def count(tx: Connection) -> int:
        found = (select(func.count()).select_from(table).where(table.c.job_id == job_id) for table in HISTORY)
        return sum(int(tx.execute(one).scalar_one()) for one in found)

    return builds.store.read(count)


def failed_job(builds: Builds, path_id: str) -> str:
    job_id = builds.start(path_id=path_id)
    while not builds.job(job_id).status.has_ended:
        builds.end((builds.claim_one(job_id), failed()))
    return job_id


def test_the_history_of_a_job_that_ended_long_ago_goes_and_the_job_stays(builds: Builds) -> None:
    completed = builds.start(path_id="old")
    builds.run(completed, tree(2, 2))
    broken = failed_job(builds, "broken")
    before = [builds.job(completed), builds.job(broken)]
    builds.rewind(jobs.c.completed_at, WEEK)
    turns = 0
    while builds.store.write(prune_history, WEEK):
        turns += 1
    assert turns > 4
    assert (rows_of(builds, completed), rows_of(builds, broken)) == (0, 0)
    after = [builds.job(completed), builds.job(broken)]
    assert [(job.status, job.result_types, job.stages) for job in after] == [
        (job.status, job.result_types, job.stages) for job in before
    ]
    assert len(builds.steps(completed)) == 8


def test_what_is_left_of_a_log_in_between_has_no_hole(builds: Builds) -> None:
    job_id = builds.start()
    last = builds.run(job_id, tree(2, 2)).last_sequence
    builds.rewind(jobs.c.completed_at, WEEK)
    builds.store.write(prune_history, WEEK)
    sequences = [event.sequence for event in builds.events(job_id)]
    assert sequences == list(range(3, last + 1))
    bounds = builds.store.read(read_bounds, job_id)
    assert bounds is not None
    assert (bounds.first, bounds.last, bounds.has_ended) == (3, last, True)


def test_nothing_goes_of_jobs_that_ended_lately_or_go_on(builds: Builds) -> None:
    lately, running = builds.start(path_id="lately"), builds.start(path_id="running")
    builds.run(lately, tree(1, 1))
    builds.rewind(job_events.c.created_at, 10 * WEEK)
    builds.rewind(jobs.c.created_at, 10 * WEEK)
    counts = rows_of(builds, lately), rows_of(builds, running)
    assert not builds.store.write(prune_history, WEEK)
    assert (rows_of(builds, lately), rows_of(builds, running)) == counts


def test_a_job_whose_history_is_gone_can_be_retried(builds: Builds) -> None:
    job_id = failed_job(builds, "again")
    builds.rewind(jobs.c.completed_at, WEEK)
    while builds.store.write(prune_history, WEEK):
        pass
    again = builds.retry(job_id).job_id
    assert builds.run(again, tree(1, 1)).status is JobStatus.COMPLETED
