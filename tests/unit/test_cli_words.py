"""Whatever is typed, the answer is one of the exit codes, and never how the program is made."""

import pytest
from google.protobuf.wrappers_pb2 import Int32Value
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from jobcontrol import v1 as pb
from jobcontrol.cli.app import COMMANDS, GROUPS
from jobcontrol.cli.exits import ExitCode
from jobcontrol.errors import NotFound
from sdk.recording import END
from sdk.scripted import ScriptedTransport
from unit.shell import Shell

GONE = NotFound("job is not there", code="NOT_FOUND", reason="JOB_NOT_FOUND")
WORDS = ["-s", "--json", "--jsonl", "--fields", ",", "a.b", "@last", "-", "--", "-i", "=", "a=b", "[1", "--after", "-1"]
WORDS += ["--limit", "0", "--timeout", "1s", "-f", "/dev/null", "", "\u202e", "x" * 300, "--progress", "tty", "-q"]
WORDS += ["--since", "9999999999d", "--window", "0s", "--rate", "0/0s", "--max-running", "--filter", "--format", "-v"]
NAMES = [*COMMANDS, *GROUPS, *(name for _, commands in GROUPS.values() for name in commands)]


def nothing_there() -> ScriptedTransport:
    """A server that knows no job, and has nothing to list."""
    rpcs: tuple[str, ...] = (
        "GetJob",
        "StartBuild",
        "Cancel",
        "Retry",
        "Pause",
        "Resume",
        "ExplainJob",
        "PauseQueue",
        "ResumeQueue",
    )
    lists = ("ListJobs", "ListPipelines", "ListWorkers", "ListQueues", "ListDeadLetters", "ListErrorGroups")
    answers = {name: getattr(pb, f"{name}Response")() for name in (*lists, "GetStats")}
    rpcs += ("UpdateQueue", "RequeueDeadLetters", "DiscardDeadLetters", "GetStep", "ListSteps", "ListEvents")
    answers["Check"] = Int32Value(value=1)
    return ScriptedTransport(**answers, **dict.fromkeys(rpcs, GONE))


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from([*NAMES, *WORDS]) | st.text(max_size=8), max_size=6))
@example(["list", "--since", "9999999999d"])
@example(["queues", "limit", "q", "--rate", "0/0s"])
def test_words_at_random_end_with_a_code_and_no_traceback(shell: Shell, words: list[str]) -> None:
    code = shell.run(nothing_there(), *words)
    assert code in set(ExitCode), (words, code)
    assert "Traceback" not in shell.err
    if code == ExitCode.USAGE:
        assert [line for line in shell.err.splitlines() if line.startswith("error: ")], words


@pytest.mark.parametrize("words", [["get"], ["get", "--fields"], ["list", "--limit", "x"], ["queues", "limit", "q"]])
def test_a_word_that_is_missing_or_wrong_is_told_in_one_line_with_where_to_look(shell: Shell, words: list[str]) -> None:
    there = ScriptedTransport(GetJob=pb.GetJobResponse(job=END))
    assert shell.run(there, *words) == ExitCode.USAGE
    assert shell.err.count("\n") == 1
    assert "--help" in shell.err
