"""Retries with other input or only asked about, and what a build may say of its own tries and priority."""

from typing import Any

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.struct_pb2 import Struct

from jobcontrol import v1 as pb
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.values import DocumentNeed
from jobcontrol_core.store.blobs import get_blob
from rpc.serving import Serving, refused
from store.factories import failed

SCRATCH = pb.RETRY_MODE_FROM_SCRATCH


def parameters(**values: Any) -> Struct:
    struct = Struct()
    struct.update(values)
    return struct


async def stopped(server: Serving, **fields: Any) -> str:
    """A cancelled job of which one step was completed and two were not."""
    job_id = await server.start(**fields)
    await server.work(server.worker.fan_out, job_id, 2)
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    return job_id


async def test_from_scratch_other_parameters_and_another_document_take_the_place_of_the_old(
    either_server: Serving,
) -> None:
    old_id = await stopped(either_server, parameters=parameters(depth=1), document=pb.Document(content=b"# Old\n"))
    request = pb.RetryRequest(
        job_id=old_id,
        mode=SCRATCH,
        parameters=parameters(depth=2),
        document=pb.Document(content=b"# New\n", file_name="new.md"),
    )
    new = (await either_server.stub.Retry(request)).job
    assert (new.parameters["depth"], new.document.file_name, new.document.media_type) == (2, "new.md", "text/markdown")
    assert either_server.store.read(get_blob, new.document.sha256) == b"# New\n"
    old = (await either_server.stub.GetJob(pb.GetJobRequest(job_id=old_id))).job
    assert (old.parameters["depth"], old.document.size_bytes) == (1, 6)


async def test_what_is_not_given_stays_as_it_was(server: Serving) -> None:
    old_id = await stopped(server, parameters=parameters(depth=1), document=pb.Document(content=b"# Old\n"))
    new = (await server.stub.Retry(pb.RetryRequest(job_id=old_id, mode=SCRATCH, parameters=parameters()))).job
    assert dict(new.parameters) == {}
    assert new.document.size_bytes == 6


async def test_completed_steps_came_of_the_old_input_so_other_input_needs_all_of_them_again(server: Serving) -> None:
    old_id = await stopped(server)
    request = pb.RetryRequest(job_id=old_id, parameters=parameters(depth=2), document=pb.Document(content=b"# New\n"))
    refusal = await refused(server.stub.Retry(request))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["parameters", "document"])
    assert "--all-steps" in refusal.text


async def test_other_input_is_held_against_the_pipeline_like_the_first(server: Serving) -> None:
    schema = {"type": "object", "properties": {"depth": {"type": "integer"}}}
    server.publish(name="atlas", document=DocumentNeed.NONE, input_schema=schema)
    old_id = await stopped(server, pipeline="atlas")
    request = pb.RetryRequest(
        job_id=old_id, mode=SCRATCH, parameters=parameters(depth="deep"), document=pb.Document(content=b"# New\n")
    )
    refusal = await refused(server.stub.Retry(request))
    assert refusal.fields == ["parameters.depth", "document"]


@pytest.mark.parametrize(("mode", "plan"), [(pb.RETRY_MODE_FAILED_STEPS, (1, 2)), (SCRATCH, (0, 1))])
async def test_a_retry_that_is_only_asked_about_counts_and_makes_nothing(
    either_server: Serving, mode: pb.RetryMode.ValueType, plan: tuple[int, int]
) -> None:
    old_id = await stopped(either_server)
    request = pb.RetryRequest(job_id=old_id, mode=mode, validate_only=True, request_id="r")
    answer = await either_server.stub.Retry(request)
    assert (answer.plan.reused_steps, answer.plan.rerun_steps) == plan
    assert (answer.job_id, answer.job.job_id, answer.job.retry_of) == ("", "", old_id)
    listed = await either_server.stub.ListJobs(pb.ListJobsRequest())
    assert [job.job_id for job in listed.jobs] == [old_id]
    request.validate_only = False
    assert (await either_server.stub.Retry(request)).job_id


async def test_asking_about_a_retry_is_refused_like_the_retry_itself(server: Serving) -> None:
    job_id = await server.start()
    refusal = await refused(server.stub.Retry(pb.RetryRequest(job_id=job_id, validate_only=True)))
    assert refusal.reason == "JOB_NOT_RETRYABLE"


async def test_a_build_may_say_how_often_its_steps_are_tried_and_its_retry_keeps_it(either_server: Serving) -> None:
    policy = pb.RetryPolicy(max_attempts=1, initial_backoff=Duration(seconds=5))
    job_id = await either_server.start(retry_policy=policy)
    stages = either_server.worker.build(job_id).stages
    assert {stage.retry for stage in stages} == {RetryPolicy(max_attempts=1, base=5.0, factor=2.0, max_delay=60.0)}
    root = await either_server.work(either_server.worker.claim_one, job_id)
    await either_server.work(either_server.worker.end, (root, failed()))
    retried = (await either_server.stub.Retry(pb.RetryRequest(job_id=job_id))).job_id
    assert either_server.worker.build(retried).stages[0].retry.max_attempts == 1


async def test_a_backoff_longer_than_the_stages_longest_is_its_own_bound(server: Serving) -> None:
    job_id = await server.start(retry_policy=pb.RetryPolicy(initial_backoff=Duration(seconds=600)))
    assert server.worker.build(job_id).stages[0].retry.max_delay == 600.0


async def test_a_build_of_higher_priority_is_told_as_such_and_its_retry_has_it_too(server: Serving) -> None:
    job_id = await stopped(server, priority=7)
    assert (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.priority == 7
    assert (await server.stub.Retry(pb.RetryRequest(job_id=job_id))).job.priority == 7
