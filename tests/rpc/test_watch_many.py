"""WatchJobs: many jobs on one stream, each exact from its own position, and a list of jobs as it changes."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration

from jobcontrol import v1 as pb
from jobcontrol_server.watch import hub as hub_module
from jobcontrol_server.watch import lists
from jobcontrol_server.watch.feed import Pace
from jobcontrol_server.watch.readings import read_news
from rpc.serving import Serving, refusal_of, refused, serving
from rpc.watching import assert_joined, kinds, watch_whole
from services.waiting import wait_until_async
from store.builds import tree

QUICK = Pace(poll=0.02)
RED = pb.JobFilter(labels={"team": "red"})
_SECONDS = 30


class Many:
    """One open watch of many jobs."""

    def __init__(self, call: Any) -> None:
        self._call = call

    async def read(self) -> pb.WatchJobsResponse | None:
        """The next message; None at the end. Raises what ends it early."""
        async with asyncio.timeout(_SECONDS):
            message = await self._call.read()
        return message if isinstance(message, pb.WatchJobsResponse) else None

    async def rest(self) -> list[pb.WatchJobsResponse]:
        """All that comes until the stream ends."""
        found = []
        while (message := await self.read()) is not None:
            found.append(message)
        return found

    async def whole_list(self) -> list[str]:
        """The ids of the jobs told before the first heartbeat."""
        ids = []
        while (message := await self.read()) is not None and not message.HasField("heartbeat"):
            ids.append(message.listed.job_id)
        return ids

    async def until(self, job_id: str, status: pb.JobStatus.ValueType) -> None:
        """Read until a job of the list is told in this status."""
        while (message := await self.read()) is not None:
            if (message.listed.job_id, message.listed.status) == (job_id, status):
                return
        raise AssertionError("the stream has ended")


@asynccontextmanager
async def watching_many(stub: Any, *positions: tuple[str, int | None], **fields: Any) -> AsyncIterator[Many]:
    request = pb.WatchJobsRequest(
        positions=[pb.WatchPosition(job_id=job_id, after_sequence=after) for job_id, after in positions], **fields
    )
    call = stub.WatchJobs(request)
    try:
        yield Many(call)
    finally:
        call.cancel()


def by_job(messages: Sequence[pb.WatchJobsResponse]) -> dict[str, list[pb.WatchProgressResponse]]:
    found = defaultdict(list)
    for message in messages:
        if message.HasField("progress"):
            found[message.progress.job_id].append(message.progress)
    return found


async def test_each_job_is_told_from_its_own_position_to_its_end(either_server: Serving) -> None:
    server = either_server
    first, second, over = [await server.start(path) for path in ("a", "b", "c")]
    await server.work(server.worker.run, over, tree(1))
    async with watching_many(server.stub, (first, 0), (second[-8:], None), (over, 0)) as many:
        ended = [(await server.work(server.worker.run, job_id, tree(2, 3))).last_sequence for job_id in (first, second)]
        told = by_job(await many.rest())
    assert assert_joined(told[first], 0) == ended[0]
    picture, *news = told[second]
    assert picture.WhichOneof("event") == "snapshot"
    assert assert_joined(news, picture.sequence) == ended[1]
    assert assert_joined(told[over], 0) == server.worker.job(over).last_sequence
    for job_id in (first, second, over):
        assert kinds(told[job_id])[-1] == "finished"
        alone = await watch_whole(server.stub, job_id)
        assert told[job_id][-1].finished.job == alone[-1].finished.job


async def test_one_read_serves_both_kinds_of_watch(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def counted(tx: Any, job_id: str, after: int, *limit: int) -> Any:
        made.append(after)
        return read_news(tx, job_id, after, *limit)

    monkeypatch.setattr(hub_module, "read_news", counted)
    job_id = await server.start()
    async with watching_many(server.stub, (job_id, None)) as many, watching_many(server.stub, (job_id, None)) as other:
        for stream in (many, other):
            assert (await stream.read()) is not None
        await server.work(server.worker.claim_one, job_id)
        for stream in (many, other):
            message = await stream.read()
            assert message is not None
            assert message.progress.sequence == 2
    assert made.count(1) <= 2


async def test_silence_is_told_once_for_all(server: Serving) -> None:
    jobs = [(await server.start(path), None) for path in ("a", "b", "c")]
    async with watching_many(server.stub, *jobs, heartbeat_interval=Duration(seconds=1)) as many:
        pictures = [await many.read() for _ in jobs]
        assert {message.progress.type for message in pictures if message} == {"snapshot"}
        for _ in range(2):
            assert await many.read() == pb.WatchJobsResponse(heartbeat=pb.Heartbeat())


async def test_a_list_is_told_oldest_first_then_what_comes_and_moves(database_url: str) -> None:
    async with serving(database_url, pace=QUICK) as server:
        made = [await server.start(f"red-{number}", labels={"team": "red"}) for number in range(3)]
        await server.start("blue", labels={"team": "blue"})
        async with watching_many(server.stub, filter=RED) as many:
            assert await many.whole_list() == made
            new = await server.start("red-3", labels={"team": "red"})
            await many.until(new, pb.JOB_STATUS_PENDING)
            await server.work(server.worker.run, made[1], tree(1))
            await many.until(made[1], pb.JOB_STATUS_COMPLETED)


async def test_a_job_that_meets_the_conditions_no_more_or_is_deleted_leaves_the_list(database_url: str) -> None:
    async with serving(database_url, pace=QUICK) as server:
        moved, gone = await server.start("a"), await server.start("b")
        await server.work(server.worker.cancel, gone)
        async with (
            watching_many(server.stub, filter=pb.JobFilter(status=[pb.JOB_STATUS_PENDING])) as pending,
            watching_many(server.stub, filter=pb.JobFilter()) as every,
        ):
            assert (await pending.whole_list(), await every.whole_list()) == ([moved], [moved, gone])
            await server.work(server.worker.claim_one, moved)
            assert await pending.read() == pb.WatchJobsResponse(unlisted_job_id=moved)
            await every.until(moved, pb.JOB_STATUS_PROCESSING)
            await server.stub.DeleteJob(pb.DeleteJobRequest(job_id=gone))
            assert await every.read() == pb.WatchJobsResponse(unlisted_job_id=gone)


async def test_newer_jobs_take_the_place_of_the_oldest(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "MOST", 2)
    async with serving(sqlite_url, pace=QUICK) as server:
        oldest, *kept = [await server.start(path) for path in ("a", "b", "c")]
        async with watching_many(server.stub, filter=pb.JobFilter()) as many:
            assert await many.whole_list() == kept
            new = await server.start("d")
            assert await many.read() == pb.WatchJobsResponse(unlisted_job_id=kept[0])
            await many.until(new, pb.JOB_STATUS_PENDING)
    assert oldest


async def test_a_doorbell_brings_what_is_new_in_a_list(sqlite_url: str, redis_url: str) -> None:
    async with (
        serving(sqlite_url, redis_url=redis_url, pace=Pace(poll=3_600)) as server,
        watching_many(server.stub, filter=pb.JobFilter()) as many,
    ):
        assert await many.whole_list() == []
        for path in ("a", "b"):
            await many.until(await server.start(path), pb.JOB_STATUS_PENDING)


async def test_jobs_and_a_list_share_a_stream_that_does_not_end_with_the_jobs(sqlite_url: str) -> None:
    async with serving(sqlite_url, pace=QUICK) as server:
        job_id = await server.start("a")
        async with watching_many(server.stub, (job_id, 0), filter=RED) as many:
            await server.work(server.worker.run, job_id, tree())
            told: list[pb.WatchProgressResponse] = []
            while not told or not told[-1].HasField("finished"):
                message = await many.read()
                assert message is not None
                told += [message.progress] if message.HasField("progress") else []
            assert_joined(told, 0)
            await many.until(await server.start("b", labels={"team": "red"}), pb.JOB_STATUS_PENDING)


async def test_a_server_that_stops_ends_it_and_says_to_go_on_elsewhere(sqlite_url: str) -> None:
    async with AsyncExitStack() as kept_open:
        async with serving(sqlite_url, pace=QUICK) as server:
            job_id = await server.start("a")
            channel = await kept_open.enter_async_context(grpc.aio.insecure_channel(server.address))
            stub = pb.JobControlStub(channel)
            many = await kept_open.enter_async_context(watching_many(stub, (job_id, None), filter=pb.JobFilter()))
            assert await many.read()
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await many.rest()
    assert refusal_of(ended.value).reason == "SERVER_DRAINING"


async def test_each_job_counts_as_a_watcher_and_lets_go_of_its_place(sqlite_url: str) -> None:
    async with serving(sqlite_url, max_watchers=3) as server:
        jobs = [(await server.start(path), None) for path in ("a", "b")]
        async with watching_many(server.stub, *jobs) as many:
            assert await many.read()
            refusal = await refused(server.stub.WatchJobs(pb.WatchJobsRequest(positions=positions(jobs))))
            assert refusal.reason == "TOO_MANY_WATCHERS"
            async with watching_many(server.stub, filter=pb.JobFilter()) as listed:
                assert len(await listed.whole_list()) == 2

        async def is_accepted() -> bool:
            async with watching_many(server.stub, *jobs) as again:
                try:
                    return await again.read() is not None
                except grpc.aio.AioRpcError:
                    return False

        await wait_until_async(is_accepted, "the places of those who left are free")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "positions"),
        ({"positions": [pb.WatchPosition()]}, "positions[0].job_id"),
        ({"positions": [pb.WatchPosition(job_id="abcd"), pb.WatchPosition(job_id="NO")]}, "positions[1].job_id"),
        ({"positions": [pb.WatchPosition(job_id="abcd", after_sequence=-1)]}, "positions[0].after_sequence"),
        ({"positions": [pb.WatchPosition(job_id="abcd")] * 101}, "positions"),
        ({"filter": pb.JobFilter(path_id="a\0")}, "filter.path_id"),
        ({"filter": pb.JobFilter(filter="status")}, "filter.filter"),
    ],
)
async def test_what_is_wrong_is_named(server: Serving, fields: dict[str, Any], wrong: str) -> None:
    refusal = await refused(server.stub.WatchJobs(pb.WatchJobsRequest(**fields)))
    assert refusal.fields == [wrong]


async def test_a_job_that_is_not_there_or_is_named_twice_is_refused(server: Serving) -> None:
    job_id = await server.start()
    twice = await refused(
        server.stub.WatchJobs(pb.WatchJobsRequest(positions=positions([(job_id, 0), (job_id[-8:], 1)])))
    )
    assert twice.fields == ["positions[1].job_id"]
    unknown = await refused(server.stub.WatchJobs(pb.WatchJobsRequest(positions=positions([("0123456789ab", 0)]))))
    assert unknown.reason == "JOB_NOT_FOUND"


def positions(jobs: Sequence[tuple[str, int | None]]) -> list[pb.WatchPosition]:
    return [pb.WatchPosition(job_id=job_id, after_sequence=after) for job_id, after in jobs]
