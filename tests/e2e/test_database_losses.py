"""The database restarts, fills its disk or grows columns in the middle of a build, and clocks of others are wrong."""

import os
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import grpc
import pytest
from sqlalchemy import Connection, select, text

from e2e.builds_under_fire import start_watched_build
from jobcontrol import v1 as pb
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import job_events, step_attempts, steps
from services.postgres import PostgresServer, running_postgres
from services.processes import descendants
from services.stack import SHORT_LEASES, Stack, opened
from services.valkey import ValkeyServer
from services.waiting import wait_until

LONG_LEASES = {"JOBCONTROL_LEASE_SECONDS": "30"}
#: A clock that is wrong by so many seconds, for one process: it takes the place of Python's own before anything else.
WRONG_CLOCK = """
import datetime, time
right, right_ns, right_datetime = time.time, time.time_ns, datetime.datetime
time.time = lambda: right() + {seconds}
time.time_ns = lambda: right_ns() + {seconds} * 10**9
class datetime_of_a_wrong_clock(right_datetime):
    @classmethod
    def now(cls, tz=None):
        return right_datetime.now(tz) + datetime.timedelta(seconds={seconds})
datetime.datetime = datetime_of_a_wrong_clock
"""
A_DAY = 86_400


@pytest.fixture
def own_postgres() -> Iterator[PostgresServer]:
    """A server for this test alone, which it may kill and start again."""
    yield from running_postgres()


@pytest.fixture
def postgres_stack(own_postgres: PostgresServer, own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[Stack]:
    """On a PostgreSQL of its own, with leases that outlast its restart."""
    yield from opened(own_postgres.url(own_postgres.create_database()), own_valkey.url, tmp_path, LONG_LEASES)


@pytest.fixture
def sqlite_stack(own_valkey: ValkeyServer, tmp_path: Path) -> Iterator[Stack]:
    url = f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}"
    yield from opened(url, own_valkey.url, tmp_path, dict(SHORT_LEASES))


def test_a_database_that_is_killed_in_mid_build_costs_no_attempt(
    postgres_stack: Stack, own_postgres: PostgresServer
) -> None:
    server = postgres_stack.start_server()
    postgres_stack.start_worker()
    build = start_watched_build(postgres_stack, server.address)
    build.wait_for_steps(8)
    own_postgres.kill()
    with grpc.insecure_channel(server.address) as channel:
        stub = pb.JobControlStub(channel)
        with pytest.raises(grpc.RpcError) as refused:
            stub.GetJob(pb.GetJobRequest(job_id=build.job_id), timeout=20)
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    own_postgres.start()
    build.wait_for_end()
    build.assert_completed_once()
    store = Store(postgres_stack.database_url)
    assert store.read(lambda tx: tx.execute(select(step_attempts.c.outcome)).scalars().all()) == []
    store.close()


def test_a_full_disk_refuses_writes_as_such_and_all_goes_on_once_there_is_space(sqlite_stack: Stack) -> None:
    server = sqlite_stack.start_server()
    worker = sqlite_stack.start_worker()
    build = start_watched_build(sqlite_stack, server.address)
    build.wait_for_steps(8)
    too_large = pb.StartBuildRequest(path_id="large", request_id="large")
    too_large.document.content = b"# A document\n\n" + b"that needs space. " * 50_000
    too_large.document.media_type = "text/markdown"
    pids = [pid for process in (server, worker) for pid in (process.pid, *descendants(process.pid))]
    logs = max(log.stat().st_size for log in sqlite_stack.directory.glob("*.log"))
    with grpc.insecure_channel(server.address) as channel:
        stub = pb.JobControlStub(channel)
        _limit_files(pids, logs + (256 << 10))
        with pytest.raises(grpc.RpcError) as refused:
            stub.StartBuild(too_large, timeout=20)
        assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "STORAGE_FULL" in str(refused.value.trailing_metadata())
        assert stub.GetJob(pb.GetJobRequest(job_id=build.job_id), timeout=20).job.job_id == build.job_id
        _limit_files(pids, resource.RLIM_INFINITY)
        assert stub.StartBuild(too_large, timeout=20).job_id
    build.wait_for_end()
    build.assert_completed_once()


def test_what_a_later_release_adds_to_the_tables_disturbs_nobody_who_runs_or_starts(stack: Stack) -> None:
    server = stack.start_server()
    stack.start_worker()
    build = start_watched_build(stack, server.address)
    build.wait_for_steps(8)
    store = Store(stack.database_url)
    store.write(_expand)
    build.wait_for_end()
    build.assert_completed_once()
    stack.start_worker()
    late = start_watched_build(stack, stack.start_server().address, path_id="late", pace=0.0)
    late.wait_for_end()
    late.assert_completed_once()
    store.close()


@pytest.mark.parametrize("ahead", [A_DAY, -A_DAY])
def test_clocks_that_are_a_day_wrong_change_nothing(stack: Stack, tmp_path: Path, ahead: int) -> None:
    store = Store(stack.database_url)
    began_at = store.read(read_now)
    _set_clock(stack, tmp_path / "ahead", ahead)
    server = stack.start_server()
    _set_clock(stack, tmp_path / "behind", -ahead)
    stack.start_worker()
    wait_until(lambda: len(stack.worker_pids()) == 2, "the worker processes are up, whatever their clock says")
    build = start_watched_build(stack, server.address)
    build.wait_for_end()
    build.assert_completed_once()
    moments = store.read(_moments)
    assert began_at <= min(moments)
    assert max(moments) <= store.read(read_now)
    # Nobody was taken for lost, though their clocks are two days apart.
    assert store.read(lambda tx: tx.execute(select(step_attempts.c.outcome)).scalars().all()) == []
    store.close()


def _expand(tx: Connection) -> None:
    """What the migration of a later release may do while this one runs: add, and take nothing away."""
    for table in ("jobs", "job_stages", "steps", "workers"):
        tx.execute(text(f"ALTER TABLE {table} ADD COLUMN of_a_later_release TEXT"))
    tx.execute(text("CREATE TABLE table_of_a_later_release (id INTEGER)"))
    tx.execute(text("UPDATE alembic_version SET version_num = 'later'"))


def _set_clock(stack: Stack, directory: Path, seconds: int) -> None:
    """Have the processes that are started from now on believe in another time."""
    directory.mkdir()
    (directory / "sitecustomize.py").write_text(WRONG_CLOCK.format(seconds=seconds))
    stack.settings["PYTHONPATH"] = str(directory)
    command = [sys.executable, "-c", "import datetime; print(datetime.datetime.now().timestamp())"]
    told = subprocess.check_output(command, env={**os.environ, **stack.environment})
    assert abs(float(told) - time.time() - seconds) < A_DAY / 2


def _moments(tx: Connection) -> list[datetime]:
    told = [*tx.execute(select(job_events.c.created_at)).scalars()]
    for column in (steps.c.created_at, steps.c.started_at, steps.c.completed_at):
        told += tx.execute(select(column).where(column.is_not(None))).scalars()
    assert timedelta(0) < max(told) - min(told) < timedelta(hours=1)
    return told


def _limit_files(pids: list[int], most_bytes: int) -> None:
    for pid in pids:
        _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
