"""The hub: one read for all, doorbells that are lost or forged, slow readers, a full and a stopping server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import grpc
import grpc.aio
import pytest
from structlog.testing import capture_logs

from jobcontrol import v1 as pb
from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.postman import JOBS_CHANNEL
from jobcontrol_core.domain.errors import BackendUnavailable
from jobcontrol_server.watch import hub as hub_module
from jobcontrol_server.watch.feed import Pace
from jobcontrol_server.watch.readings import read_news
from rpc.serving import Serving, refusal_of, refused, serving
from rpc.watching import Stream, assert_joined, kinds, watch_whole, watching
from services.valkey import ValkeyServer
from services.waiting import wait_until_async
from store.builds import tree
from store.factories import children, failed, succeeded

#: A hub that never looks by itself: what arrives was rung for.
BELLS_ALONE = Pace(poll=3_600)
QUICK_POLL = Pace(poll=0.02)


class Reads:
    """Counts the hub's reads of news, and lets the first ones fail."""

    def __init__(self, failures: int = 0) -> None:
        self.made: list[int] = []
        self._failures = failures

    def recover(self) -> None:
        """Fail no more."""
        self._failures = 0

    def __call__(self, tx: Any, job_id: str, after: int, *limit: int) -> Any:
        self.made.append(after)
        if len(self.made) <= self._failures:
            raise BackendUnavailable
        return read_news(tx, job_id, after, *limit)


async def open_watches(stub: Any, job_id: str, count: int) -> list[Stream]:
    """So many watches of a job, each past its snapshot."""
    calls = [stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id)) for _ in range(count)]
    streams = [Stream(call) for call in calls]
    await asyncio.gather(*(stream.read() for stream in streams))
    return streams


async def test_one_read_serves_three_hundred_watchers(
    sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = Reads()
    monkeypatch.setattr(hub_module, "read_news", reads)
    async with serving(sqlite_url, redis_url=redis_url, pace=BELLS_ALONE) as server:
        job_id = await server.start()
        streams = await open_watches(server.stub, job_id, 300)
        await server.work(server.worker.claim_one, job_id)
        messages = await asyncio.gather(*(stream.read() for stream in streams))
        assert {(message.first_sequence, message.sequence) for message in messages} == {(2, 2)}
        assert reads.made.count(1) <= 2, "one read when the job began to be watched, and one for its commit"
        for stream in streams:
            stream.cancel()


async def test_a_doorbell_brings_a_commit_without_any_polling(sqlite_url: str, redis_url: str) -> None:
    async with serving(sqlite_url, redis_url=redis_url, pace=BELLS_ALONE) as server:
        job_id = await server.start()
        messages = asyncio.create_task(watch_whole(server.stub, job_id, after_sequence=0))
        last = (await server.work(server.worker.run, job_id, tree(2))).last_sequence
        assert assert_joined(await messages, 0) == last


async def test_without_redis_every_commit_is_found_by_polling(sqlite_url: str) -> None:
    async with serving(sqlite_url, pace=QUICK_POLL) as server:
        job_id = await server.start()
        async with watching(server.stub, job_id) as stream:
            await stream.read()
            last = (await server.work(server.worker.run, job_id, tree(2, 2))).last_sequence
            rest = await stream.rest()
        assert assert_joined(rest, 1) == last
        assert kinds(rest)[-1] == "finished"


async def test_a_watch_outlives_redis_and_hears_it_again(sqlite_url: str, own_valkey: ValkeyServer) -> None:
    async with serving(sqlite_url, redis_url=own_valkey.url, pace=QUICK_POLL) as server:
        job_id = await server.start()
        async with watching(server.stub, job_id) as stream:
            await stream.read()
            await asyncio.to_thread(own_valkey.kill)
            await server.work(server.worker.claim_one, job_id)
            assert (await stream.read()).sequence == 2
            await asyncio.to_thread(own_valkey.start)
            await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
            assert (await stream.read()).sequence == 3


async def test_forged_doorbells_do_no_harm(sqlite_url: str, redis_url: str) -> None:
    async with serving(sqlite_url, redis_url=redis_url, pace=BELLS_ALONE) as server:
        job_id = await server.start()
        async with watching(server.stub, job_id) as stream:
            await stream.read()
            forged = [
                "",
                "x",
                job_id,
                f"{job_id} x",
                f"{job_id} -1",
                f"{job_id} {'9' * 400}",
                f"{job_id} ², 1",
                f"{job_id} 2 ended",
                "a 1",
            ]
            with connect(redis_url) as connection:
                for text in [*forged, f"{job_id} 999999"]:
                    connection.publish(JOBS_CHANNEL, text)
                connection.publish(JOBS_CHANNEL, b"\xff\xfe")
            await server.work(server.worker.claim_one, job_id)
            assert assert_joined([await stream.read()], 1) == 2


async def test_commits_that_come_together_share_a_message_and_the_first_comes_at_once(
    sqlite_url: str, redis_url: str
) -> None:
    async with serving(sqlite_url, redis_url=redis_url, pace=Pace(interval=0.5, poll=3_600)) as server:
        job_id = await server.start()
        async with watching(server.stub, job_id) as stream:
            await stream.read()
            await server.work(server.worker.fan_out, job_id, 30)
            for _ in range(10):
                await server.work(server.worker.claim, job_id, 1, 3)
            messages = [await stream.read()]
            while messages[-1].sequence < 13:
                messages.append(await stream.read())
        assert assert_joined(messages, 1) == 13
        assert len(messages) < 12
        assert len(messages[-1].changed.steps) <= 500


async def test_the_end_of_a_job_is_not_held_back_by_the_pace(sqlite_url: str, redis_url: str) -> None:
    async with serving(sqlite_url, redis_url=redis_url, pace=Pace(interval=3_600, poll=3_600)) as server:
        job_id = await server.start()
        async with watching(server.stub, job_id) as stream:
            await stream.read()
            root = await server.work(server.worker.claim_one, job_id)
            await stream.read()
            await server.work(server.worker.end, (root, failed(is_final=True)))
            last = await stream.read()
    assert last.finished.job.status == pb.JOB_STATUS_FAILED


async def test_a_read_that_fails_is_tried_again_and_the_watch_goes_on(
    sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hub_module, "read_news", Reads(failures=2))
    async with serving(sqlite_url, redis_url=redis_url, pace=Pace(retry=0.02, poll=3_600)) as server:
        job_id = await server.start()
        with capture_logs() as logs:
            async with watching(server.stub, job_id) as stream:
                await stream.read()
                await server.work(server.worker.claim_one, job_id)
                assert (await stream.read()).sequence == 2
    assert len([line for line in logs if line["event"] == "watch_read_failed"]) == 2


@pytest.fixture
async def narrow_channel(sqlite_url: str, redis_url: str) -> AsyncIterator[tuple[Serving, Any]]:
    """A server that holds little for slow readers, and a stub whose connection takes little before it is read."""
    options = [("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1_024)]
    pace = Pace(interval=0.0, held_frames=2)
    async with (
        serving(sqlite_url, redis_url=redis_url, pace=pace) as server,
        grpc.aio.insecure_channel(server.address, options=options) as channel,
    ):
        yield server, pb.JobControlStub(channel)


async def test_a_reader_that_is_too_slow_gets_a_picture_that_says_so_and_goes_on(
    narrow_channel: tuple[Serving, Any],
) -> None:
    server, slow_stub = narrow_channel
    server.worker.is_audited = False
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id, 0)
    await server.work(server.worker.end, (root, succeeded(born=children(1, 400, label="x" * 200))))
    async with watching(slow_stub, job_id) as slow, watching(server.stub, job_id) as quick:
        assert (await slow.read()).snapshot.reason == pb.SNAPSHOT_REASON_INITIAL
        assert (await quick.read()).snapshot.reason == pb.SNAPSHOT_REASON_INITIAL
        seen: list[pb.WatchProgressResponse] = []
        for _ in range(20):
            claimed = await server.work(server.worker.claim, job_id, 1, 20)
            ended = await server.work(server.worker.end, *((one, succeeded()) for one in claimed))
            while not seen or seen[-1].sequence < ended.committed[0].sequence:
                seen.append(await quick.read())
        await server.work(server.worker.run, job_id, tree())
        behind = await slow.rest()
        seen += await quick.rest()
    assert "snapshot" not in kinds(seen), "who reads along is never folded"
    assert assert_joined(seen, seen[0].first_sequence - 1) == behind[-1].sequence
    (picture,) = [message for message in behind if message.HasField("snapshot")]
    assert picture.snapshot.reason == pb.SNAPSHOT_REASON_SLOW_CONSUMER
    place = behind.index(picture)
    assert assert_joined(behind[:place], 3) < picture.sequence
    assert behind[-1].HasField("finished")
    assert len(behind) < len(seen), "what it missed was not kept for it"


async def test_a_full_server_refuses_watchers_until_one_leaves(sqlite_url: str) -> None:
    async with serving(sqlite_url, max_watchers=2) as server:
        job_id = await server.start()
        first, _ = await open_watches(server.stub, job_id, 2)
        request = pb.WatchProgressRequest(job_id=job_id)
        refusal = await refused(server.stub.WatchProgress(request))
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS")
        assert refusal.details["RetryInfo"].retry_delay.seconds == 5
        first.cancel()

        async def is_accepted() -> bool:
            try:
                await Stream(server.stub.WatchProgress(request)).read()
            except grpc.aio.AioRpcError:
                return False
            return True

        await wait_until_async(is_accepted, "the place of the one who left is free")


async def test_watchers_that_leave_are_no_faults(sqlite_url: str, redis_url: str) -> None:
    async with serving(sqlite_url, redis_url=redis_url, max_watchers=50) as server:
        job_id = await server.start()
        with capture_logs() as logs:
            for _ in range(3):
                for stream in await open_watches(server.stub, job_id, 10):
                    stream.cancel()
            await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
        assert [line for line in logs if line["log_level"] in ("error", "warning")] == []


async def test_a_server_that_stops_ends_every_watch_and_says_to_go_on_elsewhere(sqlite_url: str) -> None:
    async with AsyncExitStack() as kept_open:
        async with serving(sqlite_url) as server:
            job_id = await server.start()
            channel = await kept_open.enter_async_context(grpc.aio.insecure_channel(server.address))
            ends = [stream.rest() for stream in await open_watches(pb.JobControlStub(channel), job_id, 20)]
        for end in ends:
            with pytest.raises(grpc.aio.AioRpcError) as told:
                await end
            refusal = refusal_of(told.value)
            assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAVAILABLE, "SERVER_DRAINING")
            assert refusal.details["RetryInfo"].retry_delay.seconds == 1


@pytest.mark.parametrize("poll", [0.02, 3_600], ids=["looking for it", "rung for it"])
async def test_a_watch_of_a_job_that_is_deleted_before_its_end_was_read_says_that_there_is_none(
    sqlite_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch, poll: float
) -> None:
    reads = Reads(failures=1_000_000)
    monkeypatch.setattr(hub_module, "read_news", reads)
    async with serving(sqlite_url, redis_url=redis_url, pace=Pace(poll=poll, retry=0.02)) as server:
        job_id = await server.start()
        [stream] = await open_watches(server.stub, job_id, 1)
        await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
        await server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id))
        reads.recover()
        with pytest.raises(grpc.aio.AioRpcError) as raised:
            await stream.rest()
    assert refusal_of(raised.value).reason == "JOB_NOT_FOUND"
