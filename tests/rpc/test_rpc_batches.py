"""Many jobs cancelled or retried in one call: by id or by filter, counted first, and sent twice without harm."""

from collections.abc import Iterable
from typing import Any

import pytest
from sqlalchemy import Connection, select

from jobcontrol import v1 as pb
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store.ledger import Committed
from jobcontrol_core.store.tables import audit_events, jobs
from jobcontrol_server.rpc import batches
from jobcontrol_server.rpc.batches import Batches
from jobcontrol_server.rpc.caller import Caller
from rpc.serving import NO_REDIS, Serving, refused
from store.builds import tree
from store.factories import failed

RED = pb.JobFilter(labels={"team": "red"})


async def red_jobs(server: Serving, count: int) -> list[str]:
    return [await server.start(f"red-{number}", labels={"team": "red"}) for number in range(count)]


async def fail(server: Serving, *job_ids: str) -> None:
    for job_id in job_ids:
        root = await server.work(server.worker.claim_one, job_id)
        await server.work(server.worker.end, (root, failed(is_final=True)))


async def statuses(server: Serving, *job_ids: str) -> list[JobStatus]:
    return [(await server.work(server.worker.job, job_id)).status for job_id in job_ids]


async def test_jobs_are_cancelled_by_ids_and_each_failure_says_why(either_server: Serving) -> None:
    server = either_server
    first, second, ended = await red_jobs(server, 3)
    await fail(server, ended)
    unknown = new_id()
    request = pb.BatchCancelRequest(job_ids=[first[-12:], second, first, ended, unknown], reason="too hot")
    answer = await server.stub.BatchCancel(request)
    assert (answer.cancelled_count, answer.remaining_count) == (2, 0)
    assert {failure.id: failure.reason for failure in answer.failures} == {
        unknown: "JOB_NOT_FOUND",
        ended: "JOB_TERMINAL",
    }
    cancelled = await server.work(server.worker.job, first)
    assert (cancelled.status, cancelled.status_actor, cancelled.status_reason) == (
        JobStatus.CANCELLED,
        "anonymous",
        "too hot",
    )


async def test_a_filter_finds_what_can_be_cancelled_and_nothing_else(either_server: Serving) -> None:
    server = either_server
    ended, running, waiting = await red_jobs(server, 3)
    blue = await server.start("blue")
    await fail(server, ended)
    await server.work(server.worker.claim_one, running)
    answer = await server.stub.BatchCancel(pb.BatchCancelRequest(filter=RED))
    assert (answer.cancelled_count, answer.remaining_count, list(answer.failures)) == (2, 0, [])
    assert await statuses(server, ended, running, waiting, blue) == ["FAILED", "CANCELLING", "CANCELLED", "PENDING"]
    assert (await server.stub.BatchCancel(pb.BatchCancelRequest(filter=RED))).cancelled_count == 0


async def test_a_call_takes_so_many_and_says_how_many_are_left(
    either_server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = either_server
    monkeypatch.setattr(batches, "MOST", 2)
    made = await red_jobs(server, 5)
    assert (await server.stub.BatchCancel(pb.BatchCancelRequest(filter=RED, validate_only=True))) == (
        pb.BatchCancelResponse(cancelled_count=2, remaining_count=3)
    )
    told = []
    while True:
        answer = await server.stub.BatchCancel(pb.BatchCancelRequest(filter=RED))
        told.append((answer.cancelled_count, answer.remaining_count, await statuses(server, *made[:3])))
        if not answer.remaining_count:
            break
    assert told == [
        (2, 3, ["CANCELLED", "CANCELLED", "PENDING"]),
        (2, 1, ["CANCELLED"] * 3),
        (1, 0, ["CANCELLED"] * 3),
    ]


async def test_a_call_that_takes_long_leaves_the_last_ones(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "SECONDS", -1.0)
    made = await red_jobs(server, 3)
    named = await server.stub.BatchCancel(pb.BatchCancelRequest(job_ids=made))
    assert (named.cancelled_count, named.remaining_count) == (1, 2)
    assert await statuses(server, *made) == ["CANCELLED", "PENDING", "PENDING"]
    found = await server.stub.BatchCancel(pb.BatchCancelRequest(filter=RED))
    assert (found.cancelled_count, found.remaining_count) == (1, 1)


async def test_jobs_are_retried_by_ids_and_each_failure_says_why(either_server: Serving) -> None:
    server = either_server
    broken, whole, waiting = await red_jobs(server, 3)
    await fail(server, broken)
    await server.work(server.worker.run, whole, tree())
    named = [whole, broken, waiting]
    preview = await server.stub.BatchRetry(pb.BatchRetryRequest(job_ids=named, validate_only=True))
    answer = await server.stub.BatchRetry(pb.BatchRetryRequest(job_ids=named, reason="fixed"))
    for told in (preview, answer):
        assert told.retried_count == 1
        assert {failure.id: failure.reason for failure in told.failures} == {
            whole: "JOB_NOT_RETRYABLE",
            waiting: "JOB_NOT_RETRYABLE",
        }
    assert list(preview.job_ids) == []
    (new,) = answer.job_ids
    job = await server.work(server.worker.job, new)
    assert (job.retry_of, job.status, job.status_reason) == (broken, JobStatus.PENDING, "fixed")


async def test_of_two_jobs_of_one_path_the_first_named_is_retried(either_server: Serving) -> None:
    server = either_server
    older = await server.start("p")
    await fail(server, older)
    newer = await server.start("p")
    await fail(server, newer)
    for dry in (True, False):
        answer = await server.stub.BatchRetry(pb.BatchRetryRequest(job_ids=[older, newer], validate_only=dry))
        assert answer.retried_count == 1
        assert [(failure.id, failure.reason) for failure in answer.failures] == [(newer, "PATH_BUILD_ACTIVE")]


async def test_a_filter_retries_only_the_newest_job_of_a_path(either_server: Serving) -> None:
    server = either_server
    older = await server.start("p", labels={"team": "red"})
    await fail(server, older)
    newer = await server.start("p", labels={"team": "red"})
    await fail(server, newer)
    mended = await server.start("q", labels={"team": "red"})
    await fail(server, mended)
    await server.work(server.worker.run, await server.start("q"), tree())
    request = pb.BatchRetryRequest(filter=RED, mode=pb.RETRY_MODE_FROM_SCRATCH)
    request.validate_only = True
    assert (await server.stub.BatchRetry(request)).retried_count == 1
    request.validate_only = False
    answer = await server.stub.BatchRetry(request)
    assert (answer.retried_count, answer.remaining_count, list(answer.failures)) == (1, 0, [])
    assert (await server.work(server.worker.job, answer.job_ids[0])).retry_of == newer
    assert (await server.stub.BatchRetry(request)).retried_count == 0


async def test_a_dry_run_changes_nothing(either_server: Serving) -> None:
    server = either_server
    made = await red_jobs(server, 3)
    before = [await server.work(server.worker.job, job_id) for job_id in made]
    request = pb.BatchCancelRequest(job_ids=made, validate_only=True, request_id="r")
    assert (await server.stub.BatchCancel(request)).cancelled_count == 3
    assert [await server.work(server.worker.job, job_id) for job_id in made] == before
    request.validate_only = False
    assert (await server.stub.BatchCancel(request)).cancelled_count == 3


async def test_a_batch_that_comes_again_gets_its_first_answer(either_server: Serving) -> None:
    server = either_server
    await fail(server, *await red_jobs(server, 2))
    request = pb.BatchRetryRequest(filter=RED, request_id=new_id())
    first = await server.stub.BatchRetry(request)
    await fail(server, *first.job_ids)
    assert (await server.stub.BatchRetry(request), first.retried_count) == (first, 2)
    request.reason = "another"
    assert (await refused(server.stub.BatchRetry(request))).reason == "REQUEST_ID_REUSED"


class Crash(Exception):
    """The server is gone."""


class Crashing(Postman):
    """Lets a server go between a commit and its doorbell."""

    def __init__(self, commits: int) -> None:
        super().__init__(NO_REDIS)
        self._left = commits

    def ring(self, committed: Iterable[Committed]) -> None:
        self._left -= 1
        if not self._left:
            raise Crash


@pytest.mark.parametrize("commits", [1, 3])
async def test_a_batch_that_broke_off_half_way_answers_for_all_when_it_comes_again(
    either_server: Serving, commits: int
) -> None:
    server = either_server
    await fail(server, *await red_jobs(server, 4))
    request = pb.BatchRetryRequest(filter=RED, request_id=new_id())
    crashing = Crashing(commits)
    with pytest.raises(Crash):
        await server.work(Batches(server.store, crashing).retry, request, Caller())
    await server.work(crashing.close)
    assert len(await server.work(server.store.read, retry_jobs)) == commits

    answer = await server.stub.BatchRetry(request)

    assert (answer.retried_count, answer.remaining_count, list(answer.failures)) == (4, 0, [])
    assert sorted(answer.job_ids) == await server.work(server.store.read, retry_jobs)
    assert len(await server.work(server.store.read, audited)) == 4


async def test_a_cancel_that_broke_off_counts_each_job_once(either_server: Serving) -> None:
    server = either_server
    made = await red_jobs(server, 3)
    request = pb.BatchCancelRequest(job_ids=made, request_id=new_id(), reason="enough")
    crashing = Crashing(2)
    with pytest.raises(Crash):
        await server.work(Batches(server.store, crashing).cancel, request, Caller())
    await server.work(crashing.close)
    answer = await server.stub.BatchCancel(request)
    assert (answer.cancelled_count, list(answer.failures)) == (3, [])
    assert await server.work(server.store.read, audited) == [
        ("BatchCancel", f"jobs/{job_id}", "anonymous", "enough") for job_id in made
    ]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({}, "job_ids"),
        ({"filter": pb.JobFilter()}, "filter"),
        ({"filter": pb.JobFilter(created=pb.TimeRange())}, "filter"),
        ({"filter": pb.JobFilter(status=[pb.JOB_STATUS_UNSPECIFIED])}, "filter.status[0]"),
        ({"filter": pb.JobFilter(filter="status")}, "filter.filter"),
        ({"job_ids": ["NO"]}, "job_ids[0]"),
        ({"job_ids": ["abcd"], "filter": RED}, "job_ids"),
        ({"job_ids": ["abcd"] * 1_001}, "job_ids"),
    ],
)
@pytest.mark.parametrize("rpc", ["BatchCancel", "BatchRetry"])
async def test_jobs_are_named_or_found_by_a_filter_that_filters(
    server: Serving, rpc: str, fields: dict[str, Any], wrong: str
) -> None:
    refusal = await refused(getattr(server.stub, rpc)(getattr(pb, f"{rpc}Request")(**fields)))
    assert (refusal.reason, refusal.fields) == ("FILTER_INVALID" if "filter.f" in wrong else "FIELD_INVALID", [wrong])


def retry_jobs(tx: Connection) -> list[str]:
    return list(tx.execute(select(jobs.c.id).where(jobs.c.retry_of.is_not(None)).order_by(jobs.c.id)).scalars())


def audited(tx: Connection) -> list[Any]:
    event = audit_events.c
    return list(
        tx.execute(
            select(event.action, event.resource, event.actor, event.reason)
            .where(event.action.startswith("Batch"))
            .order_by(event.created_at, event.id)
        )
    )
