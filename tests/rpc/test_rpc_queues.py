"""Queues over the wire: listed, paused, resumed and limited."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask

from jobcontrol import v1 as pb
from rpc.serving import Serving, refused

QUEUE = "learning-path-sub-concepts"


def limits(**fields: Any) -> pb.QueueLimits:
    return pb.QueueLimits(**fields)


async def updated(server: Serving, **fields: Any) -> pb.Queue:
    answer: pb.UpdateQueueResponse = await server.stub.UpdateQueue(pb.UpdateQueueRequest(queue=QUEUE, **fields))
    return answer.queue


async def test_queues_are_listed_with_what_each_has_to_do(either_server: Serving) -> None:
    job_id = await either_server.start()
    await either_server.work(either_server.worker.fan_out, job_id, 3)
    await either_server.work(either_server.worker.claim, job_id, 1, 1)
    listed = await either_server.stub.ListQueues(pb.ListQueuesRequest())
    assert [queue.queue for queue in listed.queues] == sorted(queue.queue for queue in listed.queues)
    (queue,) = (one for one in listed.queues if one.queue == QUEUE)
    assert (queue.stats.waiting, queue.stats.active, queue.stats.workers) == (2, 1, 1)
    assert queue.stats.HasField("oldest_waiting_age")
    assert not queue.paused
    assert not queue.HasField("paused_at")


async def test_queues_come_page_by_page(server: Serving) -> None:
    first = await server.stub.ListQueues(pb.ListQueuesRequest(page_size=3))
    rest = await server.stub.ListQueues(pb.ListQueuesRequest(page_size=3, page_token=first.next_page_token))
    assert (len(first.queues), len(rest.queues), rest.next_page_token) == (3, 1, "")


async def test_a_paused_queue_says_who_and_why_until_it_is_resumed(either_server: Serving) -> None:
    request = pb.PauseQueueRequest(queue=QUEUE, reason="the model is down")
    paused = (await either_server.stub.PauseQueue(request)).queue
    assert (paused.paused, paused.paused_by, paused.paused_reason) == (True, "anonymous", "the model is down")
    assert paused.HasField("paused_at")
    again = (await either_server.stub.PauseQueue(pb.PauseQueueRequest(queue=QUEUE, reason="again"))).queue
    assert again.paused_reason == "the model is down"
    resumed = (await either_server.stub.ResumeQueue(pb.ResumeQueueRequest(queue=QUEUE))).queue
    assert (resumed.paused, resumed.paused_by) == (False, "")


async def test_limits_that_are_set_stay_when_others_are(server: Serving) -> None:
    await updated(server, limits=limits(max_running=5))
    minute = Duration(seconds=30)
    both = await updated(server, limits=limits(rate=10, rate_window=minute))
    assert (both.limits.max_running, both.limits.rate, both.limits.rate_window.ToTimedelta()) == (
        5, 10, timedelta(seconds=30),
    )  # fmt: skip
    assert both.limits_set
    assert not both.declared_limits.HasField("rate")


async def test_a_rate_without_a_window_is_one_a_minute(server: Serving) -> None:
    queue = await updated(server, limits=limits(rate=10))
    assert queue.limits.rate_window.ToTimedelta() == timedelta(minutes=1)


async def test_a_limit_that_the_mask_names_and_nobody_sets_is_lifted(server: Serving) -> None:
    await updated(server, limits=limits(max_running=5, rate=10))
    queue = await updated(server, limits=limits(), update_mask=FieldMask(paths=["max_running"]))
    assert not queue.limits.HasField("max_running")
    assert queue.limits.rate == 10


async def test_limits_that_were_set_can_be_forgotten(server: Serving) -> None:
    await updated(server, limits=limits(max_running=5))
    queue = await updated(server, use_declared=True)
    assert not queue.limits_set
    assert not queue.limits.HasField("max_running")


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({}, "limits"),
        ({"limits": limits(max_running=5), "use_declared": True}, "limits"),
        ({"limits": limits(max_running=0)}, "limits.max_running"),
        ({"limits": limits(rate=1_001)}, "limits.rate"),
        ({"limits": limits(rate=1, rate_window=Duration(nanos=1_000))}, "limits.rate_window"),
        ({"limits": limits(rate=1), "update_mask": FieldMask(paths=["speed"])}, "update_mask.paths[0]"),
    ],
)
async def test_limits_that_cannot_be_are_refused(server: Serving, fields: dict[str, Any], named: str) -> None:
    refusal = await refused(server.stub.UpdateQueue(pb.UpdateQueueRequest(queue=QUEUE, **fields)))
    assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", [named])


async def test_a_queue_that_is_not_there_is_not_found(server: Serving) -> None:
    for call in (
        server.stub.PauseQueue(pb.PauseQueueRequest(queue="nobody")),
        server.stub.ResumeQueue(pb.ResumeQueueRequest(queue="nobody")),
        server.stub.UpdateQueue(pb.UpdateQueueRequest(queue="nobody", use_declared=True)),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "QUEUE_NOT_FOUND")
