"""StartBuild, Cancel and Retry over the wire."""

import asyncio
import json
from typing import Any

import grpc
import pytest

from jobcontrol import v1 as pb
from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.tickets import TicketQueues
from jobcontrol_core.domain.values import DocumentNeed
from jobcontrol_core.store.blobs import get_blob
from rpc.serving import DOCUMENT, Serving, refused
from services.waiting import wait_until
from store.builds import tree
from store.factories import failed


async def test_a_build_is_accepted_and_told_at_once(either_server: Serving) -> None:
    request = pb.StartBuildRequest(path_id="rust-101", title="Rust", labels={"team": "red"})
    request.parameters.update({"depth": 3, "share": 0.5, "tags": ["a", None]})
    response = await either_server.stub.StartBuild(request)
    assert (response.message, response.existing) == ("Build job started", False)
    job = (await either_server.stub.GetJob(pb.GetJobRequest(job_id=response.job_id))).job
    # What waits is asked for by GetJob alone.
    assert job.waiting_message
    for field in ("waiting_reason", "waiting_message"):
        job.ClearField(field)
    assert job == response.job
    assert (job.path_id, job.title, job.pipeline, job.tenant) == ("rust-101", "Rust", "learning-path", "default")
    assert (job.status, job.triggered_by, job.last_sequence) == (pb.JOB_STATUS_PENDING, "anonymous", 1)
    assert (dict(job.labels), job.attempt, job.progress.percent) == ({"team": "red"}, 1, 0)
    stored = either_server.worker.job(job.job_id)
    assert json.dumps(stored.parameters, sort_keys=True) == '{"depth": 3, "share": 0.5, "tags": ["a", null]}'


async def test_its_first_ticket_is_pushed(ringing_server: Serving, redis_url: str) -> None:
    job_id = await ringing_server.start()
    with connect(redis_url) as connection:
        wait_until(lambda: TicketQueues(connection).listed("learning-path-concepts"), "a ticket is on the queue")
        (ticket,) = TicketQueues(connection).listed("learning-path-concepts")
    assert (ticket.job_id, ticket.stage_no) == (job_id, 0)


async def test_a_document_is_stored_with_its_name_and_the_pipelines_media_type(server: Serving) -> None:
    document = pb.Document(content=DOCUMENT.content, file_name="rust.md")
    response = await server.stub.StartBuild(pb.StartBuildRequest(path_id="p", document=document))
    told = response.job.document
    assert (told.media_type, told.file_name, told.size_bytes) == ("text/markdown", "rust.md", len(DOCUMENT.content))
    assert server.store.read(get_blob, told.sha256) == DOCUMENT.content


async def test_the_sample_of_a_pipeline_is_a_document_like_any_other(server: Serving) -> None:
    response = await server.stub.StartBuild(pb.StartBuildRequest(path_id="p", document=pb.Document(sample=True)))
    assert server.store.read(get_blob, response.job.document.sha256) == b"# Sample\n"


async def test_a_pipeline_that_needs_a_document_says_both_ways_of_giving_one(server: Serving) -> None:
    server.publish(name="needy", document=DocumentNeed.REQUIRED, sample=b"# Here\n")
    refusal = await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p", pipeline="needy")))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["document"])
    assert "--document FILE" in refusal.text
    assert "sample" in refusal.text


async def test_parameters_are_held_against_the_pipelines_schema(server: Serving) -> None:
    schema = {"type": "object", "properties": {"depth": {"type": "integer"}}, "additionalProperties": False}
    server.publish(name="strict", input_schema=schema)
    request = pb.StartBuildRequest(path_id="p", pipeline="strict")
    request.parameters.update({"depth": "deep"})
    refusal = await refused(server.stub.StartBuild(request))
    assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["parameters.depth"])


async def test_an_unknown_pipeline_is_not_found_and_the_known_ones_are_named(server: Serving) -> None:
    refusal = await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p", pipeline="nope")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "PIPELINE_NOT_FOUND")
    assert refusal.details["ResourceInfo"].resource_name == "nope"
    assert "learning-path" in refusal.text


async def test_a_path_is_built_once_at_a_time_and_the_refusal_names_the_job(server: Serving) -> None:
    job_id = await server.start("p")
    refusal = await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ALREADY_EXISTS, "PATH_BUILD_ACTIVE")
    assert (refusal.metadata["path_id"], refusal.metadata["active_job_id"]) == ("p", job_id)


async def test_use_existing_answers_with_the_active_job(server: Serving) -> None:
    job_id = await server.start("p")
    request = pb.StartBuildRequest(path_id="p", conflict_policy=pb.CONFLICT_POLICY_USE_EXISTING)
    response = await server.stub.StartBuild(request)
    assert (response.job_id, response.existing) == (job_id, True)


async def test_calls_with_one_request_id_make_one_job(either_server: Serving) -> None:
    request = pb.StartBuildRequest(path_id="p", request_id="once")
    answers = await asyncio.gather(*(either_server.stub.StartBuild(request) for _ in range(20)))
    assert len({answer.job_id for answer in answers}) == 1
    assert not any(answer.existing for answer in answers)


@pytest.mark.parametrize("change", [{"path_id": "other"}, {"title": "T"}, {"document": DOCUMENT}])
async def test_a_request_id_is_refused_for_another_request(server: Serving, change: dict[str, Any]) -> None:
    await server.start("p", request_id="once")
    other = pb.StartBuildRequest(**{"path_id": "p", "request_id": "once", **change})
    refusal = await refused(server.stub.StartBuild(other))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_ID_REUSED")


async def test_cancel_tells_who_and_why(either_server: Serving) -> None:
    job_id = await either_server.start()
    response = await either_server.stub.Cancel(pb.CancelRequest(job_id=job_id[-8:], reason="enough"))
    assert response.success
    assert (response.job.job_id, response.job.status) == (job_id, pb.JOB_STATUS_CANCELLED)
    assert (response.job.status_reason, response.job.status_actor) == ("enough", "anonymous")


async def test_a_job_with_running_steps_is_cancelling_and_a_second_cancel_changes_nothing(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.claim_one, job_id)
    first = await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    second = await server.stub.Cancel(pb.CancelRequest(job_id=job_id, reason="again"))
    assert first.job.status == pb.JOB_STATUS_CANCELLING
    assert second.job == first.job
    for response in (first, second):
        assert [step.stop_receipt for step in response.running_steps] == [pb.STOP_RECEIPT_REQUESTED]
    assert first.job.waiting_message == "1 running step to stop"


async def test_a_forced_cancel_ends_a_job_whose_steps_run_also_one_that_is_cancelling(server: Serving) -> None:
    for was_cancelling in (False, True):
        job_id = await server.start(f"path-{was_cancelling}")
        await server.work(server.worker.claim_one, job_id)
        if was_cancelling:
            await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
        forced = pb.CancelRequest(job_id=job_id, force=True, request_id=f"once-{was_cancelling}")
        for _ in range(2):
            response = await server.stub.Cancel(forced)
            assert (response.job.status, list(response.running_steps)) == (pb.JOB_STATUS_CANCELLED, [])
        (step,) = (await server.stub.ListSteps(pb.ListStepsRequest(job_id=job_id))).steps
        assert (step.status, step.stop_receipt) == (pb.STEP_STATUS_CANCELLED, pb.STOP_RECEIPT_ABANDONED)


async def test_a_job_that_has_ended_cannot_be_cancelled(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.run, job_id, tree(1, 1))
    refusal = await refused(server.stub.Cancel(pb.CancelRequest(job_id=job_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_TERMINAL")
    assert refusal.metadata == {"job_id": job_id, "status": "COMPLETED"}
    assert refusal.details["PreconditionFailure"].violations[0].subject == job_id


async def test_a_repeated_cancel_gets_its_first_answer_though_the_job_has_ended(server: Serving) -> None:
    job_id = await server.start()
    request = pb.CancelRequest(job_id=job_id, request_id="stop-it")
    first = await server.stub.Cancel(request)
    assert first.job.status == pb.JOB_STATUS_CANCELLED
    assert (await server.stub.Cancel(request)).job == first.job
    other = pb.CancelRequest(job_id=job_id, request_id="stop-it", reason="another")
    assert (await refused(server.stub.Cancel(other))).reason == "REQUEST_ID_REUSED"


async def test_retry_makes_a_new_job_that_takes_over_what_was_completed(either_server: Serving) -> None:
    job_id = await either_server.start()
    await either_server.work(either_server.worker.fan_out, job_id, 2)
    await either_server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    response = await either_server.stub.Retry(pb.RetryRequest(job_id=job_id, reason="go on"))
    assert response.job_id == response.job.job_id != job_id
    assert (response.job.retry_of, response.job.attempt, response.job.reused_steps) == (job_id, 2, 1)


async def test_retry_from_scratch_takes_nothing_over(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 2)
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    request = pb.RetryRequest(job_id=job_id, mode=pb.RETRY_MODE_FROM_SCRATCH, request_id="r")
    first, second = await server.stub.Retry(request), await server.stub.Retry(request)
    assert (first.job.reused_steps, first.job_id) == (0, second.job_id)


async def test_retry_pushes_a_ticket_for_each_stage_that_has_work(ringing_server: Serving, redis_url: str) -> None:
    job_id = await ringing_server.start()
    await ringing_server.work(ringing_server.worker.fan_out, job_id, 2)
    await ringing_server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    retried = (await ringing_server.stub.Retry(pb.RetryRequest(job_id=job_id))).job_id
    with connect(redis_url) as connection:
        listed = TicketQueues(connection).listed
        wait_until(lambda: retried in {one.job_id for one in listed("learning-path-sub-concepts")}, "it is pushed")


async def test_a_job_that_runs_or_completed_whole_cannot_be_retried(server: Serving) -> None:
    job_id = await server.start()
    refusal = await refused(server.stub.Retry(pb.RetryRequest(job_id=job_id)))
    assert (refusal.reason, refusal.metadata["status"]) == ("JOB_NOT_RETRYABLE", "PENDING")
    await server.work(server.worker.run, job_id, tree(1))
    refusal = await refused(server.stub.Retry(pb.RetryRequest(job_id=job_id)))
    assert (refusal.reason, refusal.metadata["status"]) == ("JOB_NOT_RETRYABLE", "COMPLETED")


async def test_a_failed_job_tells_whose_error_it_was(server: Serving) -> None:
    job_id = await server.start()
    job = await server.work(server.worker.run, job_id, lambda _: failed("no chapters", is_final=True))
    told = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert told.status == pb.JOB_STATUS_FAILED
    assert (told.error.type, told.error.message, told.error.stage) == ("ValueError", "no chapters", "concepts")
    assert told.error.step_id == job.error.step_id
    assert told.error_count == 1
