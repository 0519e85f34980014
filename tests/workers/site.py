"""A supervisor and its processes as they really are, for tests that kill, stop and drain them."""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobcontrol.pipeline import Pipeline
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.settings import environment_with
from services.waiting import wait_until
from workers.floor import Floor
from workers.on_files import Directory, Told, pipeline

TESTS = Path(__file__).parents[1]
LONG, SHORT = "60", "1"


class Site:
    """One supervisor with its processes, a floor to look at the store from, and the handlers' directory."""

    def __init__(self, floor: Floor, path: Path) -> None:
        self.floor = floor
        self.directory = Directory(path)
        self.log = path / "supervisor.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._pids: set[int] = set()

    def supervise(
        self,
        target: str = "workers.on_files:pipeline",
        *,
        lease: str = LONG,
        processes: int = 1,
        stop_grace: float = 10.0,
    ) -> None:
        environment = environment_with(
            JOBCONTROL_DATABASE_URL=self.floor.settings.database_url,
            JOBCONTROL_REDIS_URL=self.floor.settings.redis,
            JOBCONTROL_HEARTBEAT_SECONDS="0.2",
            JOBCONTROL_LEASE_SECONDS=lease,
            JOBCONTROL_WORKER_PROCESSES=str(processes),
            JOBCONTROL_DRAIN_SECONDS="20",
            JOBCONTROL_STOP_GRACE_SECONDS=str(stop_grace),
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

    def wait(self, holds: Callable[[], Any], claim: str, *, timeout: float = 25) -> None:
        said = self.log.read_text()[-2_000:]
        wait_until(holds, f"{claim}; the supervisor said before, in {self.log}: {said}", timeout=timeout)

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
        return {pid for pid in self._pids if is_there(pid)}

    def close(self) -> None:
        if self._popen is not None and self._popen.poll() is None:
            self.children()
            self._popen.send_signal(signal.SIGCONT)
            self._popen.kill()
            self._popen.wait()
        wait_until(lambda: not self.left(), "every process is gone")


def is_there(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
