"""How a job ended, and what it lacks, as the commands tell it."""

import json

from jobcontrol import v1 as pb
from sdk.recording import END, JOB_ID, job, step
from unit.shell import Shell
from unit.test_cli_commands import server, watched


def test_a_watch_in_a_pipe_tells_lines_and_how_it_ended(shell: Shell) -> None:
    assert shell.run(watched(END), "watch", JOB_ID) == 3
    lines = shell.err.splitlines()
    assert lines[-1] == "Completed with 1 failed step in 3m30.  Retry them:  jobctl retry 7f3a91c2"
    assert any("concepts 12/12 done" in line for line in lines)
    assert shell.out == ""


def test_what_a_build_lacks_is_named_at_its_end_and_when_it_is_looked_at(shell: Shell) -> None:
    lost = step("Borrowing", "FAILED", stage="sub-concepts", tries=4, error="ValueError: too slow").step
    end = job("COMPLETED", percent=100, at=9, errors=3, missing=[lost])
    shell.run(watched(end), "watch", JOB_ID)
    assert shell.err.splitlines()[-3:-1] == [
        "Missing  sub-concepts: Borrowing: ValueError: too slow (4 tries)",
        "Missing  2 more",
    ]
    shell.run(server(GetJob=pb.GetJobResponse(job=end)), "get", JOB_ID)
    assert [line.split(maxsplit=1) for line in shell.out.splitlines() if "missing" in line] == [
        ["missing", "sub-concepts: Borrowing: ValueError: too slow (4 tries)"],
        ["missing", "2 more"],
    ]
    shell.run(server(GetJob=pb.GetJobResponse(job=end)), "--json", "get", JOB_ID)
    assert json.loads(shell.out)["missing"][0]["error"]["type"] == "ValueError"


def test_a_cancelled_job_is_told_with_who_and_why(shell: Shell) -> None:
    stopped = job("CANCELLED", percent=40, at=9, status_actor="anna", status_reason="too slow")
    shell.run(server(GetJob=pb.GetJobResponse(job=stopped)), "wait", JOB_ID)
    assert shell.err == (
        "rust-101 (7f3a91c2): Cancelled by anna after 3m30 (too slow).  Go on with it:  jobctl retry 7f3a91c2\n"
    )


def test_a_paused_job_is_shown_with_who_and_why(shell: Shell) -> None:
    held = job("PAUSED", percent=40, at=9, status_actor="anna", status_reason="too hot")
    shell.run(server(GetJob=pb.GetJobResponse(job=held)), "get", JOB_ID)
    assert "paused by anna: too hot" in shell.out
