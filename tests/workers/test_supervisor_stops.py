"""Builds that are cancelled while real processes run them, with handlers that do not want to end."""

import pytest

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, StopReceipt
from jobcontrol_core.store.stopping import abandon_running, cancel_job
from workers import stubborn
from workers.site import Site, is_there

STOPPED, KILLED = StopReceipt.STOPPED, StopReceipt.KILLED
TARGET = "workers.stubborn:pipeline"


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake are processes."""
    return sqlite_store_url


def _start(site: Site, *how: str) -> str:
    job_id = site.floor.start(stubborn.pipeline, how=how, directory=str(site.directory.path))
    site.wait(lambda: len(site.begun()) == len(how), "the handlers run")
    return job_id


def _cancel(site: Site, job_id: str) -> None:
    """Without a doorbell: the processes hear of it by the heartbeat of their supervisor."""
    site.floor.store.write(cancel_job, job_id, actor="ada", reason="enough")
    assert site.wait_for_end(job_id) is JobStatus.CANCELLED


@pytest.mark.parametrize("how", ["listens", "computes"])
async def test_a_handler_that_ends_when_told_or_interrupted_is_stopped_and_its_process_stays(
    site: Site, how: str
) -> None:
    site.supervise(TARGET, stop_grace=2.0)
    job_id = _start(site, how)
    before = site.children()
    _cancel(site, job_id)
    assert site.floor.step(job_id, how).stop_receipt is STOPPED
    assert site.children() == before


@pytest.mark.parametrize("how", ["waits in C", "swallows everything"])
async def test_a_handler_that_does_not_end_is_given_up_and_killed_with_its_process(site: Site, how: str) -> None:
    site.supervise(TARGET, stop_grace=0.5)
    job_id = _start(site, how)
    (first,) = site.children()
    _cancel(site, job_id)
    site.wait(lambda: site.floor.step(job_id, how).stop_receipt is KILLED, "its process is known to be gone")
    site.wait(lambda: site.children() and first not in site.children(), "another process has taken its place")
    assert not is_there(first)
    again = site.floor.start(stubborn.pipeline, how=[], directory=str(site.directory.path))
    with site.floor.dispatcher():
        assert site.wait_for_end(again) is JobStatus.COMPLETED


async def test_a_process_whose_interpreter_is_held_is_killed_though_the_grace_goes_on(site: Site) -> None:
    site.supervise(TARGET, stop_grace=600.0)
    how = "holds the interpreter"
    job_id = _start(site, how)
    (first,) = site.children()
    _cancel(site, job_id)
    assert site.floor.step(job_id, how).stop_receipt is KILLED
    assert not is_there(first)


async def test_a_forced_cancel_waits_for_nobody_and_the_process_goes_all_the_same(site: Site) -> None:
    site.supervise(TARGET, stop_grace=1.0)
    how = "swallows everything"
    job_id = _start(site, how)
    (first,) = site.children()
    site.floor.store.write(cancel_job, job_id, actor="ada", reason="enough")
    site.floor.store.write(abandon_running, job_id)
    assert site.floor.job(job_id).status is JobStatus.CANCELLED
    site.wait(lambda: site.floor.step(job_id, how).stop_receipt is KILLED, "its process is known to be gone")
    assert not is_there(first)


async def test_every_step_of_a_cancelled_build_says_how_it_let_go_wherever_it_ran(site: Site) -> None:
    """Two processes; what one of them cannot stop costs the build of its neighbour nothing."""
    site.supervise(TARGET, processes=2, stop_grace=1.0)
    with site.floor.dispatcher():
        job_id = _start(site, *(how for how in stubborn.HOLDS if how != "holds the interpreter"))
        _cancel(site, job_id)
        site.wait(
            lambda: not any(step.stop_receipt is StopReceipt.ABANDONED for step in site.floor.steps(job_id)),
            "every process that did not let go is gone",
        )
        receipts = {step.key: step.stop_receipt for step in site.floor.steps(job_id, "hold")}
        assert receipts == {
            "listens": STOPPED, "computes": STOPPED, "waits in C": KILLED, "swallows everything": KILLED,
        }  # fmt: skip
    assert site.floor.count(job_id, StepStatus.CANCELLED, "hold") == 4
