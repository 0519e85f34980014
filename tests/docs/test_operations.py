"""docs/operations.md is true: every call in it runs against a real server, and its tables are those of the code."""

import asyncio
import json
import os
import re
import shutil
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from docs.pages import blocks
from house.settings_names import settings_names
from house.source_tree import read
from jobcontrol import v1 as pb
from jobcontrol_core.domain.outcomes import Succeeded
from jobcontrol_core.settings import Settings
from jobcontrol_server.rpc.errors import rule_of
from jobcontrol_server.rpc.listening import OPTIONS
from jobcontrol_server.rpc.validation import SERVED
from rpc.serving import Serving, error_kinds, serving
from services.absence import missing
from store.factories import failed, stages, succeeded

PAGE = Path("docs/operations.md")
TEXT = read(PAGE)
SHELL = [line for block in blocks(PAGE) if block.language == "sh" for line in block.text.splitlines()]
CURLED = [line for line in SHELL if line.startswith("curl ")]
LINES = [line for line in SHELL if line not in CURLED]
ADDRESS, HTTP_ADDRESS = "localhost:50051", "localhost:8080"
#: Makes grpcurl's calls with buf, where grpcurl is not installed: the same server, reflection and message.
STAND_IN = """#!{python}
import os, sys
words = sys.argv[1:]
words.remove("-plaintext")
data = words.pop(words.index("-d") + 1) if "-d" in words else "{{}}"
address, what, *symbol = [word for word in words if word != "-d"]
begin = [{buf!r}, "curl", "--protocol", "grpc", "--http2-prior-knowledge"]
if what == "list":
    os.execv(begin[0], [*begin, "--list-services", "http://" + address])
if what == "describe":
    os.execv(begin[0], [*begin, "--list-methods", "http://" + address])
os.execv(begin[0], [*begin, "-d", data, "http://" + address + "/" + what])
"""


@pytest.fixture
def tools(tmp_path: Path) -> str:
    """A PATH with buf and grpcurl on it."""
    beside_python = str(Path(sys.executable).parent)
    path = os.pathsep.join([beside_python, os.environ["PATH"]])
    buf = shutil.which("buf", path=path)
    if buf is None:
        missing("buf", ".venv/bin/pip install buf-bin")
    if shutil.which("grpcurl", path=path) is None:
        stand_in = tmp_path / "bin" / "grpcurl"
        stand_in.parent.mkdir()
        stand_in.write_text(STAND_IN.format(python=sys.executable, buf=buf))
        stand_in.chmod(0o755)
        path = os.pathsep.join([str(stand_in.parent), path])
    return path


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as running:
        yield running


async def completed_job(server: Serving) -> dict[str, str]:
    """A COMPLETED job with a result, and its root step."""
    job_id = await server.start("done")
    root = await server.work(server.worker.claim_one, job_id, 0)
    await server.work(server.worker.end, (root, succeeded()))
    final = await server.work(server.worker.claim_one, job_id, 3)
    await server.work(server.worker.end, (final, Succeeded("{}", renderings={"text/markdown": b"# Path\n"})))
    return {"JOB": job_id, "STEP": root.step.id}


async def cancelled_job(server: Serving) -> dict[str, str]:
    job_id = await server.start("given-up")
    await server.stub.Cancel(pb.CancelRequest(job_id=job_id))
    return {"JOB": job_id}


async def failed_job(server: Serving) -> dict[str, str]:
    job_id = await server.start("broken")
    root = await server.work(server.worker.claim_one, job_id, 0)
    await server.work(server.worker.end, (root, failed(is_final=True)))
    return {"JOB": job_id}


async def waiting_job(server: Serving) -> dict[str, str]:
    return {"JOB": await server.start("waiting")}


async def paused_job(server: Serving) -> dict[str, str]:
    job_id = await server.start("held")
    await server.stub.Pause(pb.PauseRequest(job_id=job_id))
    return {"JOB": job_id}


async def known_queue(server: Serving) -> dict[str, str]:
    await server.work(lambda: server.publish(name="atlas", stages=stages(queue="generate-ku")))
    return {}


async def known_worker(server: Serving) -> dict[str, str]:
    return {"WORKER": server.worker.session[-8:]}


PREPARED = {
    "DrainWorker": known_worker,
    "GetStats": failed_job,
    "ListQueues": known_queue,
    "PauseQueue": known_queue,
    "ResumeQueue": known_queue,
    "UpdateQueue": known_queue,
    "Cancel": waiting_job,
    "Pause": waiting_job,
    "Resume": paused_job,
    "ExplainJob": paused_job,
    "Retry": cancelled_job,
    "BatchCancel": waiting_job,
    "BatchRetry": failed_job,
    "ListDeadLetters": failed_job,
    "RequeueDeadLetters": failed_job,
    "DiscardDeadLetters": failed_job,
    "ListErrorGroups": failed_job,
    "ListJobs": cancelled_job,
}
#: What the answer of each line must hold.
EXPECTED = {
    "list": "jobcontrol.v1.JobControl",
    "describe": "StartBuild",
    "Check": "SERVING",
    "ListPipelines": "learning-path",
    "StartBuild": "Build job started",
    "GetJob": "JOB_STATUS_COMPLETED",
    "ExplainJob": "WAITING_REASON_JOB_PAUSED",
    "ListJobs": "JOB_STATUS_CANCELLED",
    "ListSteps": "STEP_STATUS_COMPLETED",
    "GetStep": "STEP_STATUS_COMPLETED",
    "ListEvents": '"job.completed"',
    "ListDeadLetters": '"deadLetterId"',
    "RequeueDeadLetters": '"requeuedCount": 1',
    "DiscardDeadLetters": '"discardedCount": 1',
    "ListErrorGroups": '"stepCount": 1',
    "ListWorkers": "WORKER_STATUS_READY",
    "DrainWorker": "WORKER_STATUS_DRAINING",
    "GetStats": '"deadLetters"',
    "ListQueues": '"queue": "generate-ku"',
    "PauseQueue": "the model is down",
    "ResumeQueue": '"queue": "generate-ku"',
    "UpdateQueue": '"limitsSet": true',
    "WatchProgress": '"type": "completed"',
    "WatchJobs": '"type": "completed"',
    "GetResult": "text/markdown",
    "Cancel": "JOB_STATUS_CANCELLED",
    "Pause": "JOB_STATUS_PAUSED",
    "Resume": "JOB_STATUS_PENDING",
    "Retry": '"retryOf"',
    "DeleteJob": "{}",
    "ListAuditEvents": '"action": "StartBuild"',
    "BatchCancel": '"cancelledCount": 1',
    "BatchRetry": '"retriedCount": 1',
}


def call_of(line: str) -> str:
    """The RPC, or the word of reflection, that a line calls."""
    found = re.search(r"/(\w+)$", line)
    return found[1] if found else next(word for word in ("list", "describe") if f" {word}" in line)


def test_every_call_that_is_served_has_a_line() -> None:
    assert {call_of(line) for line in LINES} == SERVED | {"list", "describe", "Check"}
    table = TEXT.partition("| call |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^\| (\w+) \|", table, re.MULTILINE)) == SERVED


@pytest.mark.parametrize("line", LINES, ids=[call_of(line) for line in LINES])
async def test_a_line_does_what_it_says(server: Serving, tools: str, line: str) -> None:
    prepared = await PREPARED.get(call_of(line), completed_job)(server)
    output = await run(line.replace(ADDRESS, server.address), {**os.environ, **prepared, "PATH": tools})
    assert EXPECTED[call_of(line)] in output.replace('":"', '": "')


async def test_the_watch_line_tells_every_commit(server: Serving, tools: str) -> None:
    prepared = await completed_job(server)
    (line,) = [line for line in LINES if call_of(line) == "WatchProgress"]
    output = await run(line.replace(ADDRESS, server.address), {**os.environ, **prepared, "PATH": tools})
    first, *_ = messages = decoded(output)
    assert first["firstSequence"] == "1"
    assert messages[-1]["sequence"] == messages[-1]["finished"]["job"]["lastSequence"]


def test_the_table_of_errors_is_that_of_the_code() -> None:
    table = TEXT.partition("## Errors")[2].partition("## ")[0]
    told = {
        reason: code
        for code, reasons in re.findall(r"^\| ([A-Z_]+) \| ([A-Z_, ]+) \|", table, re.MULTILINE)
        for reason in reasons.split(", ")
    }
    served = {kind.reason: rule.code.name for kind in error_kinds() if (rule := rule_of(kind)) is not None}
    assert told == {**served, "INTERNAL": "INTERNAL"}


def test_the_table_of_settings_is_that_of_the_code() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", TEXT, re.MULTILINE))
    fields = {names[0]: field for field, names in settings_names().items()}
    assert rows.keys() == fields.keys()
    for name, shown in rows.items():
        default = Settings.model_fields[fields[name]].default
        if shown:
            assert getattr(Settings.load(**{fields[name]: shown}), fields[name]) == default
        else:
            assert default in ("", None, ())


def test_the_limits_are_those_of_the_code() -> None:
    options = dict(OPTIONS)
    rows = dict(re.findall(r"^\| ([\w ,']+) \| ([^|]+) \|$", TEXT.partition("| limit |")[2], re.MULTILINE))
    assert rows["one message, either way"] == f"{options['grpc.max_receive_message_length'] >> 20} MiB"
    assert rows["metadata of a call"] == f"{options['grpc.max_metadata_size'] >> 10} KiB"
    assert rows["calls at once on one connection"] == f"{options['grpc.max_concurrent_streams']:,}"
    seconds = options["grpc.http2.min_recv_ping_interval_without_data_ms"] // 1_000
    assert rows["a client's pings"] == f"at most one in {seconds} seconds"


async def run(line: str, environment: dict[str, str]) -> str:
    """What a line of shell writes; it must succeed."""
    shell = await asyncio.create_subprocess_exec(
        "bash", "-c", line, env=environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await shell.communicate()
    assert shell.returncode == 0, errors.decode()
    return output.decode()


def decoded(output: str) -> list[Any]:
    """The JSON documents that follow one another in a text."""
    decoder, documents, place = json.JSONDecoder(), [], 0
    while place < len(output.rstrip()):
        document, place = decoder.raw_decode(output, place)
        documents.append(document)
        place += len(output[place:]) - len(output[place:].lstrip())
    return documents
