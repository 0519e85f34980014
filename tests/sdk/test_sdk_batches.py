"""Many jobs cancelled or retried by a client: counted first, done in as many calls as it takes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import AsyncClient, Client, InvalidInput
from jobcontrol import v1 as pb
from jobcontrol._filters import Since
from rpc.serving import Serving, serving
from sdk.scripted import ScriptedTransport

IDS = [f"{number:04}" for number in range(1_500)]


def failures(*ids: str) -> list[pb.BatchFailure]:
    return [pb.BatchFailure(id=one, reason="JOB_TERMINAL", message="over") for one in ids]


def test_a_dry_run_counts_and_apply_does_it_until_no_job_is_left() -> None:
    newest = pb.Job(created_at=Timestamp(seconds=1_000, nanos=5_000))
    server = ScriptedTransport(
        ListJobs=pb.ListJobsResponse(jobs=[newest]),
        BatchRetry=[
            pb.BatchRetryResponse(retried_count=1_000, remaining_count=200),
            pb.BatchRetryResponse(retried_count=1_000, remaining_count=200, job_ids=["a"]),
            pb.BatchRetryResponse(retried_count=199, remaining_count=1, job_ids=["b"], failures=failures("x")),
            pb.BatchRetryResponse(remaining_count=1, failures=failures("y", "x")),
        ],
    )
    plan = Client(transport=server).retry_many(status="failed", search="timeout", reason="mended", dry_run=True)
    assert (plan.count, plan.is_applied) == (1_200, False)
    done = plan.apply()
    assert (done.count, done.is_applied, done.job_ids) == (1_199, True, ("a", "b"))
    assert [failure.id for failure in done.failures] == ["x", "y"]
    assert done.apply() is done
    listed, first, *others = server.requests
    assert (listed.query, listed.page_size) == ("timeout", 1)
    assert first.validate_only
    # What is created after the count is left out: what a retry makes may fail at once, and be found again for ever.
    counted = pb.TimeRange(end_time=Timestamp(seconds=1_000, nanos=6_000))
    for request in (first, *others):
        assert request.filter == pb.JobFilter(status=[pb.JOB_STATUS_FAILED], query="timeout", created=counted)
    assert {(one.validate_only, one.reason) for one in others} == {(False, "mended")}
    assert len({one.request_id for one in others}) == 3


def test_ids_go_in_as_many_calls_as_it_takes_and_those_without_time_once_more() -> None:
    server = ScriptedTransport(
        BatchCancel=[
            pb.BatchCancelResponse(cancelled_count=997, remaining_count=2, failures=failures("0003")),
            pb.BatchCancelResponse(cancelled_count=2),
            pb.BatchCancelResponse(cancelled_count=500),
        ]
    )
    done = Client(transport=server).cancel_many([*IDS, "0001"])
    assert (done.count, [failure.id for failure in done.failures]) == (1_499, ["0003"])
    assert [list(request.job_ids) for request in server.requests] == [IDS[:1_000], ["0998", "0999"], IDS[1_000:]]


def test_a_call_after_which_nothing_is_done_is_the_last() -> None:
    server = ScriptedTransport(ListJobs=pb.ListJobsResponse(), BatchCancel=pb.BatchCancelResponse(remaining_count=5))
    assert Client(transport=server).cancel_many(path_id="p").count == 0
    assert [type(request) for request in server.requests] == [pb.ListJobsRequest, pb.BatchCancelRequest]


@pytest.mark.parametrize(
    "since", ["2h", timedelta(hours=2), datetime.now(UTC) - timedelta(hours=2)], ids=["words", "span", "moment"]
)
def test_since_is_a_moment_or_how_long_ago_it_was(since: Since) -> None:
    server = ScriptedTransport(ListJobs=pb.ListJobsResponse())
    before = datetime.now(UTC)
    Client(transport=server).jobs(since=since, labels={"team": "red"}, filter="priority > 3").all()
    (request,) = server.requests
    start = request.created.start_time.ToDatetime(UTC)
    assert before - timedelta(hours=2, minutes=5) < start < before - timedelta(hours=1, minutes=55)
    assert (dict(request.labels), request.filter) == ({"team": "red"}, "priority > 3")


@pytest.mark.parametrize("since", ["yesterday", "-1h", "1w", datetime(2026, 5, 1)])  # noqa: DTZ001
def test_since_is_nothing_else(since: Any) -> None:
    with pytest.raises(InvalidInput, match="since"):
        Client(transport=ScriptedTransport()).jobs(since=since)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as running:
        yield running


async def test_a_plan_that_is_applied_stops_what_it_counted(server: Serving) -> None:
    for number in range(3):
        await server.start(f"red-{number}", labels={"team": "red"})
    blue = await server.start("blue")
    async with AsyncClient(server.address) as client:
        plan = await client.cancel_many(labels={"team": "red"}, reason="too hot", dry_run=True)
        assert (plan.count, await client.jobs(status="cancelled").count()) == (3, 0)
        assert (await plan.apply()).count == 3
        assert {job.state.status_reason async for job in client.jobs(status="cancelled")} == {"too hot"}
        assert [job.id async for job in client.jobs(status="pending")] == [blue]
        again = await client.retry_many([blue, *[job.id async for job in client.jobs(search="red", since="1h")]])
        assert (again.count, [failure.reason for failure in again.failures]) == (3, ["JOB_NOT_RETRYABLE"])
        with pytest.raises(InvalidInput):
            await client.cancel_many()
