"""Pause, Resume, etags, replaced and checked builds over the wire."""

from datetime import timedelta

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy.exc import NoResultFound

from jobcontrol import v1 as pb
from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.postman import STOPS_CHANNEL
from jobcontrol_core.bus.tickets import TicketQueues
from jobcontrol_core.store.blobs import get_blob
from jobcontrol_core.store.tables import jobs
from rpc.serving import DOCUMENT, Serving, refused
from services.waiting import wait_until


async def test_a_job_that_stands_still_says_why(server: Serving) -> None:
    job_id = await server.start()
    await server.stub.Pause(pb.PauseRequest(job_id=job_id, reason="the model is down"))
    (wait,) = (await server.stub.ExplainJob(pb.ExplainJobRequest(job_id=job_id[-8:]))).waiting[:1]
    assert (wait.reason, wait.step_count) == (pb.WAITING_REASON_JOB_PAUSED, 1)
    job = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    assert (job.waiting_reason, job.waiting_message) == (wait.reason, wait.message)


async def test_pause_and_resume_tell_who_and_why(either_server: Serving) -> None:
    job_id = await either_server.start()
    paused = (await either_server.stub.Pause(pb.PauseRequest(job_id=job_id[-8:], reason="too hot"))).job
    assert (paused.job_id, paused.status) == (job_id, pb.JOB_STATUS_PAUSED)
    assert (paused.status_reason, paused.status_actor) == ("too hot", "anonymous")
    resumed = (await either_server.stub.Resume(pb.ResumeRequest(job_id=job_id, reason="cooled"))).job
    assert (resumed.status, resumed.status_reason) == (pb.JOB_STATUS_PENDING, "cooled")
    seen = (await either_server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job
    # Why it waits is looked up by GetJob alone.
    seen.ClearField("waiting_reason")
    seen.ClearField("waiting_message")
    assert seen == resumed


async def test_a_second_pause_or_resume_changes_nothing(server: Serving) -> None:
    job_id = await server.start()
    first = await server.stub.Pause(pb.PauseRequest(job_id=job_id))
    assert await server.stub.Pause(pb.PauseRequest(job_id=job_id, reason="again")) == first
    back = await server.stub.Resume(pb.ResumeRequest(job_id=job_id))
    assert await server.stub.Resume(pb.ResumeRequest(job_id=job_id, reason="again")) == back


async def test_a_watcher_hears_of_both(server: Serving) -> None:
    job_id = await server.start()
    await server.stub.Pause(pb.PauseRequest(job_id=job_id, reason="too hot"))
    await server.stub.Resume(pb.ResumeRequest(job_id=job_id))
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    told = [message async for message in server.stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id))]
    replayed = server.stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id, after_sequence=0))
    changes = [message.changed.status_change async for message in replayed if message.HasField("changed")]
    assert told[-1].finished.job.status == pb.JOB_STATUS_CANCELLED
    assert changes[-1].status == pb.JOB_STATUS_PENDING


async def test_a_resumed_job_has_its_ticket_pushed(ringing_server: Serving, redis_url: str) -> None:
    job_id = await ringing_server.start()
    await ringing_server.work(ringing_server.worker.fan_out, job_id, 2)
    await ringing_server.stub.Pause(pb.PauseRequest(job_id=job_id))
    await ringing_server.stub.Resume(pb.ResumeRequest(job_id=job_id))
    with connect(redis_url) as connection:
        listed = TicketQueues(connection).listed
        wait_until(lambda: job_id in {one.job_id for one in listed("learning-path-sub-concepts")}, "it is pushed")


async def test_a_job_that_has_ended_is_neither_paused_nor_resumed(server: Serving) -> None:
    job_id = await server.start()
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    pause = await refused(server.stub.Pause(pb.PauseRequest(job_id=job_id)))
    resume = await refused(server.stub.Resume(pb.ResumeRequest(job_id=job_id)))
    assert (pause.code, pause.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_NOT_PAUSABLE")
    assert (resume.code, resume.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "JOB_TERMINAL")
    assert pause.metadata == resume.metadata == {"job_id": job_id, "status": "CANCELLED"}


async def test_an_old_etag_is_refused_with_what_the_job_is_now(server: Serving) -> None:
    job_id = await server.start()
    seen = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.etag
    paused = (await server.stub.Pause(pb.PauseRequest(job_id=job_id, etag=seen))).job
    refusal = await refused(server.stub.Resume(pb.ResumeRequest(job_id=job_id, etag=seen)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
    assert refusal.metadata == {"job_id": job_id, "status": "PAUSED", "etag": paused.etag}


async def test_a_cancel_with_an_old_etag_leaves_its_request_id_unused(server: Serving) -> None:
    job_id = await server.start()
    seen = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.etag
    await server.stub.Pause(pb.PauseRequest(job_id=job_id))
    request = pb.CancelRequest(job_id=job_id, request_id="stop", etag=seen)
    assert (await refused(server.stub.Cancel(request))).reason == "ETAG_MISMATCH"
    request.etag = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.etag
    cancelled = await server.stub.Cancel(request)
    assert cancelled.job.status == pb.JOB_STATUS_CANCELLED
    assert await server.stub.Cancel(request) == cancelled


async def test_a_retry_holds_the_etag_against_the_old_job(server: Serving) -> None:
    job_id = await server.start()
    seen = (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.etag
    ended = (await server.stub.Cancel(pb.CancelRequest(job_id=job_id))).job
    refusal = await refused(server.stub.Retry(pb.RetryRequest(job_id=job_id, etag=seen)))
    assert (refusal.reason, refusal.metadata["etag"]) == ("ETAG_MISMATCH", ended.etag)
    assert (await server.stub.Retry(pb.RetryRequest(job_id=job_id, etag=ended.etag))).job.retry_of == job_id


async def test_a_build_that_replaces_another_waits_for_its_end(ringing_server: Serving, redis_url: str) -> None:
    old = await ringing_server.start("p")
    await ringing_server.work(ringing_server.worker.claim_one, old)
    with connect(redis_url) as connection, connection.pubsub() as heard:
        heard.subscribe(STOPS_CHANNEL)
        request = pb.StartBuildRequest(path_id="p", conflict_policy=pb.CONFLICT_POLICY_CANCEL_EXISTING)
        new = (await ringing_server.stub.StartBuild(request)).job
        assert (new.status, new.waits_for) == (pb.JOB_STATUS_PENDING, old)
        wait_until(
            lambda: (heard.get_message() or {}).get("data") in (old, old.encode()), "its workers are told to stop"
        )
    told = (await ringing_server.stub.GetJob(pb.GetJobRequest(job_id=old))).job
    assert (told.status, told.status_reason) == (pb.JOB_STATUS_CANCELLING, "replaced by a newer build")


async def test_a_build_that_is_checked_only_is_told_and_not_made(either_server: Serving) -> None:
    request = pb.StartBuildRequest(path_id="p", title="P", document=DOCUMENT, request_id="once", validate_only=True)
    answer = await either_server.stub.StartBuild(request)
    assert (answer.job_id, answer.job.job_id, answer.job.etag, answer.existing) == ("", "", "", False)
    assert (answer.job.path_id, answer.job.title, answer.job.document.size_bytes) == ("p", "P", len(DOCUMENT.content))
    assert len(answer.job.progress.stages) == 3
    assert list((await either_server.stub.ListJobs(pb.ListJobsRequest())).jobs) == []
    with pytest.raises(NoResultFound):
        either_server.store.read(get_blob, answer.job.document.sha256)
    request.validate_only = False
    assert (await either_server.stub.StartBuild(request)).job.path_id == "p"


async def test_a_build_that_is_checked_only_is_refused_as_it_would_be(server: Serving) -> None:
    job_id = await server.start("p")
    refusal = await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p", validate_only=True)))
    assert (refusal.reason, refusal.metadata["active_job_id"]) == ("PATH_BUILD_ACTIVE", job_id)
    existing = pb.StartBuildRequest(path_id="p", validate_only=True, conflict_policy=pb.CONFLICT_POLICY_USE_EXISTING)
    answer = await server.stub.StartBuild(existing)
    assert (answer.job_id, answer.existing) == (job_id, True)
    replacing = pb.StartBuildRequest(
        path_id="p", validate_only=True, conflict_policy=pb.CONFLICT_POLICY_CANCEL_EXISTING
    )
    assert (await server.stub.StartBuild(replacing)).job.job_id == ""
    assert (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.status == pb.JOB_STATUS_PENDING


async def test_a_job_that_is_over_its_time_is_failed_by_the_dispatcher(server: Serving) -> None:
    job_id = await server.start("p", timeout=Duration(seconds=60))
    assert (await server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job.timeout.seconds == 60
    await server.work(server.worker.rewind, jobs.c.deadline_at, timedelta(seconds=60))
    told = [message async for message in server.stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id))]
    ended = told[-1].finished.job
    assert (ended.status, ended.error.type) == (pb.JOB_STATUS_FAILED, "JobTimeout")
