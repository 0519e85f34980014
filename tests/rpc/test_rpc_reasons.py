"""Every change of a job or a queue says who made it and why: in the answer, to who reads later, and to watchers."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobcontrol import v1 as pb
from jobcontrol_server.rpc.validation import SERVED
from rpc.serving import Serving

QUEUE = "learning-path-sub-concepts"
WHY = "the model is down"
Prepare = Callable[[Serving], Awaitable[str]]


async def started(server: Serving) -> str:
    return await server.start()


async def running(server: Serving) -> str:
    """Its step has not let go yet, so that a cancel of it is not over at once."""
    job_id = await server.start()
    await server.work(server.worker.claim_one, job_id)
    return job_id


async def paused(server: Serving) -> str:
    job_id = await server.start()
    await server.stub.Pause(pb.PauseRequest(job_id=job_id, reason="another one"))
    return job_id


async def cancelled(server: Serving) -> str:
    job_id = await server.start()
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id, reason="another one"))
    return job_id


JOB_CHANGES: list[tuple[str, Prepare, str]] = [
    ("Cancel", started, "cancelled"),
    ("Cancel", running, "cancelling"),
    ("Pause", started, "paused"),
    ("Resume", paused, "pending"),
    ("Retry", cancelled, "pending"),
]
QUEUE_CHANGES: dict[str, dict[str, Any]] = {
    "PauseQueue": {},
    "ResumeQueue": {},
    "UpdateQueue": {"limits": pb.QueueLimits(max_running=5)},
}


def test_no_change_that_takes_a_reason_is_left_out_here() -> None:
    taking = set()
    for rpc in SERVED:
        request, answer = (getattr(pb, f"{rpc}{kind}").DESCRIPTOR for kind in ("Request", "Response"))
        if "reason" in request.fields_by_name and {"job", "queue"} & set(answer.fields_by_name):
            taking.add(rpc)
    assert taking == {rpc for rpc, _, _ in JOB_CHANGES} | set(QUEUE_CHANGES)


@pytest.mark.parametrize(("rpc", "prepare", "word"), JOB_CHANGES)
async def test_a_change_of_a_job_says_who_and_why(
    either_server: Serving, rpc: str, prepare: Prepare, word: str
) -> None:
    stub, job_id = either_server.stub, await prepare(either_server)
    changed = (await getattr(stub, rpc)(getattr(pb, f"{rpc}Request")(job_id=job_id, reason=WHY))).job
    read = (await stub.GetJob(pb.GetJobRequest(job_id=changed.job_id))).job
    for job in (changed, read):
        assert pb.JobStatus.Name(job.status) == f"JOB_STATUS_{word.upper()}"
        assert (job.status_actor, job.status_reason) == ("anonymous", WHY)
    log = (await stub.ListEvents(pb.ListEventsRequest(job_id=changed.job_id))).events
    assert [line.message for line in log if line.type.startswith("job.")][-1] == f"{word} by anonymous: {WHY}"
    told = await next_status_change(either_server, changed.job_id, after=changed.last_sequence - 1)
    assert (told.status, told.actor, told.reason) == (changed.status, "anonymous", WHY)


async def next_status_change(server: Serving, job_id: str, *, after: int) -> pb.JobStatusChange:
    watch = server.stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id, after_sequence=after))
    async for message in watch:
        changes = message.finished.changes if message.HasField("finished") else message.changed
        watch.cancel()
        told: pb.JobStatusChange = changes.status_change
        return told
    raise AssertionError("the watch ended without a word")


async def test_the_end_of_a_cancel_is_still_whose_the_cancel_was(either_server: Serving) -> None:
    job_id = await running(either_server)
    await either_server.stub.Cancel(pb.CancelRequest(job_id=job_id, reason=WHY))
    ended = (await either_server.stub.Cancel(pb.CancelRequest(job_id=job_id, reason="at once", force=True))).job
    assert (ended.status, ended.status_actor, ended.status_reason) == (pb.JOB_STATUS_CANCELLED, "anonymous", WHY)


@pytest.mark.parametrize("rpc", QUEUE_CHANGES)
async def test_a_change_of_a_queue_says_who_and_why(either_server: Serving, rpc: str) -> None:
    stub = either_server.stub
    if rpc == "ResumeQueue":
        await stub.PauseQueue(pb.PauseQueueRequest(queue=QUEUE, reason="another one"))
    request = getattr(pb, f"{rpc}Request")(queue=QUEUE, reason=WHY, **QUEUE_CHANGES[rpc])
    changed = (await getattr(stub, rpc)(request)).queue
    (listed,) = [one for one in (await stub.ListQueues(pb.ListQueuesRequest())).queues if one.queue == QUEUE]
    for queue in (changed, listed):
        assert (queue.changed_by, queue.changed_reason) == ("anonymous", WHY)
        assert queue.HasField("changed_at")


async def test_a_call_that_changes_nothing_leaves_the_name_of_who_did(server: Serving) -> None:
    await server.stub.PauseQueue(pb.PauseQueueRequest(queue=QUEUE, reason=WHY))
    again = (await server.stub.PauseQueue(pb.PauseQueueRequest(queue=QUEUE, reason="again"))).queue
    assert again.changed_reason == WHY
    fresh = (await server.stub.ResumeQueue(pb.ResumeQueueRequest(queue="learning-path-concepts", reason=WHY))).queue
    assert (fresh.changed_by, fresh.HasField("changed_at")) == ("", False)
