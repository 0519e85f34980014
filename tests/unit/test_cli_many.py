"""Jobs chosen by a filter: counted first, asked about, and what could not be is told."""

import io
import json

import pytest

from jobcontrol import v1 as pb
from jobcontrol.errors import InvalidState
from sdk.recording import END, JOB_ID, job
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

WHERE = ["--filter", "status = failed"]
FAILURE = pb.BatchFailure(id=JOB_ID, reason="JOB_TERMINAL", message="job has already ended: COMPLETED")


def found(count: int = 3) -> ScriptedTransport:
    return ScriptedTransport(
        BatchCancel=pb.BatchCancelResponse(cancelled_count=count),
        BatchRetry=pb.BatchRetryResponse(retried_count=count, job_ids=[JOB_ID]),
        ListJobs=pb.ListJobsResponse(jobs=[job(), END][:count]),
        Pause=[InvalidState("it is stopping"), pb.PauseResponse(job=job("PAUSED"))],
        Resume=pb.ResumeResponse(job=job()),
    )


class Keyboard(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("verb", ["cancel", "retry", "pause", "resume"])
def test_a_dry_run_counts_and_does_nothing(shell: Shell, verb: str) -> None:
    there = found(2)
    assert shell.run(there, verb, *WHERE, "--dry-run") == 0
    assert shell.err == f"Would {verb} 2 jobs; nothing was done.\n"
    assert all(getattr(request, "validate_only", True) for request in there.requests)


@pytest.mark.parametrize("verb", ["cancel", "retry", "pause", "resume"])
def test_without_somebody_to_ask_nothing_is_done_unless_it_was_agreed_before(shell: Shell, verb: str) -> None:
    there = found(2)
    assert shell.run(there, verb, *WHERE) == 2
    assert f"would {verb} 2 jobs; --yes does it" in shell.err
    assert not there.sent(pb.PauseRequest)
    assert not there.sent(pb.ResumeRequest)


def test_what_was_agreed_to_is_done_and_told(shell: Shell) -> None:
    there = found()
    assert shell.run(there, "cancel", *WHERE, "--yes", "--reason", "too hot") == 0
    counted, done = there.sent(pb.BatchCancelRequest)
    assert (counted.validate_only, done.validate_only) == (True, False)
    assert (done.filter.filter, done.reason) == ("status = failed", "too hot")
    assert shell.run(there, "retry", *WHERE, "--yes", "--all-steps", "--json") == 0
    assert json.loads(shell.out) == {"count": 3, "job_ids": [JOB_ID], "failures": []}
    assert there.sent(pb.BatchRetryRequest)[-1].mode == pb.RETRY_MODE_FROM_SCRATCH


@pytest.mark.parametrize(("answer", "calls"), [("y\n", 2), ("n\n", 1), ("", 1)])
def test_at_a_terminal_it_is_asked_and_no_is_the_default(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, answer: str, calls: int
) -> None:
    monkeypatch.setattr("sys.stdin", Keyboard(answer))
    there = found()
    assert shell.run(there, "cancel", *WHERE) == 0
    assert shell.err.startswith("Cancel 3 jobs? [y/N] ")
    assert len(there.sent(pb.BatchCancelRequest)) == calls


def test_jobs_that_could_not_be_are_told_and_make_it_a_conflict(shell: Shell) -> None:
    answer = pb.BatchRetryResponse(retried_count=2, failures=[FAILURE])
    there = ScriptedTransport(ListJobs=pb.ListJobsResponse(), BatchRetry=answer)
    assert shell.run(there, "retry", *WHERE, "--yes") == 6
    assert shell.err.splitlines() == ["Retried 2 jobs.", "7f3a91c2: job has already ended: COMPLETED"]
    assert shell.run(found(2), "pause", *WHERE, "--yes") == 6
    assert shell.err.splitlines() == ["Paused 1 job.", "7f3a91c2: it is stopping"]


def test_pause_and_resume_ask_for_the_jobs_that_can_be(shell: Shell) -> None:
    there = found(2)
    shell.run(there, "pause", *WHERE, "--dry-run")
    shell.run(there, "resume", *WHERE, "--dry-run")
    running, paused = (list(request.status) for request in there.sent(pb.ListJobsRequest))
    assert running == [pb.JOB_STATUS_PENDING, pb.JOB_STATUS_PROCESSING]
    assert paused == [pb.JOB_STATUS_PAUSED]


def test_nothing_found_is_said(shell: Shell) -> None:
    assert shell.run(found(0), "cancel", *WHERE, "--yes") == 0
    assert shell.err == "The filter finds no such job.\n"


@pytest.mark.parametrize(
    "words",
    [
        ["cancel"],
        ["cancel", JOB_ID, *WHERE],
        ["cancel", JOB_ID, "--yes"],
        ["cancel", JOB_ID, "--dry-run"],
        ["cancel", *WHERE, "--yes", "--wait"],
        ["retry", *WHERE, "--watch"],
        ["retry", JOB_ID, JOB_ID, "--dry-run"],
        ["retry", JOB_ID, JOB_ID, "-i", "a=1"],
    ],
)
def test_what_does_not_go_together_is_a_usage_error_and_nothing_is_asked(shell: Shell, words: list[str]) -> None:
    there = found()
    assert shell.run(there, *words) == 2
    assert there.requests == []


def test_several_jobs_are_retried_one_by_one(shell: Shell) -> None:
    there = ScriptedTransport(
        GetJob=pb.GetJobResponse(job=END),
        Retry=[InvalidState("nothing to retry"), pb.RetryResponse(job=job("PENDING"))],
    )
    assert shell.run(there, "retry", "aaaa", "bbbb", "--json") == 6
    assert len(json.loads(shell.out)["items"]) == 1
    assert "Started 7f3a91c2, attempt 1 of rust-101." in shell.err
