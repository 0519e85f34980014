"""The command line as a whole, against a scripted server: what it prints where, and how it exits."""

import json
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jobcontrol import Client
from jobcontrol import v1 as pb
from jobcontrol.cli import app
from jobcontrol.cli.exits import ExitCode
from jobcontrol.errors import (
    AlreadyRunning,
    ApiError,
    ConnectionFailed,
    InvalidInput,
    InvalidState,
    JobControlError,
    NotAuthenticated,
    NotFound,
    NotServed,
    PermissionDenied,
    RateLimited,
    RequestTimeout,
    ServerError,
)
from sdk.recording import END, JOB_ID, SHORT_ID, changed, changes, finished, job, partial_build, snapshot, step
from sdk.scripted import ScriptedTransport, WatchedServer, silence
from unit.shell import Shell

BUILD = ["start", "learning-path", "rust-101"]
STARTED = pb.StartBuildResponse(job=job("PENDING", at=0), job_id=JOB_ID)
REFUSED = ConnectionFailed("no server at localhost:50051 (refused)", why="refused")


def server(**answers: Any) -> ScriptedTransport:
    return ScriptedTransport(**answers)


def ended(status: str, *, errors: int = 0) -> pb.Job:
    return job(status, percent=100 if status == "COMPLETED" else 40, at=9, errors=errors)


def watched(end: pb.Job) -> WatchedServer:
    commits = [*partial_build()[:-1], finished(7, end)]
    there = pb.GetJobResponse(job=job(at=0))
    return WatchedServer(commits, snapshot=lambda: snapshot(5, job(at=5)), GetJob=there, StartBuild=STARTED)


ENDS = [("COMPLETED", 0, 0), ("COMPLETED", 2, 3), ("FAILED", 1, 1), ("CANCELLED", 0, 4)]


@pytest.mark.parametrize(("status", "errors", "code"), ENDS)
@pytest.mark.parametrize("argv", [["watch", JOB_ID], ["wait", JOB_ID], [*BUILD, "--watch"], [*BUILD, "--wait"]])
def test_the_exit_code_tells_how_the_job_ended(
    shell: Shell, argv: list[str], status: str, errors: int, code: int
) -> None:
    assert shell.run(watched(ended(status, errors=errors)), *argv) == code


@pytest.mark.parametrize(("status", "errors", "code"), ENDS)
@pytest.mark.parametrize("argv", [["watch", JOB_ID], ["wait", JOB_ID], ["get", JOB_ID, "--exit-status"]])
def test_it_tells_the_same_of_a_job_that_had_ended_before(
    shell: Shell, argv: list[str], status: str, errors: int, code: int
) -> None:
    over = server(GetJob=pb.GetJobResponse(job=ended(status, errors=errors)))
    assert shell.run(over, *argv) == code


@pytest.mark.parametrize("argv", [["watch", JOB_ID], ["wait", JOB_ID], ["get", JOB_ID, "--exit-status"]])
def test_failed_steps_may_be_allowed(shell: Shell, argv: list[str]) -> None:
    over = server(GetJob=pb.GetJobResponse(job=ended("COMPLETED", errors=2)))
    assert shell.run(over, *argv, "--allow-partial") == 0


@pytest.mark.parametrize(
    ("ends", "code"),
    [
        (["COMPLETED", "COMPLETED"], 0),
        (["CANCELLED", "COMPLETED"], 4),
        (["CANCELLED", "FAILED", "COMPLETED"], 1),
    ],
)
def test_of_several_jobs_the_worst_counts(shell: Shell, ends: Sequence[str], code: int) -> None:
    answers = [pb.GetJobResponse(job=ended(status)) for status in ends]
    assert shell.run(server(GetJob=answers), "wait", *["aaaa"] * len(ends)) == code


def retryable(error: ServerError) -> ServerError:
    error.retryable = True
    return error


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (InvalidInput("job_id: too short"), 2),
        (NotServed("priority is not served by this version"), 2),
        (NotFound("there is no job abcd"), 5),
        (AlreadyRunning("busy"), 6),
        (InvalidState("it has ended"), 6),
        (NotAuthenticated("no token"), 7),
        (PermissionDenied("not yours"), 7),
        (REFUSED, 8),
        (RequestTimeout("no answer in time"), 8),
        (RateLimited("full"), 8),
        (retryable(ServerError("no database")), 8),
        (ServerError("a defect"), 1),
        (ApiError("strange"), 1),
    ],
)
def test_each_error_is_one_line_with_its_own_code(shell: Shell, error: JobControlError, code: int) -> None:
    assert shell.fails(error)[0] == code
    assert shell.err.startswith(f"error: {error.message}")
    assert shell.err.count("\n") == 1
    assert shell.out == ""


def test_a_server_that_is_not_there_is_told_with_the_command_that_starts_one(shell: Shell) -> None:
    code, told = shell.fails(REFUSED, "list")
    assert (code, told) == (8, "error: no server at localhost:50051 (refused); start one: jobctl dev\n")


def test_a_build_that_replaces_another_says_what_it_waits_for(shell: Shell) -> None:
    waiting = job("PENDING", at=0)
    waiting.waits_for = "0193f0a1-7c21-7abc-8def-0001aaaabbbb"
    there = server(StartBuild=pb.StartBuildResponse(job=waiting, job_id=JOB_ID))
    assert shell.run(there, *BUILD, "--if-running", "replace") == 0
    assert shell.err == f"Started {SHORT_ID}, waits for aaaabbbb to end\n"
    assert there.sent(pb.StartBuildRequest)[0].conflict_policy == pb.CONFLICT_POLICY_CANCEL_EXISTING


def test_a_path_that_is_being_built_is_told_with_its_job(shell: Shell) -> None:
    facts = {"path_id": "rust-101", "active_job_id": JOB_ID, "percent": "62"}
    code, told = shell.fails(AlreadyRunning("busy", reason="PATH_BUILD_ACTIVE", metadata=facts), *BUILD)
    assert code == 6
    assert told == (
        "error: rust-101 is already being built (7f3a91c2, 62%); "
        "follow it: jobctl watch 7f3a91c2, or --if-running attach, or replace\n"
    )


@pytest.mark.parametrize(
    "argv",
    [
        ["bogus"],
        ["start", "learning-path"],
        ["list", "--limit", "many"],
        ["list", "--status", "sleeping"],
        ["list", "--progress", "loud"],
        ["watch", "abcd", "--timeout", "soon"],
        [*BUILD, "--timeout", "5m"],
        [*BUILD, "--if-running", "wait"],
        [*BUILD, "-i", "depth"],
        [*BUILD, "-f", "not/there.json"],
        [*BUILD, "--document", "not/there.md"],
        ["result", "abcd", "--format", "pdf"],
        ["result", "abcd", "--format", "json", "--media-type", "text/markdown"],
    ],
)
def test_what_is_typed_wrong_is_one_line_and_two(shell: Shell, argv: list[str]) -> None:
    anything = server(StartBuild=STARTED, GetJob=pb.GetJobResponse(job=END))
    assert shell.run(anything, *argv) == ExitCode.USAGE
    assert shell.err.startswith("error: ")
    assert shell.err.count("\n") == 1
    assert anything.sent(pb.StartBuildRequest) == []


def test_the_time_for_waiting_may_pass_and_the_job_goes_on(shell: Shell) -> None:
    slow = watched(END)
    slow._deaths = [(1, silence())]
    assert shell.run(slow, "watch", JOB_ID, "--timeout", "20s") == 124
    assert shell.err.splitlines()[-1].endswith("it goes on: jobctl watch 7f3a91c2")


def test_ctrl_c_detaches_and_says_how_to_come_back(shell: Shell) -> None:
    torn = watched(END)
    torn._deaths = [(2, KeyboardInterrupt())]  # type: ignore[list-item]
    assert shell.run(torn, *BUILD, "--watch") == 130
    assert shell.err.splitlines()[-1] == (
        "Detached; the job goes on.  jobctl watch 7f3a91c2  ·  jobctl cancel 7f3a91c2"
    )


def test_start_prints_the_id_alone_on_stdout(shell: Shell) -> None:
    assert shell.run(server(StartBuild=STARTED), *BUILD) == 0
    assert (shell.out, shell.err) == (f"{JOB_ID}\n", f"Started {SHORT_ID}\n")


def test_start_sends_what_was_typed(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "rust.md").write_text("# Rust", encoding="utf-8")
    (tmp_path / "input.json").write_text('{"depth": 1, "lang": "en"}', encoding="utf-8")
    busy = server(StartBuild=STARTED)
    typed = [
        "--document",
        str(tmp_path / "rust.md"),
        "-f",
        str(tmp_path / "input.json"),
        "-i",
        "depth=3",
        "-i",
        "tag=a=b",
    ]
    more = ["--title", "Rust", "--label", "team=red", "--key", "nightly", "--if-running", "attach"]
    assert shell.run(busy, *BUILD, *typed, *more) == 0
    (request,) = busy.sent(pb.StartBuildRequest)
    assert dict(request.parameters) == {"depth": 3.0, "lang": "en", "tag": "a=b"}
    assert (request.title, dict(request.labels), request.request_id) == ("Rust", {"team": "red"}, "nightly")
    assert request.document.content == b"# Rust"
    assert request.conflict_policy == pb.CONFLICT_POLICY_USE_EXISTING


def test_the_last_job_started_here_is_at_last(shell: Shell) -> None:
    shell.run(server(StartBuild=STARTED), *BUILD)
    there = server(GetJob=pb.GetJobResponse(job=END))
    assert shell.run(there, "get", "@last") == 0
    assert there.sent(pb.GetJobRequest)[0].job_id == JOB_ID


def test_without_a_last_job_that_is_said(shell: Shell) -> None:
    assert shell.run(server(), "watch", "@last") == 5
    assert "no job was started from here" in shell.err


def test_a_place_that_cannot_be_written_does_not_stop_a_start(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/dev/null/nowhere")
    assert shell.run(server(StartBuild=STARTED), *BUILD) == 0


def test_a_watch_as_json_lines_numbers_all_that_each_commit_told(shell: Shell) -> None:
    assert shell.run(watched(END), "watch", JOB_ID, "--after", "0", "--jsonl") == 3
    told = [json.loads(line) for line in shell.out.splitlines()]
    assert [(line["sequence"], line["index"], line["type"]) for line in told[-5:]] == [
        (5, 0, "step.completed"),
        (5, 1, "job.progress"),
        (6, 0, "step.failed"),
        (6, 1, "job.progress"),
        (7, 0, "job.completed"),
    ]
    assert [line["sequence"] for line in told] == sorted(line["sequence"] for line in told)
    assert told[-1]["job"]["status"] == "completed"


def test_color_is_left_out_when_it_is_not_wanted(shell: Shell) -> None:
    shell.run(watched(END), "watch", JOB_ID, "--progress", "tty", "--no-color")
    assert "\x1b[3" not in shell.err
    assert "Knowledge Units" in shell.err


def test_a_replay_is_asked_for_from_the_commit_named(shell: Shell) -> None:
    there = watched(END)
    shell.run(there, "watch", JOB_ID, "--after", "3")
    assert there.sent(pb.WatchProgressRequest)[0].after_sequence == 3


def test_the_list_says_when_there_is_more(shell: Shell) -> None:
    many = server(ListJobs=pb.ListJobsResponse(jobs=[END] * 2, next_page_token="more"))
    assert shell.run(many, "list", "--limit", "2", "-s", "completed", "--has-errors") == 0
    header, *rows = shell.out.splitlines()
    assert header.split() == ["STATUS", "JOB", "PATH", "STAGE", "PROGRESS", "FAILED", "CREATED", "TOOK"]
    assert [row.split()[:3] for row in rows] == [["completed", SHORT_ID, "rust-101"]] * 2
    assert "more with --limit, or with --cursor more" in shell.err
    assert many.sent(pb.ListJobsRequest)[0].has_failed_steps


@pytest.mark.parametrize("argv", [["--json", "list"], ["list", "--json"]])
def test_options_of_all_commands_stand_before_or_behind_the_name(shell: Shell, argv: list[str]) -> None:
    assert shell.run(server(ListJobs=pb.ListJobsResponse(jobs=[END])), *argv) == 0
    document = json.loads(shell.out)
    assert document["next_cursor"] is None
    assert [item["short_id"] for item in document["items"]] == [SHORT_ID]
    assert document["items"][0]["created_at"] == "2026-03-01T12:00:00Z"


def test_the_server_and_token_typed_win(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOBCONTROL_SERVER", "other:1")
    shell.run(server(ListJobs=pb.ListJobsResponse()), "list", "--server", "box:9", "--token=t")
    assert (shell.settings[-1].server, shell.settings[-1].token) == ("box:9", "t")
    shell.run(server(ListJobs=pb.ListJobsResponse()), "list")
    assert shell.settings[-1].server == "other:1"


def test_failed_steps_are_listed_with_their_errors(shell: Shell) -> None:
    lost = step("Lifetimes", "FAILED", error="RateLimitError: 429\nslow down", tries=3).step
    there = server(GetJob=pb.GetJobResponse(job=END), ListSteps=pb.ListStepsResponse(steps=[lost]))
    assert shell.run(there, "steps", JOB_ID, "--failed", "--stage", "knowledge-units") == 0
    assert shell.out.splitlines()[1].endswith("Lifetimes  3      -      -     RateLimitError: 429 slow down")
    (request,) = there.sent(pb.ListStepsRequest)
    assert (list(request.status), request.stage) == ([pb.STEP_STATUS_FAILED], "knowledge-units")


def test_a_result_is_written_byte_for_byte(shell: Shell, tmp_path: Path) -> None:
    parts = [pb.GetResultResponse(media_type="text/markdown", chunk=chunk) for chunk in (b"# R\xc3", b"\xbc")]
    there = server(GetJob=pb.GetJobResponse(job=END), GetResult=parts)
    assert shell.run(there, "result", JOB_ID, "--format", "markdown", "-o", str(tmp_path / "path.md")) == 0
    assert (tmp_path / "path.md").read_bytes() == "# Rü".encode()
    assert there.sent(pb.GetResultRequest)[0].media_type == "text/markdown"
    assert shell.run(there, "result", JOB_ID) == 0
    assert shell.out == "# Rü\n"


def test_cancel_goes_on_after_a_job_that_cannot_be(shell: Shell) -> None:
    answers = [InvalidState("job a has already ended: COMPLETED"), pb.CancelResponse(job=job("CANCELLED"))]
    there = server(GetJob=pb.GetJobResponse(job=job()), Cancel=answers)
    assert shell.run(there, "cancel", "aaaa", "bbbb", "--reason", "too slow") == 6
    assert shell.err.splitlines() == ["error: job a has already ended: COMPLETED", f"Cancelled {SHORT_ID}."]
    assert [request.reason for request in there.sent(pb.CancelRequest)] == ["too slow", "too slow"]


def test_cancel_that_waits_tells_how_the_steps_let_go(shell: Shell) -> None:
    def told(receipt: str, status: str, *labels: str) -> list[pb.StepChange]:
        return [step(label, status, stop_receipt=pb.StopReceipt.Value(f"STOP_RECEIPT_{receipt}")) for label in labels]

    there = server(
        GetJob=pb.GetJobResponse(job=job("PROCESSING", at=3)),
        Cancel=pb.CancelResponse(job=job("CANCELLING", at=4)),
        WatchProgress=[
            changed(4, changes(50, (), *told("REQUESTED", "PROCESSING", "Ownership", "Borrowing", "Lifetimes"))),
            changed(5, changes(50, (), *told("ABANDONED", "CANCELLED", "Borrowing"))),
            finished(
                6, job("CANCELLED", at=6), changes(50, (), *told("STOPPED", "CANCELLED", "Ownership", "Lifetimes"))
            ),
        ],
    )
    assert shell.run(there, "cancel", "aaaa", "--wait", "--force") == 0
    assert shell.err.splitlines() == [
        f"Cancelling {SHORT_ID}: 0 steps finishing.  jobctl watch {SHORT_ID}",
        f"Cancelled {SHORT_ID}.",
        "  abandoned: Borrowing",
        "  stopped: Ownership, Lifetimes",
    ]
    assert there.sent(pb.WatchProgressRequest)[0].after_sequence == 3
    assert [request.force for request in there.sent(pb.CancelRequest)] == [True]


def test_pause_and_resume_say_what_goes_on_meanwhile(shell: Shell) -> None:
    held, going = job("PAUSED", percent=20, at=4), job("PROCESSING", percent=20, at=5)
    there = server(
        GetJob=pb.GetJobResponse(job=job()), Pause=pb.PauseResponse(job=held), Resume=pb.ResumeResponse(job=going)
    )
    assert shell.run(there, "pause", JOB_ID, "--reason", "too hot") == 0
    assert shell.err.startswith(f"Paused {SHORT_ID}, ")
    assert shell.err.endswith(f" finishing.  jobctl resume {SHORT_ID}\n")
    assert shell.run(there, "resume", JOB_ID, "--json") == 0
    assert shell.err == f"Resumed {SHORT_ID}.  jobctl watch {SHORT_ID}\n"
    assert json.loads(shell.out)["items"][0]["status"] == "processing"
    assert there.sent(pb.PauseRequest)[0].reason == "too hot"


def test_pipelines_tell_their_stages(shell: Shell) -> None:
    stages = [pb.PipelineStage(stage=name) for name in ("concepts", "finalize")]
    learning = pb.Pipeline(
        pipeline="learning-path", version=1, document=pb.DOCUMENT_REQUIREMENT_REQUIRED, has_sample=True, stages=stages
    )
    assert shell.run(server(ListPipelines=pb.ListPipelinesResponse(pipelines=[learning])), "pipelines") == 0
    assert shell.out.splitlines()[1].startswith("learning-path  1        required, has a sample  concepts > finalize")


@pytest.mark.parametrize("argv", [["list"], ["list", "--jsonl"], ["get", JOB_ID], ["result", JOB_ID]])
def test_a_reader_that_has_gone_is_no_error_to_speak_of(
    argv: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    many = pb.ListJobsResponse(jobs=[END] * 50)
    part = pb.GetResultResponse(media_type="application/json", chunk=b"[]")
    there = server(ListJobs=many, GetJob=pb.GetJobResponse(job=END), GetResult=[part])
    with os.fdopen(writer, "w", encoding="utf-8") as pipe:
        # What is set back afterwards: typer exchanges both.
        monkeypatch.setattr(sys, "stdout", pipe)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        assert app.run(argv, lambda _: Client(transport=there)) == 141
    assert capsys.readouterr().err == ""


def test_an_unexpected_error_is_one_line_too(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        _defect()
    except ZeroDivisionError as error:
        app.tell_defect(type(error), error, error.__traceback__)
    told = capsys.readouterr().err
    assert told.startswith("error: ZeroDivisionError: division by zero at test_cli_commands.py:")
    assert told.count("\n") == 1


def _defect() -> float:
    return 1 / 0


def test_the_client_is_closed_at_the_end(shell: Shell) -> None:
    there = server(ListJobs=pb.ListJobsResponse())
    shell.run(there, "list")
    assert there.is_closed


class Point:
    """An entry point without a package behind it."""

    name = "dev"
    dist = None

    def __init__(self, load: Callable[[], object]) -> None:
        self.load = load


def test_a_command_of_another_package_is_loaded_only_when_it_is_called(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []

    def dev(port: int = 1) -> int:
        return port

    def load() -> object:
        loaded.append("dev")
        return dev

    monkeypatch.setattr("jobcontrol.cli.plugins.entry_points", lambda group: [Point(load)])
    shell.run(server(ListJobs=pb.ListJobsResponse()), "list")
    assert loaded == []
    assert shell.run(server(), "dev", "--port", "7") == 7


def test_a_command_whose_packages_are_missing_says_what_to_install(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load() -> object:
        raise ModuleNotFoundError("No module named 'sqlalchemy'")

    monkeypatch.setattr("jobcontrol.cli.plugins.entry_points", lambda group: [Point(load)])
    assert shell.run(server(), "dev") == 2
    assert shell.err == "error: jobctl dev needs pip install 'jobcontrol[server]' (No module named 'sqlalchemy')\n"
    assert shell.run(server(), "--help") == 0
    assert "Needs pip install 'jobcontrol[server]'." in shell.out
