"""The real jobctl against a real server: every exit code, and one line for every error."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from jobcontrol.cli.exits import ExitCode
from jobcontrol_core.domain.outcomes import Outcome
from jobcontrol_core.domain.values import ClaimedStep
from rpc.serving import Serving, serving
from services.stack import free_port
from services.terminal import Finished, jobctl
from store.builds import Handler
from store.factories import CONCEPTS, children, failed, succeeded

TOKEN = "correct-horse-battery"
START = ("start", "learning-path", "rust-101", "--document", "sample")


@pytest.fixture
async def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Serving]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as running:
        monkeypatch.setenv("JOBCONTROL_SERVER", running.address)
        yield running


def one_child_fails(claimed: ClaimedStep) -> Outcome:
    """A handler of a build of which one step fails for good."""
    if claimed.step.stage == "concepts":
        return succeeded(born=children(CONCEPTS + 1, 2))
    return failed(is_final=True) if claimed.step.key == "c0" else succeeded()


HANDLERS: dict[str, Handler] = {
    "completed": lambda _: succeeded(),
    "partial": one_child_fails,
    "failed": lambda _: failed(is_final=True),
}
ENDS = [("completed", 0), ("failed", 1), ("partial", 3), ("cancelled", 4)]


async def ended(server: Serving, how: str) -> str:
    """The id of a job that has ended so."""
    job_id = await server.start(how)
    if how == "cancelled":
        await server.work(server.worker.cancel, job_id)
    else:
        await server.work(server.worker.run, job_id, HANDLERS[how])
    return job_id


def assert_one_line(run: Finished) -> None:
    """One line that says what is wrong, and nothing of how the program is made."""
    assert run.out == ""
    assert run.err.startswith("error: "), run.err
    assert run.err.count("\n") == 1, run.err
    assert "Traceback" not in run.err


@pytest.mark.parametrize(("how", "code"), ENDS)
async def test_each_end_has_its_code_whatever_command_tells_of_it(server: Serving, how: str, code: int) -> None:
    job_id = await ended(server, how)
    for words in (["watch", job_id], ["wait", job_id], ["get", job_id, "--exit-status"], ["wait", job_id[-4:]]):
        run = await jobctl(*words)
        assert run.code == code, (words, run)
    assert (await jobctl("wait", job_id, "--allow-partial")).code == (0 if code == 3 else code)


@pytest.mark.parametrize(("how", "code"), ENDS)
async def test_a_start_that_stays_ends_as_its_job_does(server: Serving, how: str, code: int) -> None:
    watched = asyncio.create_task(jobctl(*START, "--watch", "--json"))
    job_id = await begun(server)
    if how == "cancelled":
        await server.work(server.worker.cancel, job_id)
    else:
        await server.work(server.worker.run, job_id, HANDLERS[how])
    run = await watched
    assert run.code == code, run
    assert json.loads(run.out)["job_id"] == job_id


async def begun(server: Serving) -> str:
    """The id of the only job, once somebody has started it."""
    while not (listed := json.loads((await jobctl("list", "--json")).out)["items"]):
        pass
    return str(listed[0]["job_id"])


async def test_of_several_jobs_the_worst_counts(server: Serving) -> None:
    jobs = {how: await ended(server, how) for how, _ in ENDS}
    for names, code in (
        (("completed", "partial"), 3),
        (("cancelled", "partial", "completed"), 4),
        (("partial", "cancelled", "failed"), 1),
    ):
        assert (await jobctl("wait", *(jobs[name] for name in names))).code == code


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["get", "0000beef"], 5, "jobctl list"),
        (["start", "nothing-such", "a", "--document", "sample"], 5, "jobctl pipelines"),
        (["start", "learning-path", "a", "--document", "/nowhere.md"], 2, "/nowhere.md cannot be read"),
        (["start", "learning-path", "a b\x07", "--document", "sample"], 2, "path_id"),
        (["list", "-s", "gone"], 2, "'gone' is none of"),
        (["nothing-such"], 2, "nothing-such"),
        (["watch"], 2, "JOB"),
        (["watch", "abcd", "--timeout", "soon"], 2, "--timeout"),
        (["dead", "requeue"], 2, "--queue"),
    ],
)
async def test_what_cannot_be_is_one_line_with_its_code(
    server: Serving, words: list[str], code: int, told: str
) -> None:
    run = await jobctl(*words)
    assert run.code == code, run
    assert_one_line(run)
    assert told in run.err


async def test_a_path_that_is_being_built_is_a_conflict_and_so_is_a_wrong_state(server: Serving) -> None:
    assert (await jobctl(*START)).code == 0
    again = await jobctl(*START)
    assert again.code == ExitCode.CONFLICT
    assert_one_line(again)
    assert "rust-101 is already being built" in again.err
    done = await ended(server, "completed")
    refused = await jobctl("cancel", done)
    assert refused.code == ExitCode.CONFLICT
    assert_one_line(refused)
    assert (await jobctl(*START, "--if-running", "attach", "--fields", "status")).out == "pending\n"


async def test_without_the_token_it_is_not_allowed(tmp_path: Path) -> None:
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}", token=TOKEN) as guarded:
        for token, code in (("", 7), ("wrong-wrong-wrong", 7), (TOKEN, 0)):
            run = await jobctl("list", "--json", JOBCONTROL_SERVER=guarded.address, JOBCONTROL_TOKEN=token)
            assert run.code == code
            assert TOKEN not in run.err


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("127.0.0.1:{port}", "(refused); start one: jobctl dev"),
        ("http://127.0.0.1:{port}/ui/jobs", "host and port of gRPC"),
        ("no-such-host.invalid:1", "no server at no-such-host.invalid:1"),
    ],
)
async def test_a_server_out_of_reach_is_told_with_what_to_do(address: str, told: str) -> None:
    run = await jobctl("list", JOBCONTROL_SERVER=address.format(port=free_port()))
    assert run.code == ExitCode.UNREACHABLE
    assert_one_line(run)
    assert told in run.err


async def test_when_the_time_has_passed_the_job_goes_on(server: Serving) -> None:
    job_id = await server.start()
    for words in (["watch", job_id], ["wait", job_id]):
        run = await jobctl(*words, "--timeout", "0.2s", "--progress", "quiet")
        assert run.code == ExitCode.TIMED_OUT
        assert_one_line(run)
        assert f"it goes on: jobctl watch {job_id[-8:]}" in run.err
    assert (await jobctl("get", job_id, "--fields", "status")).out == "pending\n"


async def test_a_reader_that_has_gone_is_not_spoken_of(server: Serving) -> None:
    await server.start()
    command = f"{sys.executable} -m jobcontrol.cli list | true; exit ${{PIPESTATUS[0]}}"
    process = await asyncio.create_subprocess_exec("bash", "-c", command, stderr=asyncio.subprocess.PIPE)
    _, err = await process.communicate()
    assert (process.returncode, err) == (ExitCode.BROKEN_PIPE, b"")
