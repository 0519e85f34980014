"""A job in a caller's hands: waiting, watching, cancelling, and what it knows of itself meanwhile."""

import pytest

from jobcontrol import Client, Job, JobStatus
from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol.errors import JobCancelled, JobFailed, JobPartiallyFailed, WaitTimeout
from sdk.recording import END, JOB_ID, SHORT_ID, changed, changes, finished, heartbeat, job, partial_build, step
from sdk.scripted import ScriptedTransport, WatchedServer, silence


def held(server: ScriptedTransport, picture: pb.Job | None = None) -> Job:
    return Job(Client(transport=server)._connection, to_job_state(picture or job("PENDING", at=0)))


def test_waiting_follows_the_job_from_the_picture_that_one_has() -> None:
    server = WatchedServer(partial_build())
    waited = held(server, job(percent=50, at=3)).wait()
    assert (waited.status, waited.percent, waited.error_count) == (JobStatus.COMPLETED, 100, 1)
    assert [request.after_sequence for request in server.sent(pb.WatchProgressRequest)] == [3]


def test_of_a_job_that_has_ended_nothing_is_asked() -> None:
    server = WatchedServer([])
    assert held(server, END).wait().percent == 100
    assert server.requests == []


@pytest.mark.parametrize(
    ("status", "kind"), [("FAILED", JobFailed), ("CANCELLED", JobCancelled), ("COMPLETED", JobPartiallyFailed)]
)
def test_a_strict_wait_raises_for_every_end_but_a_clean_one(status: str, kind: type[Exception]) -> None:
    server = WatchedServer([*partial_build()[:-1], finished(7, job(status, at=7, errors=1))])
    with pytest.raises(kind):
        held(server).wait(strict=True)


def test_a_wait_that_is_over_knows_how_far_the_job_was() -> None:
    server = WatchedServer(partial_build(), deaths=[(4, silence())])
    with pytest.raises(WaitTimeout, match=r"rust-101 \(7f3a91c2\) has not ended after 20 s; it is at 75%") as raised:
        held(server).wait(timeout=20)
    assert raised.value.job.id == JOB_ID


def test_the_job_is_as_new_as_the_last_event() -> None:
    watched = held(WatchedServer(partial_build()))
    seen = [(event.sequence, watched.status, watched.percent) for event in watched.watch(0)]
    assert seen == [
        (1, "pending", 0),
        (2, "processing", 0),
        (3, "processing", 50),
        (5, "processing", 75),
        (6, "processing", 79),
        (7, "completed", 100),
    ]


def test_events_say_in_a_line_what_is_new() -> None:
    told = [(event.stage, event.message) for event in held(WatchedServer(partial_build())).watch(0)]
    assert told[3:] == [
        ("knowledge-units", "knowledge-units: Moves - completed (2)"),
        ("knowledge-units", "knowledge-units: Lifetimes - failed, RateLimitError: 429 from model"),
        ("finalize", "rust-101 completed"),
    ]


def test_an_attempt_that_will_be_followed_by_another_is_no_failure() -> None:
    change = step("Moves", "PENDING", error="RateLimitError: 429", tries=1)
    change.will_retry = True
    server = WatchedServer([changed(1, changes(5, (), change)), finished(2, END)])
    first = next(iter(held(server).watch(0)))
    assert first.message == "knowledge-units: Moves - retrying, RateLimitError: 429"


def test_heartbeats_are_told_only_to_those_who_ask() -> None:
    messages = [*partial_build()[:2], heartbeat(2), *partial_build()[2:]]
    beats = [
        [event.type for event in held(_Told(messages)).watch(0, heartbeats=wanted)].count("heartbeat")
        for wanted in (False, True)
    ]
    assert beats == [0, 1]


class _Told(WatchedServer):
    def _told(self, request: pb.WatchProgressRequest) -> list[pb.WatchProgressResponse]:
        return list(self._commits)


def test_cancel_may_wait_until_nothing_runs_any_more() -> None:
    stopping = job("CANCELLING", percent=50, at=3)
    server = WatchedServer(
        [*partial_build()[:3], finished(4, job("CANCELLED", at=4))], Cancel=pb.CancelResponse(job=stopping)
    )
    stopped = held(server)
    assert stopped.cancel("too slow").status == "cancelling"
    assert stopped.cancel("too slow", wait=True).status == "cancelled"
    assert server.sent(pb.WatchProgressRequest)[0].after_sequence == 3


def test_a_job_is_paused_and_resumed_and_its_state_is_the_answer() -> None:
    server = ScriptedTransport(
        Pause=pb.PauseResponse(job=job("PAUSED", at=4)), Resume=pb.ResumeResponse(job=job("PROCESSING", at=5))
    )
    steered = held(server, job(at=3))
    assert steered.pause("too hot").status is JobStatus.PAUSED
    assert steered.resume("cooled").status is JobStatus.PROCESSING
    assert server.requests == [
        pb.PauseRequest(job_id=JOB_ID, reason="too hot"),
        pb.ResumeRequest(job_id=JOB_ID, reason="cooled"),
    ]


def test_a_job_is_deleted_as_it_was_seen_or_whatever_it_is_now() -> None:
    seen = job("COMPLETED", at=3)
    seen.etag = '"e.1"'
    server = ScriptedTransport(DeleteJob=pb.DeleteJobResponse())
    held(server, seen).delete("a trial")
    held(server, seen).delete(if_unchanged=True)
    assert server.requests == [
        pb.DeleteJobRequest(job_id=JOB_ID, reason="a trial"),
        pb.DeleteJobRequest(job_id=JOB_ID, etag='"e.1"'),
    ]


def test_a_job_is_steered_only_if_it_is_still_as_it_was_seen() -> None:
    seen = job(at=3)
    seen.etag = '"e.1"'
    server = ScriptedTransport(
        Pause=pb.PauseResponse(job=seen),
        Resume=pb.ResumeResponse(job=seen),
        Cancel=pb.CancelResponse(job=seen),
        Retry=pb.RetryResponse(job=seen),
    )
    held(server, seen).pause(if_unchanged=True).resume(if_unchanged=True).cancel(if_unchanged=True).retry(
        if_unchanged=True
    )
    assert [request.etag for request in server.requests] == ['"e.1"'] * 4
    held(server, seen).cancel()
    assert server.requests[-1].etag == ""


def test_progress_goes_to_stderr_and_leaves_stdout_alone(capsys: pytest.CaptureFixture[str]) -> None:
    held(WatchedServer(partial_build(), GetJob=pb.GetJobResponse(job=job(at=1)))).wait(progress=True)
    told = capsys.readouterr()
    assert told.out == ""
    assert "concepts 12/12 done" in told.err


def test_failed_steps_are_read_page_by_page() -> None:
    pages = [
        pb.ListStepsResponse(steps=[step("A", "FAILED").step], next_page_token="t"),
        pb.ListStepsResponse(steps=[step("B", "FAILED").step]),
    ]
    server = ScriptedTransport(ListSteps=pages)
    assert [failed.key for failed in held(server, END).failed_steps] == ["a", "b"]
    assert [request.page_token for request in server.sent(pb.ListStepsRequest)] == ["", "t"]


def test_a_step_comes_with_its_input_output_and_tracebacks() -> None:
    attempt = pb.StepAttempt(
        attempt=1, outcome=pb.ATTEMPT_OUTCOME_HANDLER_ERROR, used_try=True, traceback="Traceback …"
    )
    answer = pb.GetStepResponse(step=step("A", "COMPLETED").step, input=b'{"k": 1}', output=b"[]", attempts=[attempt])
    detail = held(ScriptedTransport(GetStep=answer), END).step("abcd")
    assert (detail.input, detail.output, detail.attempts[0].outcome) == ({"k": 1}, [], "handler_error")
    assert detail.attempts[0].traceback == "Traceback …"


def test_integral_parameters_are_ints_again() -> None:
    picture = job()
    picture.parameters.update({"depth": 3, "share": 0.5, "deep": {"list": [1, None, "x"]}})
    state = held(ScriptedTransport(), picture).state
    assert state.parameters == {"depth": 3, "share": 0.5, "deep": {"list": [1, None, "x"]}}
    assert isinstance(state.parameters["depth"], int)


def test_a_job_is_known_by_its_id() -> None:
    one, same = held(ScriptedTransport(), job()), held(ScriptedTransport(), END)
    assert one == same
    assert len({one, same}) == 1
    assert repr(one) == f"<Job {SHORT_ID} rust-101 processing 0%>"
