"""A server with a token: who does not say it gets nowhere, whatever they call; the SDK and jobctl say it."""

import asyncio
import os
import pickle
import sys
from collections.abc import AsyncIterator, Iterable
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc  # type: ignore[import-untyped]
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc  # type: ignore[import-untyped]

from jobcontrol import Client, Job, NotAuthenticated
from jobcontrol import v1 as pb
from jobcontrol_core.settings import Settings, SettingsError
from jobcontrol_server.app import running_server
from rpc.serving import NO_REDIS, Serving, refused, serving

TOKEN = "correct-horse-battery"
SAID = (("authorization", f"Bearer {TOKEN}"),)
UNSAID = [((), "TOKEN_MISSING"), ((("authorization", "Bearer something-else-entirely"),), "TOKEN_INVALID")]
Metadata = tuple[tuple[str, str], ...]


@pytest.fixture
async def guarded(sqlite_url: str) -> AsyncIterator[Serving]:
    async with serving(sqlite_url, token=TOKEN) as running:
        yield running


def health_watch(channel: grpc.aio.Channel, **options: Any) -> Any:
    return health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest(), **options)


def reflection(channel: grpc.aio.Channel, **options: Any) -> Any:
    questions = iter([reflection_pb2.ServerReflectionRequest(list_services="")])
    return reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo(questions, **options)


def unary(channel: grpc.aio.Channel, **options: Any) -> Any:
    return pb.JobControlStub(channel).ListPipelines(pb.ListPipelinesRequest(), **options)


def stream(channel: grpc.aio.Channel, **options: Any) -> Any:
    # There is no such job, which nobody learns without the token.
    return pb.JobControlStub(channel).WatchProgress(pb.WatchProgressRequest(job_id="beef"), **options)


def unknown(channel: grpc.aio.Channel, **options: Any) -> Any:
    call: Any = channel.unary_unary("/jobcontrol.v1.JobControl/Surprise")
    return call(b"", **options)


@pytest.mark.parametrize("call", [unary, stream, unknown, reflection, health_watch])
@pytest.mark.parametrize(("metadata", "reason"), UNSAID)
async def test_without_the_token_every_call_is_refused(
    guarded: Serving, call: Any, metadata: Metadata, reason: str
) -> None:
    async with grpc.aio.insecure_channel(guarded.address) as channel:
        refusal = await refused(call(channel, metadata=metadata))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)
    assert TOKEN not in refusal.text


async def test_with_the_token_calls_are_what_they_are_without_one(guarded: Serving) -> None:
    async with grpc.aio.insecure_channel(guarded.address) as channel:
        assert (await unary(channel, metadata=SAID)).pipelines
        assert (await refused(stream(channel, metadata=SAID))).reason == "JOB_NOT_FOUND"
        assert (await health_watch(channel, metadata=SAID).read()).status
        assert (await reflection(channel, metadata=SAID).read()).list_services_response.service
        with pytest.raises(grpc.aio.AioRpcError) as told:
            await unknown(channel, metadata=SAID)
        assert told.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_the_health_is_told_to_everyone(guarded: Serving) -> None:
    async with grpc.aio.insecure_channel(guarded.address) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_the_sdk_says_its_token_in_calls_and_streams(guarded: Serving) -> None:
    def build() -> Iterable[str]:
        with Client(guarded.address, token=TOKEN) as client:
            job = client.start("learning-path", "rust-101", document=b"# Rust\n")
            job.cancel()
            return [event.type for event in job.watch(after=0)]

    assert list(await asyncio.to_thread(build))[-1] == "cancelled"


@pytest.mark.parametrize(("token", "reason"), [("", "TOKEN_MISSING"), ("something-else-entirely", "TOKEN_INVALID")])
async def test_without_its_token_the_sdk_raises_at_once(
    guarded: Serving, token: str, reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOBCONTROL_TOKEN", token)

    def call() -> None:
        with Client(guarded.address) as client:
            client.pipelines()

    def watch() -> None:
        with Client(guarded.address, token=TOKEN) as client:
            ours = client.start("learning-path", "rust-101", document=b"# Rust\n")
        # What was pickled connects anew, with the token of this process's environment.
        theirs: Job = pickle.loads(pickle.dumps(ours))
        next(iter(theirs.watch()))

    for ask in (call, watch):
        with pytest.raises(NotAuthenticated) as told:
            await asyncio.to_thread(ask)
        assert told.value.reason == reason


@pytest.mark.parametrize(("token", "code"), [("", 7), ("something-else-entirely", 7), (TOKEN, 0)])
async def test_jobctl_exits_with_7_without_the_token_and_says_how_to_give_it(
    guarded: Serving, token: str, code: int
) -> None:
    for arguments, variables in ((["--token", token], {}), ([], {"JOBCONTROL_TOKEN": token})):
        words = [sys.executable, "-m", "jobcontrol.cli", "--server", guarded.address, *arguments, "list"]
        environment = {**os.environ, "JOBCONTROL_TOKEN": "", **variables}
        process = await asyncio.create_subprocess_exec(*words, env=environment, stderr=asyncio.subprocess.PIPE)
        _, errors = await process.communicate()
        assert process.returncode == code
        assert ("JOBCONTROL_TOKEN" in errors.decode()) == (code == 7)


async def test_a_server_that_others_may_reach_does_not_start_without_a_token(sqlite_url: str) -> None:
    settings = Settings.load(database_url=sqlite_url, redis_url=NO_REDIS, listen="0.0.0.0:0", http="off", token="")
    with pytest.raises(SettingsError, match=r"JOBCONTROL_TOKEN: must be set to listen on 0\.0\.0\.0:0"):
        async with running_server(settings):
            pass
