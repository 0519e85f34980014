"""Jobs, steps, results and pipelines, read over the wire."""

import json
from typing import Any

import grpc
import pytest

from jobcontrol import v1 as pb
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.outcomes import Skipped, Succeeded
from jobcontrol_core.store.sessions import renew_sessions
from rpc.serving import Serving, refused
from store.builds import tree
from store.factories import LEASE, children, failed, stages, succeeded


async def test_a_job_is_found_by_any_ending_of_its_id(server: Serving) -> None:
    job_id = await server.start()
    for ending in (job_id, job_id[-8:], job_id[-4:], job_id[-20:]):
        assert (await server.stub.GetJob(pb.GetJobRequest(job_id=ending))).job.job_id == job_id


async def test_an_id_that_nobody_has_is_not_found(server: Serving) -> None:
    unknown = new_id()
    refusal = await refused(server.stub.GetJob(pb.GetJobRequest(job_id=unknown)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.NOT_FOUND, "JOB_NOT_FOUND")
    info = refusal.details["ResourceInfo"]
    assert (info.resource_type, info.resource_name) == ("job", unknown)


@pytest.mark.parametrize(
    "rpc", ["GetJob", "ListSteps", "GetStep", "ListEvents", "GetResult", "Cancel", "Retry", "WatchProgress"]
)
async def test_every_call_about_a_job_says_alike_that_there_is_none(server: Serving, rpc: str) -> None:
    request = getattr(pb, f"{rpc}Request")(job_id="0123456789ab")
    if rpc == "GetStep":
        request.step_id = "0123456789ab"
    assert (await refused(getattr(server.stub, rpc)(request))).reason == "JOB_NOT_FOUND"


async def test_jobs_are_listed_newest_first_page_by_page(either_server: Serving) -> None:
    made = [await either_server.start(f"p{number}") for number in range(5)]
    request = pb.ListJobsRequest(page_size=2)
    pages = []
    while True:
        call = either_server.stub.ListJobs(request)
        response = await call
        pages.append([job.job_id for job in response.jobs])
        trailers = dict(await call.trailing_metadata())
        assert trailers.get("next-page-token", "") == response.next_page_token
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
    assert pages == [[made[4], made[3]], [made[2], made[1]], [made[0]]]


async def test_a_page_that_ends_with_the_list_has_no_token(server: Serving) -> None:
    await server.start("a")
    await server.start("b")
    response = await server.stub.ListJobs(pb.ListJobsRequest(limit=2))
    assert (len(response.jobs), response.next_page_token) == (2, "")


async def test_jobs_are_listed_by_status_path_pipeline_and_failed_steps(server: Serving) -> None:
    whole, partial, waiting = [await server.start(path) for path in ("whole", "partial", "waiting")]
    await server.work(server.worker.run, whole, tree(1))
    await server.work(server.worker.fan_out, partial, 2)
    lost, kept = await server.work(server.worker.claim, partial)
    await server.work(server.worker.end, (lost, failed(is_final=True)), (kept, succeeded()))

    async def found(**fields: Any) -> set[str]:
        return {job.job_id for job in (await server.stub.ListJobs(pb.ListJobsRequest(**fields))).jobs}

    assert await found(status=[pb.JOB_STATUS_COMPLETED]) == {whole}
    assert await found(status=[pb.JOB_STATUS_PENDING, pb.JOB_STATUS_PROCESSING]) == {partial, waiting}
    assert await found(path_id="waiting") == {waiting}
    assert await found(pipeline="other") == set()
    assert await found(has_failed_steps=True) == {partial}
    assert await found(has_failed_steps=False) == {whole, waiting}


async def test_jobs_are_searched_compared_and_counted(either_server: Serving) -> None:
    server = either_server
    red = await server.start("red", title="All of Rust", labels={"team": "red"}, priority=2)
    await server.start("blue", labels={"team": "blue"})

    async def found(**fields: Any) -> tuple[list[str], int]:
        answer = await server.stub.ListJobs(pb.ListJobsRequest(with_count=True, **fields))
        return [job.job_id for job in answer.jobs], answer.total_count

    now = (await server.stub.GetJob(pb.GetJobRequest(job_id=red))).job.created_at
    assert await found(query="RUST all") == ([red], 1)
    assert await found(filter='labels.team = "red" AND priority > 1') == ([red], 1)
    assert await found(labels={"team": "red"}) == ([red], 1)
    assert await found(min_priority=1) == ([red], 1)
    assert await found(created=pb.TimeRange(end_time=now)) == ([], 0)
    assert (await found(page_size=1))[1] == 2
    assert not (await server.stub.ListJobs(pb.ListJobsRequest())).HasField("total_count")


async def test_a_filter_that_cannot_be_read_says_where(server: Serving) -> None:
    refusal = await refused(server.stub.ListJobs(pb.ListJobsRequest(filter="status = failed OR path_id = x")))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FILTER_INVALID")
    assert refusal.fields == ["filter"]
    assert "expected AND at OR path_id" in refusal.text


async def test_a_completed_job_names_what_it_lacks_and_so_does_the_end_of_its_watch(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 2)
    lost, kept = await server.work(server.worker.claim, job_id)
    await server.work(server.worker.end, (lost, failed("no words for it", is_final=True)), (kept, succeeded()))
    await server.work(server.worker.run, job_id, tree(0))

    job = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert (job.status, job.error_count) == (pb.JOB_STATUS_COMPLETED, 1)
    (missing,) = job.missing
    assert (missing.stage, missing.key, missing.label) == ("sub-concepts", "c0", "Child 0")
    assert missing.failure_reason == pb.STEP_FAILURE_REASON_HANDLER_ERROR
    assert (missing.error.type, missing.error.message) == ("ValueError", "no words for it")
    (end,) = [message async for message in server.stub.WatchProgress(watch_after(job))]
    assert list(end.finished.job.missing) == [missing]


def watch_after(job: pb.Job) -> pb.WatchProgressRequest:
    return pb.WatchProgressRequest(job_id=job.job_id, after_sequence=job.last_sequence)


async def test_steps_are_listed_stage_by_stage_in_document_order(either_server: Serving) -> None:
    job_id = await either_server.start()
    await either_server.work(either_server.worker.run, job_id, tree(3))
    request, keys = pb.ListStepsRequest(job_id=job_id, page_size=2), []
    while True:
        response = await either_server.stub.ListSteps(request)
        keys += [(step.stage, step.key, step.ordinal, step.sibling_total) for step in response.steps]
        if not (token := response.next_page_token):
            break
        request.page_token = token
    assert keys == [
        ("concepts", "rust-101", 1, 1),
        ("sub-concepts", "c0", 1, 3),
        ("sub-concepts", "c1", 2, 3),
        ("sub-concepts", "c2", 3, 3),
        ("finalize", "rust-101", 1, 1),
    ]


async def test_steps_are_listed_by_status_and_stage(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 3)
    await server.work(server.worker.claim_one, job_id, 1)
    request = pb.ListStepsRequest(job_id=job_id, status=[pb.STEP_STATUS_PENDING], stage="sub-concepts")
    steps = (await server.stub.ListSteps(request)).steps
    assert [(step.key, step.status) for step in steps] == [("c1", 1), ("c2", 1)]


async def test_a_step_shows_what_went_in_what_came_out_and_its_failed_attempts(server: Serving) -> None:
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id, 0)
    born = children(1, 1, input='{"lines": [1, 2]}')
    await server.work(server.worker.end, (root, succeeded(born=born)))
    first = await server.work(server.worker.claim_one, job_id, 1)
    await server.work(server.worker.end, (first, failed("once")))
    again = await server.work(server.worker.claim_one, job_id, 1)
    await server.work(server.worker.end, (again, succeeded(output='{"n": 1}')))
    response = await server.stub.GetStep(pb.GetStepRequest(job_id=job_id, step_id=first.step.id))
    assert json.loads(response.input) == {"lines": [1, 2]}
    assert json.loads(response.output) == {"n": 1}
    (attempt,) = response.attempts
    assert (attempt.attempt, attempt.outcome, attempt.used_try) == (1, pb.ATTEMPT_OUTCOME_HANDLER_ERROR, True)
    assert (attempt.error.message, attempt.traceback) == ("once", "Traceback: here")
    assert (response.step.attempt, response.step.tries, response.step.parent_step_id) == (2, 1, root.step.id)
    assert not response.step.HasField("error")


async def test_the_root_step_shows_the_jobs_parameters_as_its_input(server: Serving) -> None:
    request = pb.StartBuildRequest(path_id="p")
    request.parameters.update({"depth": 2})
    job_id = (await server.stub.StartBuild(request)).job_id
    (root,) = (await server.stub.ListSteps(pb.ListStepsRequest(job_id=job_id))).steps
    response = await server.stub.GetStep(pb.GetStepRequest(job_id=job_id, step_id=root.step_id))
    assert (json.loads(response.input), response.output) == ({"depth": 2}, b"")


async def test_a_skipped_step_tells_why_and_has_no_error(server: Serving) -> None:
    job_id = await server.start()
    await server.work(server.worker.fan_out, job_id, 1)
    step = await server.work(server.worker.claim_one, job_id, 1)
    await server.work(server.worker.end, (step, Skipped("nothing new")))
    told = (await server.stub.GetStep(pb.GetStepRequest(job_id=job_id, step_id=step.step.id))).step
    assert (told.status, told.skip_reason) == (pb.STEP_STATUS_SKIPPED, "nothing new")
    assert not told.HasField("error")


async def test_a_step_of_another_job_is_not_found(server: Serving) -> None:
    job_id, other = await server.start("a"), await server.start("b")
    (root,) = (await server.stub.ListSteps(pb.ListStepsRequest(job_id=other))).steps
    refusal = await refused(server.stub.GetStep(pb.GetStepRequest(job_id=job_id, step_id=root.step_id)))
    assert refusal.reason == "STEP_NOT_FOUND"


async def test_a_log_is_read_in_pages_newest_first_and_of_one_step(either_server: Serving) -> None:
    job_id = await either_server.start()
    await either_server.work(either_server.worker.fan_out, job_id, 1)
    (child,) = await either_server.work(either_server.worker.claim, job_id)
    await either_server.work(either_server.worker.end, (child, failed("no answer", is_final=True)))
    request, types = pb.ListEventsRequest(job_id=job_id, page_size=2, newest_first=True), []
    while True:
        response = await either_server.stub.ListEvents(request)
        types += [event.type for event in response.events]
        if not (token := response.next_page_token):
            break
        request.page_token = token
    assert (types[0], types[-1]) == ("job.failed", "job.pending")
    errors = pb.ListEventsRequest(job_id=job_id, step_id=child.step.id[-6:], errors_only=True)
    (event,) = (await either_server.stub.ListEvents(errors)).events
    assert (event.type, event.level, event.step_id) == ("step.failed", "error", child.step.id)
    assert event.message == "Child 0 failed: ValueError: no answer"


async def test_the_log_of_a_step_that_a_job_lacks_is_not_found(server: Serving) -> None:
    job_id = await server.start()
    refusal = await refused(server.stub.ListEvents(pb.ListEventsRequest(job_id=job_id, step_id="0123456789ab")))
    assert refusal.reason == "STEP_NOT_FOUND"


async def finished_with(server: Serving, output: str, renderings: dict[str, bytes]) -> str:
    """A COMPLETED job with this result."""
    job_id = await server.start()
    root = await server.work(server.worker.claim_one, job_id, 0)
    await server.work(server.worker.end, (root, succeeded()))
    final = await server.work(server.worker.claim_one, job_id, 3)
    await server.work(server.worker.end, (final, Succeeded(output, renderings=renderings)))
    return job_id


async def read_result(server: Serving, job_id: str, media_type: str = "") -> list[pb.GetResultResponse]:
    request = pb.GetResultRequest(job_id=job_id, media_type=media_type)
    return [part async for part in server.stub.GetResult(request)]


async def test_a_result_streams_in_parts_that_join(either_server: Serving) -> None:
    text = json.dumps({"text": "é" * 400_000}, ensure_ascii=False)
    job_id = await finished_with(either_server, text, {"text/markdown": b"# Path\n", "text/plain": b""})
    parts = await read_result(either_server, job_id)
    assert b"".join(part.chunk for part in parts).decode() == text
    assert {part.media_type for part in parts} == {"application/json"}
    assert max(len(part.chunk) for part in parts) == 256 << 10
    job = (await either_server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert job.result_media_types == ["application/json", "text/markdown", "text/plain"]


async def test_a_result_comes_in_the_media_type_asked_even_when_it_is_empty(server: Serving) -> None:
    job_id = await finished_with(server, "{}", {"text/markdown": b"# Path\n", "text/plain": b""})
    (markdown,) = await read_result(server, job_id, "text/markdown")
    assert (markdown.media_type, markdown.chunk) == ("text/markdown", b"# Path\n")
    (empty,) = await read_result(server, job_id, "text/plain")
    assert (empty.media_type, empty.chunk) == ("text/plain", b"")


async def test_a_media_type_that_a_result_lacks_is_refused_with_those_that_it_has(server: Serving) -> None:
    job_id = await finished_with(server, "{}", {"text/markdown": b"# Path\n"})
    refusal = await refused(server.stub.GetResult(pb.GetResultRequest(job_id=job_id, media_type="text/html")))
    assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["media_type"])
    assert "application/json, text/markdown" in refusal.text


async def test_a_job_that_is_not_completed_has_no_result(server: Serving) -> None:
    job_id = await server.start()
    refusal = await refused(server.stub.GetResult(pb.GetResultRequest(job_id=job_id)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "RESULT_NOT_READY")
    assert refusal.metadata == {"job_id": job_id, "status": "PENDING"}


@pytest.mark.parametrize(
    ("share", "policy", "told"),
    [(1.0, "CONTINUE", 0.0), (0.0, "FAIL_FAST", 0.0), (0.25, "TOLERATE", 0.25)],
)
async def test_a_pipelines_stage_tells_what_a_failed_step_does(
    server: Serving, share: float, policy: str, told: float
) -> None:
    server.publish(name="atlas", stages=stages(tolerated_share=share))
    listed = await server.stub.ListPipelines(pb.ListPipelinesRequest(page_size=1))
    stage = listed.pipelines[0].stages[0]
    assert pb.FailurePolicy.Name(stage.failure_policy) == f"FAILURE_POLICY_{policy}"
    assert stage.tolerated_share == told


async def test_pipelines_are_listed_by_name_with_their_stages(server: Serving) -> None:
    server.publish(name="atlas", description="Maps", version=1)
    server.publish(name="atlas", description="Better maps", version=2)
    request = pb.ListPipelinesRequest(page_size=1)
    first = await server.stub.ListPipelines(request)
    second = await server.stub.ListPipelines(pb.ListPipelinesRequest(page_token=first.next_page_token))
    (atlas,), (path,) = first.pipelines, second.pipelines
    assert (atlas.pipeline, atlas.version, atlas.description, atlas.has_sample) == ("atlas", 2, "Better maps", False)
    assert (path.pipeline, path.document, path.has_sample) == ("learning-path", pb.DOCUMENT_REQUIREMENT_OPTIONAL, True)
    assert [stage.stage for stage in path.stages] == ["concepts", "sub-concepts", "knowledge-units", "finalize"]
    assert path.stages[2].weight == 0.5
    assert path.stages[2].retry_policy.max_attempts == 3
    assert path.input_schema["type"] == "object"
    assert second.next_page_token == ""


async def test_workers_are_listed_page_by_page_with_what_they_run(either_server: Serving) -> None:
    job_id = await either_server.start()
    root = await either_server.work(either_server.worker.claim_one, job_id, 0)
    other = await either_server.work(either_server.worker.open_session)
    first = await either_server.stub.ListWorkers(pb.ListWorkersRequest(page_size=1))
    request = pb.ListWorkersRequest(page_size=1, page_token=first.next_page_token)
    second = await either_server.stub.ListWorkers(request)
    found = {worker.worker_id: worker for page in (first, second) for worker in page.workers}
    assert (set(found), second.next_page_token) == ({either_server.worker.session, other.id}, "")
    busy = found[either_server.worker.session]
    assert (busy.status, busy.active, [step.step_id for step in busy.running]) == (
        pb.WORKER_STATUS_READY, 1, [root.step.id],
    )  # fmt: skip
    assert "learning-path/concepts" in busy.stages
    assert "learning-path-concepts" in busy.queues
    assert found[other.id].active == 0


async def test_workers_are_listed_by_queue(server: Serving) -> None:
    found = await server.stub.ListWorkers(pb.ListWorkersRequest(queue="nobody"))
    assert list(found.workers) == []


async def test_stats_count_jobs_now_and_within_a_window(either_server: Serving) -> None:
    await either_server.start("waiting")
    done = await either_server.start("done")
    await either_server.work(either_server.worker.run, done, tree(1))
    stats = await either_server.stub.GetStats(pb.GetStatsRequest())
    assert (stats.waiting, stats.active, stats.completed, stats.failed) == (1, 0, 1, 0)
    assert stats.window.seconds == 86_400


async def test_a_window_is_a_minute_to_a_week(server: Serving) -> None:
    request = pb.GetStatsRequest()
    request.window.FromSeconds(59)
    assert (await refused(server.stub.GetStats(request))).fields == ["window"]


async def test_a_worker_that_drains_is_told_as_such(server: Serving) -> None:
    await server.work(server.store.write, renew_sessions, [server.worker.session], LEASE, is_draining=True)
    (worker,) = (await server.stub.ListWorkers(pb.ListWorkersRequest())).workers
    assert worker.status == pb.WORKER_STATUS_DRAINING
