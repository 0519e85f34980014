"""A server's life: how it starts, what it offers beside its own service, why it does not start, how it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]
from sqlalchemy import make_url

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import BackendUnavailable
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.schema import NotMigrated
from jobcontrol_core.store.tables import metadata
from jobcontrol_server.addresses import AddressTaken
from jobcontrol_server.app import running_server
from jobcontrol_server.rpc.builds import Builds
from rpc.serving import NO_REDIS, Serving, prepared_store, serving
from services.postgres import PostgresServer
from services.waiting import wait_until_async

SERVICE = "jobcontrol.v1.JobControl"
SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


def run_jobctl(*arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "jobcontrol.cli", *arguments],
        env={**os.environ, "JOBCONTROL_REDIS_URL": NO_REDIS, "JOBCONTROL_HTTP": "off", **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def refusal_line(*arguments: str, **environment: str) -> str:
    """The one line that a server which cannot start says."""
    process = run_jobctl("server", *arguments, **environment)
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, ""), errors
    (line,) = errors.splitlines()
    return line


async def asked_reflection(channel: grpc.aio.Channel, **question: str) -> Any:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    call = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(**question)]))
    async for answer in call:
        call.cancel()
        return answer
    raise AssertionError("no answer")


async def test_health_says_serving_for_the_server_and_the_service(server: Serving) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", SERVICE):
            answer = await health.Check(health_pb2.HealthCheckRequest(service=name))
            assert answer.status == SERVING
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await health.Check(health_pb2.HealthCheckRequest(service="other"))
        assert told.value.code() is grpc.StatusCode.NOT_FOUND


async def test_reflection_lists_the_services_and_describes_ours(server: Serving) -> None:
    async with grpc.aio.insecure_channel(server.address) as channel:
        answer = await asked_reflection(channel, list_services="")
        names = {service.name for service in answer.list_services_response.service}
        assert names == {SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1alpha.ServerReflection"}
        described = await asked_reflection(channel, file_containing_symbol=SERVICE)
        files = [
            FileDescriptorProto.FromString(data) for data in described.file_descriptor_response.file_descriptor_proto
        ]
        methods = {method.name for file in files for service in file.service for method in service.method}
        assert {"StartBuild", "WatchProgress", "ListEvents"} <= methods


async def test_port_zero_takes_a_free_port_and_tells_it(sqlite_url: str) -> None:
    async with serving(sqlite_url) as one, serving(sqlite_url) as other:
        assert one.address != other.address
        assert await one.start("a")
        job = (await other.stub.ListJobs(pb.ListJobsRequest())).jobs[0]
        assert job.path_id == "a"


async def test_a_port_that_somebody_has_is_refused(sqlite_url: str) -> None:
    async with serving(sqlite_url) as first:
        taken = Settings.load(database_url=sqlite_url, redis_url=NO_REDIS, listen=first.address, http="off")
        with pytest.raises(AddressTaken, match="Address already in use"):
            async with running_server(taken):
                pass


@pytest.mark.parametrize("address", ["192.0.2.1:50051", "no-such-host.invalid:50051"])
async def test_an_address_of_another_machine_is_refused(sqlite_url: str, address: str) -> None:
    await asyncio.to_thread(lambda: prepared_store(sqlite_url).close())
    with pytest.raises(AddressTaken, match=address):
        async with running_server(
            Settings.load(
                database_url=sqlite_url, redis_url=NO_REDIS, listen=address, http="off", token="0123456789abcdef"
            )
        ):
            pass


async def test_a_database_without_tables_or_columns_of_this_release_is_refused(database_url: str) -> None:
    settings = Settings.load(database_url=database_url, redis_url=NO_REDIS, listen="127.0.0.1:0", http="off")
    with pytest.raises(NotMigrated, match="jobctl migrate"):
        async with running_server(settings):
            pass
    store = Store(database_url)
    metadata.create_all(store.engine)
    store.write(lambda tx: tx.exec_driver_sql("ALTER TABLE jobs DROP COLUMN title"))
    store.close()
    with pytest.raises(NotMigrated, match=r"\(jobs.title\)"):
        async with running_server(settings):
            pass


async def test_a_database_that_is_out_of_reach_is_refused(postgres_server: PostgresServer, postgres_url: str) -> None:
    postgres_server.drop_database(make_url(postgres_url).database or "")
    with pytest.raises(BackendUnavailable):
        async with running_server(
            Settings.load(database_url=postgres_url, redis_url=NO_REDIS, listen="127.0.0.1:0", http="off")
        ):
            pass


def test_whatever_keeps_a_server_from_starting_is_told_in_one_line(sqlite_url: str, tmp_path: Path) -> None:
    assert "jobctl migrate" in refusal_line(JOBCONTROL_DATABASE_URL=sqlite_url)
    prepared_store(sqlite_url).close()
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        line = refusal_line("--listen", address, JOBCONTROL_DATABASE_URL=sqlite_url)
        assert line.startswith(f"error: cannot listen on {address} (Address already in use)")
    assert "out of reach" in refusal_line(JOBCONTROL_DATABASE_URL=f"postgresql:///x?host={tmp_path}")
    assert "JOBCONTROL_LISTEN" in refusal_line("--listen", "nowhere", JOBCONTROL_DATABASE_URL=sqlite_url)
    assert "DATABASE_URL" in refusal_line(JOBCONTROL_DATABASE_URL="mysql://x")


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_server_ends_in_order_when_it_is_told_to(sqlite_url: str, signum: signal.Signals) -> None:
    prepared_store(sqlite_url).close()
    process = run_jobctl("server", "--listen", "127.0.0.1:0", JOBCONTROL_DATABASE_URL=sqlite_url)
    assert process.stderr is not None
    started = process.stderr.readline()
    address = started.rpartition("listen=")[2].strip()
    assert "event=server_started" in started
    with grpc.insecure_channel(address) as channel:
        stub = pb.JobControlStub(channel)
        job_id = stub.StartBuild(pb.StartBuildRequest(path_id="p")).job_id
        watch = stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id))
        assert next(watch).type == "snapshot"
        process.send_signal(signum)
        with pytest.raises(grpc.RpcError) as told:
            next(watch)
        assert told.value.code() is grpc.StatusCode.UNAVAILABLE
    output, errors = process.communicate(timeout=30)
    assert (process.returncode, output) == (0, "")
    assert "event=server_stopped" in errors
    assert "Traceback" not in errors


async def test_a_draining_server_says_not_serving_and_answers_the_calls_under_way(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_begun, may_go_on = threading.Event(), threading.Event()
    start = Builds.start

    def held_up(*arguments: Any) -> Any:
        has_begun.set()
        may_go_on.wait(timeout=30)
        return start(*arguments)

    monkeypatch.setattr(Builds, "start", held_up)
    await asyncio.to_thread(lambda: prepared_store(sqlite_url).close())
    server = running_server(
        Settings.load(database_url=sqlite_url, redis_url=NO_REDIS, listen="127.0.0.1:0", http="off")
    )
    async with grpc.aio.insecure_channel((await server.__aenter__()).grpc) as channel:
        call = asyncio.ensure_future(pb.JobControlStub(channel).StartBuild(pb.StartBuildRequest(path_id="p")))
        await asyncio.to_thread(has_begun.wait, 30)
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(service=""))
        assert (await health.read()).status == SERVING
        end = asyncio.create_task(server.__aexit__(None, None, None))
        assert (await health.read()).status == NOT_SERVING
        health.cancel()
        assert not call.done()
        may_go_on.set()
        assert (await call).job.path_id == "p"
        await end


async def health_of(server: Serving, part: str) -> int:
    async with grpc.aio.insecure_channel(server.address) as channel:
        asked = health_pb2.HealthCheckRequest(service=part)
        status: int = (await health_pb2_grpc.HealthStub(channel).Check(asked)).status
        return status


async def test_the_health_of_redis_is_what_it_is_now(server: Serving, ringing_server: Serving) -> None:
    async def is_there() -> bool:
        return bool(await health_of(ringing_server, "redis") == SERVING)

    await wait_until_async(is_there, "the server has found Redis")
    assert await health_of(server, "redis") == NOT_SERVING
    assert await health_of(server, "") == SERVING
