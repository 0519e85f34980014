"""Pause, Resume and etags over the wire."""

import grpc

from jobcontrol import v1 as pb
from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.tickets import TicketQueues
from rpc.serving import Serving, refused
from services.waiting import wait_until


async def test_pause_and_resume_tell_who_and_why(either_server: Serving) -> None:
    job_id = await either_server.start()
    paused = (await either_server.stub.Pause(pb.PauseRequest(job_id=job_id[-8:], reason="too hot"))).job
    assert (paused.job_id, paused.status) == (job_id, pb.JOB_STATUS_PAUSED)
    assert (paused.status_reason, paused.status_actor) == ("too hot", "anonymous")
    resumed = (await either_server.stub.Resume(pb.ResumeRequest(job_id=job_id, reason="cooled"))).job
    assert (resumed.status, resumed.status_reason) == (pb.JOB_STATUS_PENDING, "cooled")
    assert (await either_server.stub.GetJob(pb.GetJobRequest(job_id=job_id))).job == resumed


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
