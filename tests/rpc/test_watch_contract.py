"""What WatchProgress guarantees, one by one: W1 to W8."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import Connection, delete

from jobcontrol import v1 as pb
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.store.retention import prune_history
from jobcontrol_core.store.tables import job_events
from jobcontrol_server.watch import subscription
from jobcontrol_server.watch.readings import read_news
from rpc.serving import Serving, serving
from rpc.watching import assert_joined, kinds, watch_whole, watching
from store.builds import tree
from store.factories import children, failed, stages, succeeded


def trim(tx: Connection, job_id: str, up_to: int) -> None:
    tx.execute(delete(job_events).where(job_events.c.job_id == job_id, job_events.c.sequence <= up_to))


async def built(server: Serving, path_id: str = "rust-101") -> tuple[str, int]:
    """A COMPLETED job and its last sequence."""
    job_id = await server.start(path_id)
    job = await server.work(server.worker.run, job_id, tree(2, 2))
    return job_id, job.last_sequence


async def test_without_a_position_the_first_message_is_the_whole_picture_and_the_next_what_follows(
    ringing_server: Serving,
) -> None:
    server = ringing_server
    job_id = await server.start()
    async with watching(server.stub, job_id) as stream:
        picture = await stream.read()
        assert (picture.type, picture.first_sequence, picture.sequence) == ("snapshot", 1, 1)
        assert picture.snapshot.reason == pb.SNAPSHOT_REASON_INITIAL
        job = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
        # Why it waits is asked for by GetJob alone.
        for field in ("waiting_reason", "waiting_message"):
            job.ClearField(field)
        assert picture.snapshot.job == job
        assert picture.event_time == picture.snapshot.job.updated_at
        await server.work(server.worker.claim_one, job_id)
        change = await stream.read()
    assert (change.type, change.first_sequence, change.sequence) == ("progress", 2, 2)
    assert change.changed.status_change.previous_status == pb.JOB_STATUS_PENDING
    assert change.changed.status_change.status == pb.JOB_STATUS_PROCESSING
    assert [one.step.status for one in change.changed.steps] == [pb.STEP_STATUS_PROCESSING]
    assert change.changed.current_stage == "concepts"


async def test_from_zero_everything_is_told_from_the_first_commit_to_the_end(either_server: Serving) -> None:
    job_id, last = await built(either_server)
    messages = await watch_whole(either_server.stub, job_id, after_sequence=0)
    assert assert_joined(messages, 0) == last
    assert kinds(messages)[-1] == "finished"
    assert "snapshot" not in kinds(messages)


async def test_the_end_comes_alone_and_last_with_the_job_as_it_stays(server: Serving) -> None:
    job_id, last = await built(server)
    *_, end = await watch_whole(server.stub, job_id, after_sequence=0)
    assert (end.type, end.first_sequence, end.sequence) == ("completed", last, last)
    assert end.finished.job == (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert end.finished.changes.progress.percent == 100
    assert end.finished.changes.status_change.status == pb.JOB_STATUS_COMPLETED
    assert [one.step.stage for one in end.finished.changes.steps] == ["finalize"]


@pytest.mark.parametrize("ending", ["cancelled", "error"])
async def test_the_end_says_in_one_word_how_the_job_ended(server: Serving, ending: str) -> None:
    job_id = await server.start()
    if ending == "cancelled":
        await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    else:
        await server.work(server.worker.run, job_id, lambda _: failed(is_final=True))
    *_, end = await watch_whole(server.stub, job_id, after_sequence=0)
    assert (end.type, end.WhichOneof("event")) == (ending, "finished")


async def test_a_watch_goes_on_exactly_from_every_position(either_server: Serving) -> None:
    job_id, last = await built(either_server)
    for after in range(last):
        messages = await watch_whole(either_server.stub, job_id, after_sequence=after)
        assert assert_joined(messages, after) == last
        assert kinds(messages)[-1] == "finished"
        assert messages[-1].finished.HasField("changes")


async def test_of_an_ended_job_a_watcher_with_everything_gets_the_end_alone_and_no_changes(server: Serving) -> None:
    job_id, last = await built(server)
    (end,) = await watch_whole(server.stub, job_id, after_sequence=last)
    assert (end.first_sequence, end.sequence, end.type) == (last, last, "completed")
    assert not end.finished.HasField("changes")


@pytest.mark.parametrize(
    ("fields", "reason"), [({}, pb.SNAPSHOT_REASON_INITIAL), ({"after_sequence": 10_000}, pb.SNAPSHOT_REASON_AHEAD)]
)
async def test_of_an_ended_job_without_a_position_or_beyond_the_end_comes_the_picture_and_the_end(
    server: Serving, fields: dict[str, Any], reason: int
) -> None:
    job_id, last = await built(server)
    picture, end = await watch_whole(server.stub, job_id, **fields)
    assert (picture.snapshot.reason, picture.sequence) == (reason, last)
    assert (end.WhichOneof("event"), end.sequence) == ("finished", last)
    assert not end.finished.HasField("changes")


async def test_a_position_past_the_head_of_a_running_job_gets_a_picture_that_says_so_and_goes_on(
    ringing_server: Serving,
) -> None:
    server = ringing_server
    job_id = await server.start()
    async with watching(server.stub, job_id, after_sequence=50) as stream:
        picture = await stream.read()
        assert (picture.snapshot.reason, picture.sequence) == (pb.SNAPSHOT_REASON_AHEAD, 1)
        await server.work(server.worker.claim_one, job_id)
        assert assert_joined([await stream.read()], 1) == 2


async def test_a_position_that_was_trimmed_gets_a_picture_that_says_so(server: Serving) -> None:
    job_id, last = await built(server)
    server.store.write(trim, job_id, 3)
    picture, end = await watch_whole(server.stub, job_id, after_sequence=1)
    assert (picture.snapshot.reason, picture.sequence, end.sequence) == (pb.SNAPSHOT_REASON_TRIMMED, last, last)
    assert assert_joined(await watch_whole(server.stub, job_id, after_sequence=3), 3) == last


async def test_what_is_trimmed_while_it_is_replayed_becomes_a_picture_that_says_so(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    job_id, last = await built(server)

    def read_after_a_trim(tx: Connection, *arguments: Any) -> Any:
        server.store.write(trim, job_id, last - 1)
        return read_news(tx, *arguments)

    monkeypatch.setattr(subscription, "read_news", read_after_a_trim)
    picture, end = await watch_whole(server.stub, job_id, after_sequence=0)
    assert (picture.snapshot.reason, picture.sequence, end.sequence) == (pb.SNAPSHOT_REASON_TRIMMED, last, last)


async def test_a_job_whose_history_was_pruned_shows_a_picture_that_says_so_and_its_end(server: Serving) -> None:
    job_id, last = await built(server)
    while server.store.write(prune_history, timedelta(0)):
        pass
    picture, end = await watch_whole(server.stub, job_id, after_sequence=1)
    assert (picture.snapshot.reason, picture.sequence, end.sequence) == (pb.SNAPSHOT_REASON_TRIMMED, last, last)
    assert end.finished.job.status == pb.JOB_STATUS_COMPLETED


async def test_a_job_whose_whole_log_was_trimmed_still_shows_its_end(server: Serving) -> None:
    job_id, last = await built(server)
    server.store.write(trim, job_id, last)
    assert kinds(await watch_whole(server.stub, job_id, after_sequence=0)) == ["snapshot", "finished"]
    assert kinds(await watch_whole(server.stub, job_id, after_sequence=last)) == ["finished"]


async def test_a_heartbeat_carries_what_was_delivered_and_takes_no_number(ringing_server: Serving) -> None:
    server = ringing_server
    job_id = await server.start()
    async with watching(server.stub, job_id, heartbeat_interval=Duration(seconds=1)) as stream:
        await stream.read()
        for _ in range(2):
            beat = await stream.read_any()
            assert (beat.type, beat.WhichOneof("event")) == ("heartbeat", "heartbeat")
            assert (beat.job_id, beat.first_sequence, beat.sequence) == (job_id, 1, 1)
        await server.work(server.worker.claim_one, job_id)
        assert assert_joined([await stream.read()], 1) == 2


async def test_watchers_at_different_positions_are_each_exact_while_commits_come(ringing_server: Serving) -> None:
    server = ringing_server
    server.worker.is_audited = False
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 3)
    early = [asyncio.create_task(watch_whole(server.stub, job_id, after_sequence=after)) for after in (0, 1, 2, 3)]
    work = asyncio.create_task(server.work(server.worker.run, job_id, tree(0, 40)))
    late = []
    for _ in range(10):
        head = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.last_sequence
        late.append((head, asyncio.create_task(watch_whole(server.stub, job_id, after_sequence=head))))
        late.append((0, asyncio.create_task(watch_whole(server.stub, job_id, after_sequence=0))))
    last = (await work).last_sequence
    for after, task in [*enumerate(early), *late]:
        messages = await task
        assert kinds(messages)[-1] == "finished"
        if after < last:
            assert assert_joined(messages, after) == last


async def test_watchers_that_begin_with_the_picture_are_exact_while_commits_come(ringing_server: Serving) -> None:
    server = ringing_server
    server.worker.is_audited = False
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 3)
    work = asyncio.create_task(server.work(server.worker.run, job_id, tree(0, 40)))
    tasks = []
    while not work.done():
        tasks.append(asyncio.create_task(watch_whole(server.stub, job_id)))
        await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))
    last = (await work).last_sequence
    for task in tasks:
        picture, *rest = await task
        assert picture.HasField("snapshot")
        if picture.sequence < last:
            assert assert_joined(rest, picture.sequence) == last
        assert kinds(rest)[-1] == "finished"


async def test_a_watch_cut_after_every_message_and_resumed_on_another_server_misses_and_repeats_nothing(
    sqlite_url: str, redis_url: str
) -> None:
    async with serving(sqlite_url, redis_url=redis_url) as one, serving(sqlite_url, redis_url=redis_url) as other:
        one.worker.is_audited = False
        job_id = await one.start()
        work = asyncio.create_task(one.work(one.worker.run, job_id, tree(3, 20)))
        messages: list[pb.WatchProgressResponse] = []
        while not messages or not messages[-1].HasField("finished"):
            server = (one, other)[len(messages) % 2]
            after = messages[-1].sequence if messages else 0
            async with watching(server.stub, job_id, after_sequence=after) as stream:
                messages.append(await stream.read())
        assert assert_joined(messages, 0) == (await work).last_sequence


async def test_a_watch_goes_on_after_a_restart_of_the_server(sqlite_url: str) -> None:
    async with serving(sqlite_url) as server:
        job_id = await server.start()
        await server.work(server.worker.fan_out, job_id, 2)
        async with watching(server.stub, job_id, after_sequence=0) as stream:
            seen = (await stream.read()).sequence
    async with serving(sqlite_url) as server:
        last = (await server.work(server.worker.run, job_id, tree())).last_sequence
        assert assert_joined(await watch_whole(server.stub, job_id, after_sequence=seen), seen) == last


async def test_a_failed_try_is_progress_that_will_be_retried_and_a_failed_step_is_an_error(
    ringing_server: Serving,
) -> None:
    server = ringing_server
    server.publish(name="once-more", stages=stages(RetryPolicy(max_attempts=2, base=0.0)))
    job_id = await server.start(pipeline="once-more")
    await server.work(server.worker.fan_out, job_id, 2)
    told = []
    for _ in range(2):
        step = await server.work(server.worker.claim_one, job_id, 1)
        after = server.worker.job(job_id).last_sequence
        async with watching(server.stub, job_id, after_sequence=after) as stream:
            await server.work(server.worker.end, (step, failed("no")))
            message = await stream.read()
        (change,) = message.changed.steps
        told.append((message.type, change.step.status, change.will_retry, message.changed.error_count))
    assert told == [("progress", pb.STEP_STATUS_PENDING, True, 0), ("error", pb.STEP_STATUS_FAILED, False, 1)]


async def test_more_changes_than_one_message_tells_are_counted(server: Serving) -> None:
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id, 0)
    await server.work(server.worker.end, (root, succeeded(born=children(1, 700))))
    async with watching(server.stub, job_id, after_sequence=2) as stream:
        changed = (await stream.read()).changed
    (bulk,) = changed.bulk
    assert (bulk.stage, bulk.previous_status, bulk.status, bulk.count) == (
        "sub-concepts", pb.STEP_STATUS_UNSPECIFIED, pb.STEP_STATUS_PENDING, 700,
    )  # fmt: skip
    assert len(changed.steps) == 1
    assert changed.progress.stages[1].total == 700
