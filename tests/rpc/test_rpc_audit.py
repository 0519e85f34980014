"""The audit log: what was changed, what was refused, and what is looked for in it."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from jobcontrol import v1 as pb
from jobcontrol_server.rpc.validation import SERVED
from rpc.serving import Serving, refused
from store.factories import failed

QUEUE = "learning-path-sub-concepts"
WHY = "the model is down"
Prepare = Callable[[Serving], Awaitable[dict[str, Any]]]


async def nothing(_: Serving) -> dict[str, Any]:
    return {}


async def started(server: Serving) -> dict[str, Any]:
    return {"job_id": await server.start()}


async def paused(server: Serving) -> dict[str, Any]:
    prepared = await started(server)
    await server.stub.Pause(pb.PauseRequest(**prepared))
    return prepared


async def ended(server: Serving) -> dict[str, Any]:
    prepared = await started(server)
    root = await server.work(server.worker.claim_one, prepared["job_id"])
    await server.work(server.worker.end, (root, failed(is_final=True)))
    return prepared


async def many(server: Serving) -> dict[str, Any]:
    return {"job_ids": [(await started(server))["job_id"]]}


async def many_ended(server: Serving) -> dict[str, Any]:
    return {"job_ids": [(await ended(server))["job_id"]]}


async def buried(server: Serving) -> dict[str, Any]:
    return {"filter": pb.DeadLetterFilter(**await ended(server))}


async def worker(server: Serving) -> dict[str, Any]:
    return {"worker_id": server.worker.session}


#: What is made ready for each change, the fields beside it, and what it is about.
CHANGES: dict[str, tuple[Prepare, dict[str, Any], str]] = {
    "StartBuild": (nothing, {"path_id": "new"}, "jobs"),
    "Cancel": (started, {"request_id": "r1"}, "jobs"),
    "Pause": (started, {}, "jobs"),
    "Resume": (paused, {}, "jobs"),
    "Retry": (ended, {}, "jobs"),
    "DeleteJob": (ended, {}, "jobs"),
    "BatchCancel": (many, {}, "jobs"),
    "BatchRetry": (many_ended, {}, "jobs"),
    "DrainWorker": (worker, {}, "workers"),
    "PauseQueue": (nothing, {"queue": QUEUE}, "queues"),
    "ResumeQueue": (nothing, {"queue": QUEUE}, "queues"),
    "UpdateQueue": (nothing, {"queue": QUEUE, "limits": pb.QueueLimits(rate=3)}, "queues"),
    "RequeueDeadLetters": (buried, {}, "jobs"),
    "DiscardDeadLetters": (buried, {}, "jobs"),
}


async def events(server: Serving, **fields: Any) -> list[pb.AuditEvent]:
    return list((await server.stub.ListAuditEvents(pb.ListAuditEventsRequest(**fields))).audit_events)


def test_every_change_of_the_contract_is_looked_at_here() -> None:
    reading = ("Get", "List", "Watch", "Explain")
    assert set(CHANGES) == {rpc for rpc in SERVED if not rpc.startswith(reading)}


@pytest.mark.parametrize("rpc", CHANGES)
async def test_a_change_is_noted_with_who_made_it_and_why(either_server: Serving, rpc: str) -> None:
    prepare, fields, kind = CHANGES[rpc]
    request = getattr(pb, f"{rpc}Request")(**await prepare(either_server), **fields)
    if "reason" in request.DESCRIPTOR.fields_by_name:
        request.reason = WHY
    await getattr(either_server.stub, rpc)(request)
    (event,) = await events(either_server, actions=[rpc])
    assert (event.actor, event.action, event.outcome) == ("anonymous", rpc, "OK")
    assert event.reason == getattr(request, "reason", "")
    assert event.request_id == getattr(request, "request_id", "")
    assert event.resource.partition("/")[0] == kind
    assert event.resource.partition("/")[2].startswith(getattr(request, "job_id", ""))
    assert event.peer.startswith(("ipv4:127.0.0.1:", "ipv6:[::1]:"))
    assert event.HasField("created_at")
    assert await events(either_server, resource=event.resource, actions=[rpc]) == [event]


@pytest.mark.parametrize(
    ("rpc", "prepare", "outcome"),
    [
        ("Cancel", ended, "JOB_TERMINAL"),
        ("Pause", ended, "JOB_NOT_PAUSABLE"),
        ("Resume", ended, "JOB_TERMINAL"),
        ("Retry", started, "JOB_NOT_RETRYABLE"),
        ("DeleteJob", started, "JOB_NOT_TERMINAL"),
    ],
)
async def test_a_change_that_is_refused_is_noted_with_the_reason(
    either_server: Serving, rpc: str, prepare: Prepare, outcome: str
) -> None:
    job_id = (await prepare(either_server))["job_id"]
    request = getattr(pb, f"{rpc}Request")(job_id=job_id[-8:], reason=WHY)
    assert (await refused(getattr(either_server.stub, rpc)(request))).reason == outcome
    (event,) = await events(either_server, actions=[rpc])
    assert (event.resource, event.outcome, event.reason) == (f"jobs/{job_id}", outcome, WHY)


async def test_a_path_or_a_queue_that_refuses_is_named(server: Serving) -> None:
    await server.start("busy")
    await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="busy")))
    await refused(server.stub.PauseQueue(pb.PauseQueueRequest(queue="gone")))
    await refused(server.stub.Cancel(pb.CancelRequest(job_id="0123456789ab")))
    told = [(event.resource, event.outcome) for event in await events(server)]
    assert told[:3] == [
        ("jobs/0123456789ab", "JOB_NOT_FOUND"),
        ("queues/gone", "QUEUE_NOT_FOUND"),
        ("paths/busy", "PATH_BUILD_ACTIVE"),
    ]


async def test_the_failures_of_a_batch_are_noted_one_by_one(server: Serving) -> None:
    over = (await ended(server))["job_id"]
    await server.stub.BatchCancel(pb.BatchCancelRequest(job_ids=[over]))
    (event,) = await events(server, actions=["BatchCancel"])
    assert (event.resource, event.outcome) == (f"jobs/{over}", "JOB_TERMINAL")


async def test_tries_repetitions_and_calls_that_change_nothing_leave_no_event(server: Serving) -> None:
    await server.stub.StartBuild(pb.StartBuildRequest(path_id="p", validate_only=True))
    job_id = await server.start("p", request_id="r")
    assert await server.start("p", request_id="r") == job_id
    await server.start("p", conflict_policy=pb.CONFLICT_POLICY_USE_EXISTING)
    await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p", validate_only=True)))
    await server.stub.Resume(pb.ResumeRequest(job_id=job_id))
    await refused(server.stub.Cancel(pb.CancelRequest()))
    assert [event.action for event in await events(server)] == ["StartBuild"]


async def test_events_are_found_by_what_they_are_about_who_did_what_and_when(either_server: Serving) -> None:
    server = either_server
    first, second = await server.start("a"), await server.start("b")
    await server.stub.Pause(pb.PauseRequest(job_id=first))
    await server.stub.PauseQueue(pb.PauseQueueRequest(queue=QUEUE))
    newest, *_, oldest = everything = await events(server)
    assert [event.action for event in everything] == ["PauseQueue", "Pause", "StartBuild", "StartBuild"]
    assert [event.action for event in await events(server, resource=f"jobs/{first[-8:]}")] == ["Pause", "StartBuild"]
    assert len(await events(server, resource="jobs")) == 3
    assert await events(server, resource="job") == []
    assert await events(server, resource="queues") == [newest]
    assert await events(server, actor="somebody") == []
    assert len(await events(server, actor="anonymous", actions=["StartBuild"])) == 2
    assert await events(server, created=pb.TimeRange(end_time=oldest.created_at)) == []
    assert await events(server, created=pb.TimeRange(start_time=newest.created_at)) == [newest]
    page = await server.stub.ListAuditEvents(pb.ListAuditEventsRequest(page_size=3))
    rest = await events(server, page_size=3, page_token=page.next_page_token)
    assert [*page.audit_events, *rest] == everything
    assert second in oldest.resource or first in oldest.resource


async def test_what_was_done_to_a_deleted_job_is_still_told(server: Serving) -> None:
    job_id = (await ended(server))["job_id"]
    await server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id))
    assert [event.action for event in await events(server, resource=f"jobs/{job_id}")] == ["DeleteJob", "StartBuild"]
