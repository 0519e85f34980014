"""A process dies exactly between two effects, and what it left half-done is finished once."""

import signal
from pathlib import Path

import grpc
import pytest
from sqlalchemy import select

from e2e.builds_under_fire import WatchedBuild, start_watched_build
from jobcontrol import v1 as pb
from jobcontrol_core.crash_points import CrashPoint
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import jobs
from services.processes import is_alive
from services.recorder import Recorder
from services.stack import Stack
from services.waiting import wait_until

OF_A_SERVER = [CrashPoint.BEFORE_COMMIT, CrashPoint.AFTER_COMMIT_BEFORE_PUBLISH]


@pytest.fixture
def fuses(stack: Stack, tmp_path: Path) -> Path:
    """The directory in which a test lays a fuse; every process that is started from now on looks there."""
    directory = tmp_path / "fuses"
    directory.mkdir()
    stack.settings["JOBCONTROL_CRASH_FUSES"] = str(directory)
    return directory


@pytest.mark.parametrize("point", CrashPoint)
def test_a_worker_process_that_dies_there_costs_its_steps_nothing(stack: Stack, fuses: Path, point: CrashPoint) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    before = set(stack.worker_pids())
    burn(fuses, point)
    build.wait_for_end()
    assert any(not is_alive(pid) for pid in before), "a worker process has died"
    build.assert_completed_once()


@pytest.mark.parametrize("point", OF_A_SERVER)
def test_a_build_whose_server_dies_there_is_started_once_by_the_same_call_again(
    stack: Stack, fuses: Path, point: CrashPoint
) -> None:
    server = stack.start_server()
    stack.start_worker()
    (fuses / point).touch()
    request = pb.StartBuildRequest(path_id="primer", document=pb.Document(sample=True), request_id="start-once")
    with pytest.raises(grpc.RpcError):
        start(server.address, request)
    wait_until(lambda: server.has_ended, "the server has died")
    assert server.popen is not None
    assert server.popen.returncode == -signal.SIGKILL
    committed = jobs_of(stack)
    assert len(committed) == (point is CrashPoint.AFTER_COMMIT_BEFORE_PUBLISH)
    server.start()
    answer = start(server.address, request)
    assert jobs_of(stack) == committed | {answer.job.job_id}
    assert len(jobs_of(stack)) == 1
    build = WatchedBuild(stack, answer.job.job_id, Recorder(answer.job.job_id, server.address))
    build.wait_for_end()
    build.assert_completed_once()


def burn(fuses: Path, point: CrashPoint) -> None:
    """Have the next process that comes to `point` die there, and wait until one has."""
    fuse = fuses / point
    fuse.touch()
    wait_until(lambda: not fuse.exists(), f"a process has come to {point}")


def jobs_of(stack: Stack) -> set[str]:
    store = Store(stack.database_url)
    try:
        return set(store.read(lambda tx: tx.execute(select(jobs.c.id)).scalars().all()))
    finally:
        store.close()


def start(address: str, request: pb.StartBuildRequest) -> pb.StartBuildResponse:
    with grpc.insecure_channel(address) as channel:
        answer: pb.StartBuildResponse = pb.JobControlStub(channel).StartBuild(request, timeout=20)
        return answer
