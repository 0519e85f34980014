"""How many jobs a tenant has, now and lately."""

from datetime import timedelta

from jobcontrol_core.store.stats import Stats, read_stats
from jobcontrol_core.store.tables import jobs
from store.builds import Builds, tree
from store.factories import TENANT, failed

DAY = timedelta(hours=24)


def stats(builds: Builds, window: timedelta = DAY, tenant: str = TENANT) -> Stats:
    return builds.store.read(read_stats, tenant, window)


def test_jobs_are_counted_by_what_they_do_now_and_by_how_they_ended(builds: Builds) -> None:
    builds.start(path_id="waiting")
    builds.fan_out(builds.start(path_id="running"), 2)
    paused = builds.start(path_id="paused")
    builds.pause(paused)
    builds.run(builds.start(path_id="completed"), tree(1))
    broken = builds.start(path_id="failed")
    builds.end((builds.claim_one(broken), failed(is_final=True)))
    builds.cancel(builds.start(path_id="cancelled"))
    assert stats(builds) == Stats(active=2, waiting=1, completed=1, failed=1, dead_letters=1)


def test_what_ended_before_the_window_is_not_counted_in_it(builds: Builds) -> None:
    builds.run(builds.start(), tree(1))
    builds.rewind(jobs.c.completed_at, timedelta(hours=2))
    assert stats(builds, timedelta(hours=1)).completed == 0
    assert stats(builds, timedelta(hours=3)).completed == 1


def test_the_jobs_of_another_tenant_are_not_counted(builds: Builds) -> None:
    broken = builds.start()
    builds.end((builds.claim_one(broken), failed(is_final=True)))
    assert stats(builds, tenant="others") == Stats(0, 0, 0, 0, 0)
