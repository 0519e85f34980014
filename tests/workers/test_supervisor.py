"""The supervisor and its processes as they really are: killed, drained, stopped and born dead."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from jobcontrol.pipeline import Pipeline
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.settings import environment_with
from jobcontrol_core.store.stopping import cancel_job
from jobcontrol_core.store.tables import workers
from services.waiting import wait_until
from workers import hanging
from workers.floor import Floor
from workers.on_files import Directory, Told, failing_fast, pipeline

TESTS = Path(__file__).parents[1]
LONG, SHORT = "60", "1"


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake are processes."""
    return sqlite_store_url


class Site:
    """One supervisor with its processes, a floor to look at the store from, and the handlers' directory."""

    def __init__(self, floor: Floor, path: Path) -> None:
        self.floor = floor
        self.directory = Directory(path)
        self.log = path / "supervisor.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()

    def supervise(self, target: str = "workers.on_files:pipeline", *, lease: str = LONG, processes: int = 1) -> None:
        environment = environment_with(
            JOBCONTROL_DATABASE_URL=self.floor.settings.database_url,
            JOBCONTROL_REDIS_URL=self.floor.settings.redis,
            JOBCONTROL_HEARTBEAT_SECONDS="0.2",
            JOBCONTROL_LEASE_SECONDS=lease,
            JOBCONTROL_WORKER_PROCESSES=str(processes),
            JOBCONTROL_DRAIN_SECONDS="20",
            STILLBORN_LOG=str(self.births),
            PYTHONPATH=str(TESTS),
        )
        with self.log.open("ab") as output:
            self._popen = subprocess.Popen(
                [sys.executable, "-m", "workers.supervising", target],
                env=environment,
                stdin=subprocess.DEVNULL,
                stderr=output,
            )

    @property
    def births(self) -> Path:
        return self.directory.path / "births"

    @property
    def supervisor(self) -> subprocess.Popen[bytes]:
        assert self._popen is not None
        return self._popen

    def children(self) -> set[int]:
        """The processes that the supervisor has now."""
        told = Path(f"/proc/{self.supervisor.pid}/task/{self.supervisor.pid}/children").read_text()
        found = {int(pid) for pid in told.split()}
        self._pids |= found
        return found

    def start(self, letters: str, pipeline: Pipeline = pipeline) -> str:
        return self.floor.start(pipeline, directory=str(self.directory.path), letters=letters)

    def begun(self) -> list[Told]:
        return self.directory.told("begun")

    def wait(self, holds: Callable[[], Any], claim: str) -> None:
        wait_until(holds, f"{claim}; the supervisor says in {self.log}: {self.log.read_text()[-2_000:]}", timeout=25)

    def wait_for_letters(self, count: int) -> None:
        self.wait(lambda: len(self.begun()) == count, f"{count} letters are being spelled")
        self.children()

    def wait_for_end(self, job_id: str) -> JobStatus:
        self.wait(lambda: self.floor.job(job_id).status.has_ended, "the job has ended")
        return self.floor.job(job_id).status

    def end(self) -> int:
        """SIGTERM; returns the exit code, once it is gone."""
        self.children()
        self.supervisor.send_signal(signal.SIGTERM)
        return self.supervisor.wait(25)

    def left(self) -> set[int]:
        """Processes that this site has had and that are still there."""
        return {pid for pid in self._pids if _is_there(pid)}

    def close(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self.children()
            self._popen.send_signal(signal.SIGCONT)
            self._popen.kill()
            self._popen.wait()
        wait_until(lambda: not self.left(), "every process is gone")


@pytest.fixture
def site(floor: Floor, tmp_path: Path) -> Iterator[Site]:
    path = tmp_path / "site"
    path.mkdir()
    opened = Site(floor, path)
    yield opened
    opened.close()


async def test_the_steps_of_a_killed_process_are_taken_back_at_once_and_it_is_replaced(site: Site) -> None:
    """At once: the lease lasts longer than this test, and no dispatcher is there to reap."""
    site.supervise()
    job_id = site.start("ab")
    site.wait_for_letters(2)
    (killed,) = site.children()
    os.kill(killed, signal.SIGKILL)
    site.wait(lambda: len(site.begun()) == 4, "both letters are being spelled again")
    again = [one for one in site.begun() if one.attempt == 2]
    assert [one.key for one in again] == ["a", "b"]
    assert killed not in {one.pid for one in again}
    site.directory.let_go("a", "b")
    assert site.wait_for_end(job_id) is JobStatus.COMPLETED
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
    site.wait(lambda: first not in site.children() and not _is_there(first), "the process that hung is gone")


async def test_the_death_of_one_process_leaves_its_neighbour_alone(site: Site) -> None:
    site.supervise(processes=2)
    site.wait(lambda: len(_ends(site)) == 2, "two processes have a session")
    doomed, neighbour = sorted(site.children())
    os.kill(doomed, signal.SIGKILL)
    site.wait(lambda: len(_ends(site)) == 3, "a third has taken its place")
    assert neighbour in site.children()
    assert sorted(_ends(site), key=str) == [None, None, "killed by SIGKILL"]


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


def _ends(site: Site) -> list[str | None]:
    """How each session of this site ended; None for one that goes on."""
    return list(site.floor.store.read(lambda tx: tx.execute(select(workers.c.ended_because)).scalars().all()))


def _is_there(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
