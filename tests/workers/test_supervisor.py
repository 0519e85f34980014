"""The supervisor and its processes as they really are: killed, drained, stopped and born dead."""

import os
import signal

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.stopping import cancel_job
from jobcontrol_core.store.tables import workers
from workers import hanging
from workers.on_files import failing_fast, pipeline
from workers.site import SHORT, Site, is_there


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake are processes."""
    return sqlite_store_url


async def test_the_steps_of_a_killed_process_are_taken_back_at_once_and_run_alone(site: Site) -> None:
    """At once: the lease lasts longer than this test, and no dispatcher is there to reap. One after the other."""
    site.supervise()
    job_id = site.start("ab")
    site.wait_for_letters(2)
    (killed,) = site.children()
    os.kill(killed, signal.SIGKILL)
    site.wait(lambda: len(site.begun()) == 3, "the first letter is being spelled again")
    site.wait(lambda: len(site.children()) == 2, "the killed process has been replaced")
    site.directory.let_go("a", "b")
    assert site.wait_for_end(job_id) is JobStatus.COMPLETED
    lone = {one.pid for one in site.begun() if one.attempt == 2}
    assert len(lone) == 1
    assert killed not in lone
    site.wait(lambda: lone.isdisjoint(site.children()), "the lone process has ended")
    assert len(site.children()) == 1
    assert site.floor.result(job_id) == ["a", "b"]
    assert [(one.outcome, one.used_a_try) for one in site.floor.attempts(job_id, "a")] == [("CRASHED", False)]
    assert "killed by SIGKILL" in _ends(site)


@pytest.mark.parametrize("how", ["in C", "in C, swallowing every exception", "holding the interpreter"])
async def test_a_handler_that_hangs_is_timed_out_and_its_process_is_replaced(site: Site, how: str) -> None:
    site.supervise("workers.hanging:pipeline")
    site.wait(site.children, "there is a process")
    (first,) = site.children()
    with site.floor.dispatcher():
        job_id = site.floor.start(hanging.pipeline, how=how)
        assert site.wait_for_end(job_id) is JobStatus.COMPLETED
    assert [(one.outcome, one.used_a_try) for one in site.floor.attempts(job_id, how)] == [("TIMED_OUT", True)]
    assert site.floor.result(job_id) != [first]
    site.wait(lambda: first not in site.children() and not is_there(first), "the process that hung is gone")


async def test_the_death_of_one_process_leaves_its_neighbour_alone(site: Site) -> None:
    site.supervise(processes=2)
    site.wait(lambda: len(_ends(site)) == 2, "two processes have a session")
    doomed, neighbour = sorted(site.children())
    os.kill(doomed, signal.SIGKILL)
    site.wait(lambda: len(_ends(site)) == 3, "a third has taken its place")
    assert neighbour in site.children()
    assert sorted(_ends(site), key=str) == [None, None, "killed by SIGKILL"]


async def test_a_stopped_process_that_reads_nothing_holds_up_no_renewal_of_another(site: Site) -> None:
    site.supervise("workers.on_files:failing_fast", processes=2)
    job_id = site.start("ab", failing_fast)
    with site.floor.dispatcher():
        site.wait_for_letters(2)
        stopped, other = (one.pid for one in site.begun())
        os.kill(stopped, signal.SIGSTOP)
        # Each of them is told to both processes: more than a pipe holds.
        site.floor.postman.ring_stop(*(new_id() for _ in range(2_000)))
        for _ in range(10):
            _wait_for_renewal(site, other)
        os.kill(stopped, signal.SIGCONT)
        site.directory.let_go("a", "b")
        assert site.wait_for_end(job_id) is JobStatus.COMPLETED
    assert [one.attempt for one in site.begun() if one.key == "b"] == [1]


async def test_a_killed_supervisor_takes_its_processes_with_it_and_their_steps_are_reaped(site: Site) -> None:
    site.supervise(lease=SHORT)
    job_id = site.start("a")
    site.wait_for_letters(1)
    site.supervisor.kill()
    site.supervisor.wait()
    site.wait(lambda: not site.left(), "its processes are gone")
    assert site.floor.count(job_id, StepStatus.PROCESSING) == 1
    site.directory.let_go("a")
    site.floor.employ(pipeline)
    with site.floor.dispatcher(lease_seconds=1.0, heartbeat_seconds=0.2):
        await site.floor.completed(job_id)
    assert [(one.outcome, one.used_a_try) for one in site.floor.attempts(job_id, "a")] == [("LOST", False)]


async def test_after_sigterm_running_steps_end_and_no_process_is_left(site: Site) -> None:
    site.supervise(processes=2)
    job_id = site.start("abc")
    site.wait_for_letters(3)
    site.supervisor.send_signal(signal.SIGTERM)
    site.wait(lambda: "worker_draining" in site.log.read_text(), "it drains")
    site.directory.let_go("a", "b", "c")
    assert site.supervisor.wait(25) == 0
    assert not site.left()
    assert site.floor.count(job_id, StepStatus.COMPLETED, "spell") == 3
    assert site.floor.job(job_id).status is JobStatus.PROCESSING
    assert site.floor.attempts(job_id, "a") == ()


async def test_a_second_sigterm_kills_and_gives_the_steps_back_without_a_try(site: Site) -> None:
    site.supervise()
    job_id = site.start("a")
    site.wait_for_letters(1)
    site.supervisor.send_signal(signal.SIGTERM)
    site.wait(lambda: "worker_draining" in site.log.read_text(), "it drains")
    site.supervisor.send_signal(signal.SIGTERM)
    assert site.supervisor.wait(25) == 0
    assert not site.left()
    assert site.floor.step(job_id, "a").status is StepStatus.PENDING
    assert [(one.outcome, one.used_a_try) for one in site.floor.attempts(job_id, "a")] == [("DRAINED", False)]


async def test_a_cancelled_build_stops_its_handlers_though_no_doorbell_rings(site: Site) -> None:
    site.supervise()
    job_id = site.start("a")
    site.wait_for_letters(1)
    site.floor.store.write(cancel_job, job_id, actor="ada", reason="enough")
    assert site.wait_for_end(job_id) is JobStatus.CANCELLED
    assert [one.key for one in site.directory.told("cancelled")] == ["a"]


async def test_a_step_that_fails_its_build_stops_the_steps_that_run_elsewhere(site: Site) -> None:
    site.supervise("workers.on_files:failing_fast", processes=3)
    job_id = site.start("Xab", failing_fast)
    with site.floor.dispatcher():
        site.wait_for_letters(3)
        assert len({one.pid for one in site.begun()}) == 3
        site.directory.let_go("X")
        assert site.wait_for_end(job_id) is JobStatus.FAILED
    assert [one.key for one in site.directory.told("cancelled")] == ["a", "b"]
    assert site.floor.count(job_id, StepStatus.CANCELLED) == 2


async def test_without_its_supervisors_renewals_a_process_stops_its_handlers_itself(site: Site) -> None:
    site.supervise(lease=SHORT)
    job_id = site.start("a")
    site.wait_for_letters(1)
    site.supervisor.send_signal(signal.SIGSTOP)
    site.wait(lambda: site.directory.told("cancelled"), "the handler was stopped")
    site.wait(lambda: site.floor.count(job_id, StepStatus.PENDING) == 1, "its step was given back")
    assert [one.attempt for one in site.begun()] == [1]
    site.supervisor.send_signal(signal.SIGCONT)
    site.directory.let_go("a")
    with site.floor.dispatcher(lease_seconds=1.0, heartbeat_seconds=0.2):
        assert site.wait_for_end(job_id) is JobStatus.COMPLETED


async def test_a_process_that_dies_as_it_starts_is_started_again_and_the_supervisor_still_ends_at_once(
    site: Site,
) -> None:
    site.supervise("workers.stillborn:pipeline")
    site.wait(lambda: site.births.exists() and site.births.read_text().count("born") >= 3, "three have been born dead")
    assert "exit code 3" in site.log.read_text()
    assert site.end() == 0


def _wait_for_renewal(site: Site, pid: int) -> None:
    found = select(workers.c.renewed_at).where(workers.c.pid == pid)

    def renewed_at() -> object:
        return site.floor.store.read(lambda tx: tx.execute(found).scalar_one())

    before = renewed_at()
    site.wait(lambda: renewed_at() != before, f"the lease of {pid} is renewed")


def _ends(site: Site) -> list[str | None]:
    """How each session of this site ended; None for one that goes on."""
    return list(site.floor.store.read(lambda tx: tx.execute(select(workers.c.ended_because)).scalars().all()))
