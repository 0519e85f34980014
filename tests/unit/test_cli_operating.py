"""The commands for operators, against a scripted server."""

import json
import re
from typing import Any

import pytest

from jobcontrol import Client
from jobcontrol import v1 as pb
from jobcontrol.cli import app
from sdk.recording import END, JOB_ID, SHORT_ID, finished, job, stamp, step
from sdk.scripted import Answer, ScriptedTransport, WatchedServer


class Operator:
    """Runs command lines and keeps what they printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.out = self.err = ""

    def run(self, transport: ScriptedTransport, *argv: str) -> int:
        code = app.run(argv, lambda _: Client(transport=transport))
        self.out, self.err = self._capsys.readouterr()
        return code


@pytest.fixture
def operator(capsys: pytest.CaptureFixture[str]) -> Operator:
    return Operator(capsys)


def event(sequence: int, type_: str, message: str, **fields: Any) -> pb.Event:
    return pb.Event(sequence=sequence, type=type_, level="info", message=message, created_at=stamp(sequence), **fields)


def lines(*events: pb.Event, token: str = "") -> Answer:
    return pb.ListEventsResponse(events=events, next_page_token=token)


def test_a_log_is_a_line_for_each_event_of_every_page(operator: Operator) -> None:
    failed = pb.Event(
        sequence=2, level="error", stage="concepts", attempt=3, message="A failed: E: 1\n2", created_at=stamp(2)
    )
    there = ScriptedTransport(
        GetJob=pb.GetJobResponse(job=END),
        ListEvents=[lines(event(1, "job.pending", "pending by ada"), token="t"), lines(failed)],
    )
    assert operator.run(there, "logs", JOB_ID, "--errors", "--step", "abcd") == 0
    assert operator.out.splitlines() == [
        "2026-03-01 12:00:01 info    pending by ada",
        "2026-03-01 12:00:02 error   concepts: A failed: E: 1 2 (attempt 3)",
    ]
    first, second = there.sent(pb.ListEventsRequest)
    assert (first.errors_only, first.step_id, second.page_token) == (True, "abcd", "t")


def test_a_log_as_json_is_one_document_and_as_json_lines_one_object_a_line(operator: Operator) -> None:
    there = ScriptedTransport(
        GetJob=pb.GetJobResponse(job=END), ListEvents=lines(event(1, "job.pending", "a"), event(2, "job.failed", "b"))
    )
    assert operator.run(there, "logs", JOB_ID, "--json") == 0
    assert [line["sequence"] for line in json.loads(operator.out)["items"]] == [1, 2]
    assert operator.run(there, "logs", JOB_ID, "--jsonl") == 0
    assert [json.loads(line)["type"] for line in operator.out.splitlines()] == ["job.pending", "job.failed"]


def test_a_log_is_followed_until_the_job_ends_and_no_line_comes_twice(operator: Operator) -> None:
    before = END.last_sequence - 1
    there = WatchedServer(
        [finished(END.last_sequence, END)],
        GetJob=pb.GetJobResponse(job=job(at=before)),
        ListEvents=[
            lines(event(before, "job.processing", "first")),
            lines(event(END.last_sequence, "job.completed", "last")),
        ],
    )
    assert operator.run(there, "logs", JOB_ID, "-f") == 0
    assert [line.split()[-1] for line in operator.out.splitlines()] == ["first", "last"]
    assert [request.after_sequence for request in there.sent(pb.ListEventsRequest)] == [0, before]


def test_a_job_that_has_ended_is_not_followed(operator: Operator) -> None:
    there = ScriptedTransport(GetJob=pb.GetJobResponse(job=END), ListEvents=lines())
    assert operator.run(there, "logs", JOB_ID, "-f") == 0
    assert there.sent(pb.WatchProgressRequest) == []


def test_workers_tell_what_each_is_doing(operator: Operator) -> None:
    worker = pb.Worker(
        worker_id=JOB_ID,
        host="host-1",
        pid=101,
        status=pb.WORKER_STATUS_READY,
        queues=["heavy", "light"],
        slots=50,
        active=5,
        version="0.1.0",
        running=[pb.RunningStep(job_id=JOB_ID, label=f"Unit {number}") for number in range(5)],
    )
    worker.heartbeat_age.FromMilliseconds(1500)
    there = ScriptedTransport(ListWorkers=pb.ListWorkersResponse(workers=[worker]))
    assert operator.run(there, "workers", "--queue", "heavy") == 0
    _, row = operator.out.splitlines()
    assert re.split(" {2,}", row) == [
        "ready", SHORT_ID, "host-1:101", "0.1.0", "5/50", "1.5s ago", "heavy light",
        f"Unit 0 ({SHORT_ID}), Unit 1 ({SHORT_ID}), Unit 2 ({SHORT_ID}), 2 more",
    ]  # fmt: skip
    assert [request.queue for request in there.sent(pb.ListWorkersRequest)] == ["heavy"]
    assert operator.run(there, "workers", "--json") == 0
    (told,) = json.loads(operator.out)["items"]
    assert (told["heartbeat_age"], told["short_id"], len(told["running"])) == (1.5, SHORT_ID, 5)


def test_without_a_worker_that_is_said(operator: Operator) -> None:
    assert operator.run(ScriptedTransport(ListWorkers=pb.ListWorkersResponse()), "workers") == 0
    assert (operator.out, operator.err) == ("", "None.\n")


def letter(number: int) -> pb.DeadLetter:
    return pb.DeadLetter(
        dead_letter_id=JOB_ID, job_id=JOB_ID, step=step(f"Unit {number}", "FAILED", error="E: 429", tries=3).step,
        queue="heavy", fingerprint="ab12", created_at=stamp(1),
    )  # fmt: skip


def test_steps_that_failed_for_good_are_listed_with_their_errors(operator: Operator) -> None:
    there = ScriptedTransport(ListDeadLetters=pb.ListDeadLettersResponse(dead_letters=[letter(1)], next_page_token="t"))
    command = ("dead", "list", "--queue", "heavy", "--job", JOB_ID, "--fingerprint", "ab12", "--limit", "1")
    assert operator.run(there, *command) == 0
    header, row = operator.out.splitlines()
    assert header.split()[:2] == ["LETTER", "JOB"]
    assert (row.startswith(SHORT_ID), row.endswith("E: 429"), "Unit 1" in row) == (True, True, True)
    assert "--limit" in operator.err
    (request,) = there.sent(pb.ListDeadLettersRequest)
    wanted = pb.DeadLetterFilter(queue="heavy", job_id=JOB_ID, fingerprint="ab12")
    assert (request.filter, request.page_size) == (wanted, 1)


def test_errors_are_grouped_with_how_often_they_came(operator: Operator) -> None:
    group = pb.ErrorGroup(fingerprint="ab12", type="E", message="429", step_count=7, job_count=2)
    there = ScriptedTransport(ListErrorGroups=pb.ListErrorGroupsResponse(error_groups=[group]))
    assert operator.run(there, "dead", "groups", "--json") == 0
    (told,) = json.loads(operator.out)["items"]
    assert (told["step_count"], told["job_count"], told["fingerprint"]) == (7, 2, "ab12")
    assert operator.run(there, "--no-color", "dead", "groups") == 0
    assert operator.out.splitlines()[1].split() == ["7", "2", "-", "ab12", "E:", "429"]


def requeued(**fields: Any) -> pb.RequeueDeadLettersResponse:
    return pb.RequeueDeadLettersResponse(**fields)


def test_dead_letters_are_requeued_by_id_and_what_could_not_be_is_told(operator: Operator) -> None:
    failure = pb.BatchFailure(id=JOB_ID, reason="PATH_BUILD_ACTIVE", message="rust-101 is already being built")
    answer = requeued(requeued_count=1, retry_job_ids=[JOB_ID], failures=[failure])
    there = ScriptedTransport(RequeueDeadLetters=answer)
    assert operator.run(there, "dead", "requeue", "AB12", "cd34", "--reason", "quota is back") == 6
    assert operator.err.splitlines() == [
        "Requeued 1 dead letter.",
        f"Retry jobs: {SHORT_ID}.",
        f"{SHORT_ID}: rust-101 is already being built",
    ]
    (request,) = there.sent(pb.RequeueDeadLettersRequest)
    assert (list(request.dead_letter_ids), request.reason) == (["ab12", "cd34"], "quota is back")
    assert (bool(request.request_id), request.validate_only, request.HasField("filter")) == (True, False, False)


def test_dead_letters_are_requeued_one_first_and_the_rest_at_a_throttle(operator: Operator) -> None:
    answer = requeued(requeued_count=1, requeue_id=JOB_ID, waiting_count=41, remaining_count=7)
    there = ScriptedTransport(RequeueDeadLetters=answer)
    command = ("dead", "requeue", "--fingerprint", "ab12", "--canary", "--per-second", "2")
    assert operator.run(there, *command) == 0
    assert operator.err.splitlines()[1:] == [
        "41 more follow at 2 a second when its step has completed.  jobctl dead list",
        "7 remain: call again.",
    ]
    (request,) = there.sent(pb.RequeueDeadLettersRequest)
    assert (request.filter.fingerprint, request.canary, request.per_second) == ("ab12", True, 2.0)
    assert operator.run(there, *command, "--json") == 0
    assert json.loads(operator.out)["waiting"] == 41


def test_a_dry_run_says_would(operator: Operator) -> None:
    there = ScriptedTransport(
        RequeueDeadLetters=requeued(requeued_count=3),
        DiscardDeadLetters=pb.DiscardDeadLettersResponse(discarded_count=3),
    )
    assert operator.run(there, "dead", "requeue", "--queue", "heavy", "--dry-run") == 0
    assert operator.err == "Would requeue 3 dead letters.\n"
    assert operator.run(there, "dead", "discard", "--queue", "heavy", "--dry-run") == 0
    assert operator.err == "Would discard 3 dead letters.\n"
    assert all(request.validate_only for request in there.sent(pb.DiscardDeadLettersRequest))


@pytest.mark.parametrize("command", ["requeue", "discard"])
@pytest.mark.parametrize("argv", [(), ("ab12", "--queue", "heavy")])
def test_dead_letters_are_chosen_by_id_or_by_condition(operator: Operator, command: str, argv: tuple[str, ...]) -> None:
    assert operator.run(ScriptedTransport(), "dead", command, *argv) == 2
    assert "name dead letters, or choose them by" in operator.err


def test_a_dead_letter_is_shown_with_its_tracebacks(operator: Operator) -> None:
    attempt = pb.StepAttempt(attempt=3, outcome=pb.ATTEMPT_OUTCOME_HANDLER_ERROR, traceback="Traceback:\n  line 1")
    there = ScriptedTransport(
        ListDeadLetters=pb.ListDeadLettersResponse(dead_letters=[letter(1)]),
        GetJob=pb.GetJobResponse(job=END),
        GetStep=pb.GetStepResponse(step=letter(1).step, attempts=[attempt]),
    )
    assert operator.run(there, "dead", "show", SHORT_ID) == 0
    lines_ = operator.out.splitlines()
    assert lines_[0].split() == ["letter", JOB_ID]
    assert lines_[-3:] == ["attempt 3: handler_error", "  Traceback:", "    line 1"]
    assert [request.filter.dead_letter_id for request in there.sent(pb.ListDeadLettersRequest)] == [SHORT_ID]
    nothing = ScriptedTransport(ListDeadLetters=pb.ListDeadLettersResponse())
    assert operator.run(nothing, "dead", "show", "ffff") == 5


def test_a_job_is_explained_with_a_line_for_each_reason(operator: Operator) -> None:
    waits = [
        pb.Waiting(reason=pb.WAITING_REASON_EARLIER_JOB, message="starts when job x has ended"),
        pb.Waiting(reason=pb.WAITING_REASON_NO_WORKER, message="no live worker", stage="concepts", step_count=3),
    ]
    there = ScriptedTransport(GetJob=pb.GetJobResponse(job=job(at=1)), ExplainJob=pb.ExplainJobResponse(waiting=waits))
    assert operator.run(there, "explain", JOB_ID) == 0
    assert operator.out.splitlines() == [
        "job (earlier job): starts when job x has ended",
        "concepts, 3 steps (no worker): no live worker",
    ]
    assert operator.run(there, "explain", JOB_ID, "--json") == 0
    assert [wait["reason"] for wait in json.loads(operator.out)["items"]] == ["earlier_job", "no_worker"]


def test_a_job_that_has_ended_or_moves_has_nothing_to_explain(operator: Operator) -> None:
    there = ScriptedTransport(GetJob=pb.GetJobResponse(job=END), ExplainJob=pb.ExplainJobResponse())
    assert operator.run(there, "explain", JOB_ID) == 0
    assert operator.err == f"{SHORT_ID} has ended: completed.\n"
    there = ScriptedTransport(GetJob=pb.GetJobResponse(job=job(at=1)), ExplainJob=pb.ExplainJobResponse())
    assert operator.run(there, "explain", JOB_ID) == 0
    assert operator.err == "Nothing waits.\n"


def test_stats_say_what_there_is_now_and_what_ended_lately(operator: Operator) -> None:
    answer = pb.GetStatsResponse(active=3, waiting=41, completed=1204, failed=7, dead_letters=2)
    answer.window.FromSeconds(3600)
    there = ScriptedTransport(GetStats=answer)
    assert operator.run(there, "stats", "--window", "1h") == 0
    assert operator.out == "active 3  waiting 41  dead letters 2\nwithin 1h00m: completed 1,204  failed 7\n"
    assert there.sent(pb.GetStatsRequest)[0].window.seconds == 3600
    assert operator.run(there, "stats", "--json") == 0
    assert json.loads(operator.out)["completed"] == 1204


def test_workers_are_drained_one_after_the_other(operator: Operator) -> None:
    worker = pb.Worker(worker_id="0193f0a1-7c21-7abc-8def-0001aaaabbbb", status=pb.WORKER_STATUS_DRAINING)
    there = ScriptedTransport(DrainWorker=pb.DrainWorkerResponse(worker=worker))
    assert operator.run(there, "workers", "drain", "aaaabbbb", "CCCC", "--reason", "new kernel") == 0
    assert there.requests == [
        pb.DrainWorkerRequest(worker_id=given, reason="new kernel") for given in ("aaaabbbb", "cccc")
    ]
    assert re.search(r"draining +aaaabbbb", operator.out)
    for argv in (["workers", "drain"], ["workers", "aaaabbbb"]):
        assert operator.run(there, *argv) == 2
        assert "drain WORKER" in operator.err
