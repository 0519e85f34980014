"""A job in one file: all of it, masked, whole or not at all, however long it is."""

import json
import stat
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from jobcontrol import Client
from jobcontrol import v1 as pb
from jobcontrol.cli import app
from jobcontrol.errors import ConnectionFailed
from rpc.serving import Serving, serving
from sdk.recording import END, JOB_ID, SHORT_ID, step
from sdk.scripted import ScriptedTransport
from services.terminal import jobctl
from store.factories import CONCEPTS, children, failed, succeeded

Export = Callable[..., int]


@pytest.fixture
def export(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Export:
    """Runs the command against a scripted server, in a directory of its own."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOBCONTROL_TOKEN", "correct-horse-battery")

    def run(server: ScriptedTransport, *words: str) -> int:
        return app.run(["export", JOB_ID, *words], lambda _: Client(transport=server))

    return run


def scripted(**answers: Any) -> ScriptedTransport:
    detail = pb.GetStepResponse(step=step("Lifetimes", "FAILED").step, input=b'{"api_key": "abc"}')
    usual = {
        "GetJob": pb.GetJobResponse(job=END),
        "ExplainJob": pb.ExplainJobResponse(),
        "ListWorkers": pb.ListWorkersResponse(workers=[pb.Worker(version="0.1.0")]),
        "ListErrorGroups": pb.ListErrorGroupsResponse(),
        "ListSteps": pb.ListStepsResponse(steps=[detail.step]),
        "GetStep": detail,
        "ListEvents": pb.ListEventsResponse(events=[pb.Event(sequence=1, message="sent correct-horse-battery")]),
    }
    return ScriptedTransport(**{**usual, **answers})


async def test_everything_that_is_known_of_a_job_is_in_the_file(tmp_path: Path) -> None:
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as server:
        job_id = await build(server)
        target = tmp_path / "job.json"
        run = await jobctl("export", job_id, "-o", str(target), JOBCONTROL_SERVER=server.address)
    assert (run.code, run.out) == (0, "")
    told = json.loads(target.read_text())
    assert told["format"] == "jobcontrol.export/1"
    assert (told["job"]["job_id"], told["job"]["status"]) == (job_id, "completed")
    assert told["job"]["parameters"] == {"password": "***", "depth": 2.0}
    assert told["timings"]["ran_seconds"] >= 0
    assert set(told["versions"]) == {"jobctl", "python", "pipeline", "workers"}
    by_key = {(one["stage"], one["key"]): one for one in told["steps"]}
    lost = by_key["sub-concepts", "c0"]
    assert (lost["status"], lost["input"]) == ("failed", {"token": "***"})
    assert lost["error"]["message"] == "lost password=***"
    assert lost["attempts"][0]["traceback"] == "Traceback: here"
    assert by_key["sub-concepts", "c1"]["output"] == "done"
    assert [group["step_count"] for group in told["error_groups"]] == [1]
    sequences = [line["sequence"] for line in told["events"]]
    assert (sequences[0], sequences) == (1, sorted(sequences))
    assert told["events"][-1]["type"] == "job.completed"


async def build(server: Serving) -> str:
    """A job that completed with one failed step, and has secrets in it."""
    job_id = await server.start(parameters={"password": "hunter2", "depth": 2})
    root = await server.work(server.worker.claim_one, job_id, CONCEPTS)
    born = children(CONCEPTS + 1, 2, input='{"token": "abc"}')
    await server.work(server.worker.end, (root, succeeded(born=born)))

    def handle(claimed: Any) -> Any:
        return failed("lost password=abc", is_final=True) if claimed.step.key == "c0" else succeeded()

    await server.work(server.worker.run, job_id, handle)
    return job_id


def test_the_file_is_its_owners_and_names_the_job(
    export: Export, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert export(scripted()) == 0
    target = tmp_path / f"job-{SHORT_ID}.json"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "correct-horse-battery" not in target.read_text()
    assert json.loads(target.read_text())["events"][0]["message"] == "sent ***"
    assert str(target.name) in capsys.readouterr().err


def test_on_stdout_it_is_the_same_document(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(scripted(), "-o", "-", "--mask", "path_id") == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["job"]["path_id"], told["steps"][0]["label"]) == ("***", "Lifetimes")


@pytest.mark.parametrize("there_before", [None, "kept"])
def test_what_breaks_off_leaves_what_was_there_and_nothing_else(
    export: Export, tmp_path: Path, there_before: str | None
) -> None:
    target = tmp_path / "job.json"
    if there_before is not None:
        target.write_text(there_before)
    assert export(scripted(ListEvents=ConnectionFailed("no server at server:50051")), "-o", "job.json") == 8
    assert [path.name for path in tmp_path.iterdir()] == ([] if there_before is None else ["job.json"])
    assert there_before is None or target.read_text() == there_before


def test_a_place_that_cannot_be_written_is_a_usage_error(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    assert export(scripted(), "-o", "/nowhere/job.json") == 2
    assert "/nowhere/job.json cannot be written" in capsys.readouterr().err


def test_a_job_of_any_length_takes_no_more_memory_than_a_page(export: Export, tmp_path: Path) -> None:
    page = [pb.Event(sequence=number, message="x" * 1_000) for number in range(1, 201)]
    following = pb.ListEventsResponse(events=page, next_page_token="more")
    there = scripted(ListEvents=[*[following] * 30, pb.ListEventsResponse()])
    export(scripted())
    tracemalloc.start()
    try:
        assert export(there) == 0
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    size = (tmp_path / f"job-{SHORT_ID}.json").stat().st_size
    assert size > 6_000_000
    assert peak < size / 3
