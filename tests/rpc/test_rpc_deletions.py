"""Jobs deleted over the wire, and the dispatcher that clears away what they had."""

from datetime import timedelta
from typing import Any

import grpc
import pytest
from sqlalchemy import Connection, select

from jobcontrol import v1 as pb
from jobcontrol_core.store.retention import prune_history
from jobcontrol_core.store.tables import jobs
from jobcontrol_server.dispatch import dispatcher
from rpc.serving import Serving, refused, serving
from services.waiting import wait_until
from store.builds import tree
from store.factories import failed

WEEK = timedelta(days=7)


def job_rows(tx: Connection) -> list[str]:
    return list(tx.execute(select(jobs.c.id)).scalars())


async def ended(server: Serving, path_id: str = "rust-101") -> str:
    job_id = await server.start(path_id)
    await server.work(server.worker.run, job_id, tree(2))
    return job_id


async def test_a_deleted_job_is_not_found_and_its_rows_go(either_server: Serving) -> None:
    server = either_server
    job_id = await ended(server)
    assert await server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id[-8:])) == pb.DeleteJobResponse()
    for rpc in ("GetJob", "ListSteps", "ListEvents", "GetResult", "Retry", "WatchProgress", "DeleteJob"):
        refusal = await refused(getattr(server.stub, rpc)(getattr(pb, f"{rpc}Request")(job_id=job_id)))
        assert refusal.reason == "JOB_NOT_FOUND", rpc
    assert list((await server.stub.ListJobs(pb.ListJobsRequest())).jobs) == []
    await server.work(wait_until, lambda: server.store.read(job_rows) == [], "its rows are gone")


async def test_a_job_that_goes_on_is_not_deleted(server: Serving) -> None:
    job_id = await server.start()
    refusal = await refused(server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_TERMINAL")
    assert refusal.metadata == {"job_id": job_id, "status": "PENDING"}


async def test_a_job_is_deleted_as_the_caller_saw_it_or_not_at_all(server: Serving) -> None:
    job_id = await server.start()
    seen = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.etag
    await server.work(server.worker.run, job_id, tree())
    refusal = await refused(server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id, etag=seen)))
    assert refusal.reason == "ETAG_MISMATCH"
    await server.stub.DeleteJob(pb.DeleteJobRequest(job_id=job_id, etag=refusal.metadata["etag"]))


async def test_the_server_deletes_jobs_that_ended_longer_ago_than_they_are_kept(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatcher, "PRUNE_SECONDS", 0.05)
    async with serving(sqlite_url, jobs_days=7, dispatch_seconds=0.05) as server:
        old = await ended(server, "old")
        await server.work(server.worker.rewind, jobs.c.completed_at, WEEK)
        late = await ended(server, "late")
        await server.work(wait_until, lambda: server.store.read(job_rows) == [late], f"{old} is gone")


async def test_a_step_says_when_its_history_was_pruned(either_server: Serving) -> None:
    server = either_server
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id)
    await server.work(server.worker.end, (root, failed(is_final=True)))

    async def step() -> Any:
        return await server.stub.GetStep(pb.GetStepRequest(job_id=job_id, step_id=root.step.id))

    whole = await step()
    assert (len(whole.attempts), whole.HasField("history_pruned_at")) == (1, False)
    await server.work(server.worker.rewind, jobs.c.completed_at, WEEK)
    while await server.work(server.store.write, prune_history, WEEK):
        pass
    pruned = await step()
    assert (len(pruned.attempts), pruned.HasField("history_pruned_at")) == (0, True)
    assert pruned.step.error == whole.step.error
