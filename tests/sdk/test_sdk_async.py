"""The client that is awaited: the same plans, other waiting. What it alone can do wrong is to leave something open."""

import asyncio
from typing import Any

import pytest

from jobcontrol import AlreadyRunning, AsyncClient, AsyncJob, JobFailed, WaitTimeout
from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol._plans import Limits
from jobcontrol._rpcs import A, Q, Rpc
from jobcontrol._transport import AsyncStream
from sdk.recording import END, JOB_ID, finished, job, partial_build, step
from sdk.scripted import AsyncScripted, AsyncScriptedStream, ScriptedTransport, WatchedServer, silence


def client_of(server: ScriptedTransport) -> AsyncClient:
    return AsyncClient(transport=AsyncScripted(server))


def held(server: ScriptedTransport, picture: pb.Job | None = None) -> AsyncJob:
    return AsyncJob(client_of(server)._connection, to_job_state(picture or job("PENDING", at=0)))


@pytest.mark.parametrize("count", range(6))
async def test_a_break_after_any_message_loses_nothing_and_doubles_nothing(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobcontrol._watching.FIRST_PAUSE", 0.0)
    server, told = WatchedServer(partial_build(), deaths=[(count, None)]), list[bool]()
    events = [event async for event in held(server).watch(0, on_link=lambda notice: told.append(notice.is_restored))]
    assert [event.sequence for event in events] == [1, 2, 3, 5, 6, 7]
    assert told == [False, True]
    assert all(stream.is_cancelled for stream in server.streams)


async def test_leaving_the_loop_lets_go_of_the_call_at_once() -> None:
    server = WatchedServer(partial_build())
    async for event in held(server).watch(0):
        if event.sequence == 3:
            break
    assert [stream.is_cancelled for stream in server.streams] == [True]


async def test_leaving_the_with_block_lets_go_of_the_call() -> None:
    server = WatchedServer(partial_build())
    async with held(server).watch(0) as events:
        assert (await anext(events)).sequence == 1
    assert [stream.is_cancelled for stream in server.streams] == [True]


async def test_a_cancelled_task_lets_go_of_the_call() -> None:
    server, reading = WatchedServer([]), asyncio.Event()

    class Silent(AsyncScriptedStream):
        async def read(self, timeout: float) -> Any:
            reading.set()
            await asyncio.Event().wait()

    class Waiting(AsyncScripted):
        def open(self, rpc: Rpc[Q, A], request: Q, limits: Limits) -> AsyncStream[A]:
            return Silent(server.open(rpc, request, limits))

    watched = AsyncJob(AsyncClient(transport=Waiting(server))._connection, to_job_state(job("PENDING", at=0)))
    task = asyncio.create_task(watched.wait())
    await reading.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert [stream.is_cancelled for stream in server.streams] == [True]


async def test_waiting_ends_with_the_job_or_with_what_became_of_it() -> None:
    assert (await held(WatchedServer(partial_build())).wait()).percent == 100
    with pytest.raises(JobFailed) as raised:
        await held(WatchedServer([finished(1, job("FAILED", at=1))])).wait()
    assert type(raised.value.job) is AsyncJob
    with pytest.raises(WaitTimeout):
        await held(WatchedServer(partial_build(), deaths=[(4, silence())])).wait(timeout=20)


async def test_the_job_that_is_there_is_an_async_job() -> None:
    refusal = AlreadyRunning("busy", code="ALREADY_EXISTS", metadata={"active_job_id": JOB_ID})
    client = client_of(ScriptedTransport(StartBuild=refusal, GetJob=pb.GetJobResponse(job=job(percent=63))))
    with pytest.raises(AlreadyRunning) as raised:
        await client.start("learning-path", "rust-101")
    assert (type(raised.value.existing_job), raised.value.existing_job.percent) == (AsyncJob, 63)


async def test_a_property_that_asks_is_awaited_and_left_alone_it_asks_nothing() -> None:
    failed = step("Moves", "FAILED", error="ValueError: boom").step
    server = ScriptedTransport(ListSteps=pb.ListStepsResponse(steps=[failed]))
    waiting = held(server, END).failed_steps
    assert server.requests == []
    assert [found.key for found in await waiting] == ["moves"]


async def test_lists_page_themselves() -> None:
    pages = [
        pb.ListJobsResponse(jobs=[job(), job()], next_page_token="more"),
        pb.ListJobsResponse(jobs=[job()]),
    ]
    server = ScriptedTransport(ListJobs=pages)
    assert [type(found) async for found in client_of(server).jobs()] == [AsyncJob] * 3
    assert [request.page_token for request in server.sent(pb.ListJobsRequest)] == ["", "more"]
