"""What a running step tells of itself, as callers and watchers see it."""

from jobcontrol import v1 as pb
from jobcontrol._decoding import to_step_detail
from jobcontrol_core.domain.reports import Line, Progress, StepReport
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.exchange import exchange
from rpc.serving import Serving
from rpc.watching import watching


async def told_half(server: Serving, claimed: ClaimedStep) -> None:
    """The running step says that it is half done, and logs a line."""
    step = claimed.step
    report = StepReport(step.job_id, step.id, step.attempt, Progress(0.5, "half"), (Line(1, "so far so good"),))
    await server.work(server.store.write, exchange, server.worker.session, [], [], [report])


async def test_a_step_is_read_with_its_progress_and_its_log(either_server: Serving) -> None:
    server = either_server
    job_id = await server.start()
    claimed = await server.work(server.worker.claim_one, job_id)
    request = pb.GetStepRequest(job_id=job_id, step_id=claimed.step.id)
    assert not (await server.stub.GetStep(request)).step.HasField("progress_fraction")
    await told_half(server, claimed)
    answer = await server.stub.GetStep(request)
    assert (answer.step.progress_fraction, answer.step.progress_note) == (0.5, "half")
    assert [(log.attempt, log.line, log.message) for log in answer.logs] == [(1, 1, "so far so good")]
    assert answer.logs[0].created_at.seconds >= answer.step.started_at.seconds
    detail = to_step_detail(answer)
    assert (detail.step.progress_fraction, detail.step.progress_note) == (0.5, "half")
    assert [log.message for log in detail.logs] == ["so far so good"]


async def test_watchers_are_told_the_progress_of_a_step(server: Serving) -> None:
    job_id = await server.start()
    claimed = await server.work(server.worker.claim_one, job_id)
    await told_half(server, claimed)
    async with watching(server.stub, job_id, after_sequence=2) as stream:
        message = await stream.read()
    (change,) = message.changed.steps
    assert (message.type, message.first_sequence, message.sequence) == ("progress", 3, 3)
    assert (change.step.progress_fraction, change.step.progress_note) == (0.5, "half")
    assert not change.will_retry


async def test_the_log_of_a_job_tells_what_a_step_logged_and_its_progress_apart_from_a_start(server: Serving) -> None:
    job_id = await server.start()
    claimed = await server.work(server.worker.claim_one, job_id)
    await told_half(server, claimed)
    answer = await server.stub.ListEvents(pb.ListEventsRequest(job_id=job_id, step_id=claimed.step.id))
    types = [event.type for event in answer.events]
    assert types[-3:] == ["step.started", "step.log", "step.progress"]
    assert answer.events[-2].message == "so far so good"
    assert answer.events[-1].message.endswith("progress: half")
