"""`jobctl retry` and the options of `jobctl start` that say how a build is run, against a scripted server."""

import json
from pathlib import Path

from jobcontrol import v1 as pb
from sdk.recording import END, JOB_ID
from unit.shell import Shell
from unit.test_cli_commands import BUILD, server


def test_retry_says_what_it_takes_over_and_prints_the_new_id(shell: Shell) -> None:
    new = pb.Job(job_id="0193f0a1-7c21-7abc-8def-0001aaaabbbb", attempt=2, reused_steps=257, retry_of=JOB_ID)
    there = server(GetJob=pb.GetJobResponse(job=END), Retry=pb.RetryResponse(job=new))
    assert shell.run(there, "retry", JOB_ID, "--all-steps") == 0
    assert shell.err.splitlines() == ["Attempt 2, reusing 257 completed steps.", "Started aaaabbbb"]
    assert shell.out == f"{new.job_id}\n"
    assert there.sent(pb.RetryRequest)[0].mode == pb.RETRY_MODE_FROM_SCRATCH


def test_a_retry_with_other_input_or_only_asked_about(shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "new.md").write_text("# New\n")
    plan = pb.RetryResponse(plan=pb.RetryPlan(reused_steps=257, rerun_steps=3))
    there = server(GetJob=pb.GetJobResponse(job=END), Retry=plan)
    argv = ["retry", JOB_ID, "--all-steps", "-i", "depth=2", "--document", str(tmp_path / "new.md"), "--dry-run"]
    assert shell.run(there, *argv) == 0
    assert shell.err == "Would do 3 known steps again and reuse 257; nothing was done.\n"
    (sent,) = there.sent(pb.RetryRequest)
    assert (sent.validate_only, sent.parameters["depth"], sent.document.content) == (True, 2, b"# New\n")
    assert shell.run(there, "retry", JOB_ID, "--dry-run", "--json") == 0
    assert json.loads(shell.out) == {"reused_steps": 257, "rerun_steps": 3}
    assert not there.sent(pb.RetryRequest)[-1].HasField("parameters")


def test_a_build_is_started_with_a_priority_tries_and_a_limit_of_time(shell: Shell) -> None:
    there = server(StartBuild=pb.StartBuildResponse(job=END))
    assert shell.run(there, *BUILD, "--priority", "7", "--max-attempts", "5", "--time-limit", "2h") == 0
    (sent,) = there.sent(pb.StartBuildRequest)
    assert (sent.priority, sent.retry_policy.max_attempts, sent.timeout.seconds) == (7, 5, 7200)
    assert not sent.retry_policy.HasField("initial_backoff")


def test_a_build_that_is_only_checked_is_not_started(shell: Shell) -> None:
    there = server(StartBuild=pb.StartBuildResponse(job=pb.Job(path_id="rust-101", pipeline="learning-path")))
    assert shell.run(there, *BUILD, "--dry-run", "--watch") == 0
    assert shell.err == "This build of rust-101 with learning-path could be started; nothing was done.\n"
    assert [request.validate_only for request in there.sent(pb.StartBuildRequest)] == [True]
