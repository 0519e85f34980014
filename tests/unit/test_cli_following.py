"""Staying with a job: what ends it early, and what Ctrl+C and signals do."""

import json
import os
import signal
from collections.abc import Sequence
from typing import Any

import pytest

from jobcontrol import v1 as pb
from jobcontrol.errors import InvalidState
from sdk.recording import END, JOB_ID, SHORT_ID, changed, changes, finished, job, partial_build
from sdk.scripted import WatchedServer
from unit.shell import Shell

CANCELLED = job("CANCELLED", percent=40, at=2, status_actor="ada", status_reason="interrupted at the command line")
WATCH = ["watch", JOB_ID, "--after", "0"]


def building(*commits: pb.WatchProgressResponse, deaths: Sequence[tuple[int, Any]] = ()) -> WatchedServer:
    return WatchedServer(
        commits or partial_build(),
        deaths=deaths,
        GetJob=pb.GetJobResponse(job=job(at=0)),
        Cancel=pb.CancelResponse(job=job("CANCELLING")),
    )


def interrupted(*after: int) -> list[tuple[int, Any]]:
    """Ctrl+C, once for each number: after so many messages."""
    return [(count, KeyboardInterrupt()) for count in after]


@pytest.mark.parametrize("form", [[], ["--jsonl"]])
def test_fail_fast_leaves_at_the_first_failed_step_and_the_job_goes_on(shell: Shell, form: list[str]) -> None:
    there = building()
    assert shell.run(there, *WATCH, "--fail-fast", *form) == 1
    assert shell.err.splitlines()[-1] == f"A step failed; the job goes on at 79%.  jobctl steps {SHORT_ID} --failed"
    assert all(stream.is_cancelled for stream in there.streams)
    assert "completed" not in shell.out.splitlines()[-1:]


def test_fail_fast_of_a_job_without_failed_steps_ends_as_the_job_does(shell: Shell) -> None:
    assert shell.run(building(finished(1, job("COMPLETED", percent=100))), *WATCH, "--fail-fast") == 0


def test_steps_are_told_one_by_one_if_that_is_wanted(shell: Shell) -> None:
    assert shell.run(building(), *WATCH, "--steps") == 3
    assert "knowledge-units: Moves completed (2)" in shell.err


def test_ctrl_c_cancels_if_that_was_asked_for_and_the_end_is_waited_for(shell: Shell) -> None:
    there = building(changed(1, changes(40, ())), finished(2, CANCELLED), deaths=interrupted(1))
    assert shell.run(there, *WATCH, "--cancel-on-interrupt") == 4
    assert f"Cancelling {SHORT_ID}: 0 steps finishing." in shell.err
    assert shell.err.splitlines()[-1].startswith("Cancelled by ada")
    assert [request.reason for request in there.sent(pb.CancelRequest)] == ["interrupted at the command line"]


def test_a_job_that_ended_before_it_could_be_cancelled_ends_as_it_did(shell: Shell) -> None:
    there = WatchedServer(
        partial_build(),
        deaths=interrupted(1),
        GetJob=[pb.GetJobResponse(job=job(at=0)), pb.GetJobResponse(job=END)],
        Cancel=InvalidState("job has already ended: COMPLETED"),
    )
    assert shell.run(there, *WATCH, "--cancel-on-interrupt") == 3
    assert "error" not in shell.err


def test_a_second_ctrl_c_lets_go_of_a_job_that_is_being_cancelled(shell: Shell) -> None:
    there = building(changed(1, changes(40, ())), deaths=interrupted(1, 0))
    assert shell.run(there, *WATCH, "--cancel-on-interrupt") == 130
    assert len(there.sent(pb.CancelRequest)) == 1
    assert "Detached; the job goes on." in shell.err


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_process_gives_the_cursor_back(shell: Shell, signum: signal.Signals) -> None:
    class Signalled(WatchedServer):
        def _told(self, request: pb.WatchProgressRequest) -> Any:
            yield partial_build()[0]
            os.kill(os.getpid(), signum)
            yield from partial_build()[1:]

    before = signal.getsignal(signum)
    there = Signalled(partial_build(), GetJob=pb.GetJobResponse(job=job(at=0)))
    # Read as a stream is: one by one, so that the signal comes in the middle.
    with pytest.raises(SystemExit) as leaving:
        shell.run(there, *WATCH, "--progress", "tty")
    assert leaving.value.code == 128 + signum
    assert signal.getsignal(signum) is before
    assert shell.read_err().endswith("\x1b[?25h")


def test_a_start_reads_its_parameters_from_stdin(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    for argv in (["-"], ["-f", "-"]):
        shell.type(monkeypatch, '{"depth": 2}')
        there = WatchedServer([], StartBuild=pb.StartBuildResponse(job=job("PENDING", at=0), job_id=JOB_ID))
        assert shell.run(there, "start", "learning-path", "rust-101", *argv, "--json") == 0
        assert dict(there.sent(pb.StartBuildRequest)[0].parameters) == {"depth": 2.0}
        assert json.loads(shell.out)["short_id"] == SHORT_ID


@pytest.mark.parametrize("argv", [["more"], ["-", "-f", "x.json"], ["-", "--document", "-"]])
def test_stdin_is_read_for_one_thing_alone(shell: Shell, argv: list[str]) -> None:
    assert shell.run(building(), "start", "learning-path", "rust-101", *argv) == 2
    assert shell.err.count("\n") == 1


def test_a_list_of_jobs_that_were_waited_for_is_one_document(shell: Shell) -> None:
    over = WatchedServer([], GetJob=pb.GetJobResponse(job=END))
    assert shell.run(over, "wait", JOB_ID, "--json") == 3
    assert [item["status"] for item in json.loads(shell.out)["items"]] == ["completed"]
