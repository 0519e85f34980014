"""What docs/operations.md says of REST is true: its lines of curl run against a real server, its bounds hold."""

import os
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from docs.test_operations import CURLED, HTTP_ADDRESS, TEXT, cancelled_job, completed_job, run, waiting_job
from jobcontrol_server.rest import connections, hosting
from jobcontrol_server.rest.composition import TIMEOUT
from rpc.serving import Serving, serving
from services.absence import missing

#: By a part of a line: what to prepare, and what the answer must hold.
EXPECTED = {
    "/healthz": (waiting_job, '"alive"'),
    "/readyz": (waiting_job, '"ready"'),
    "-d '": (waiting_job, "Build job started"),
    "/v1/jobs/$JOB": (completed_job, "JOB_STATUS_COMPLETED"),
    "?status=failed": (cancelled_job, "JOB_STATUS_CANCELLED"),
    "-N localhost": (completed_job, '{"result":{'),
    "text/event-stream": (completed_job, "retry: 2000\n\nid: "),
    "media_type=text/markdown": (completed_job, "# Path"),
    "/cancel": (waiting_job, "JOB_STATUS_CANCELLED"),
}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}", http="127.0.0.1:0") as running:
        yield running


def expectation_of(line: str) -> str:
    """The longest part of a line that something is expected for."""
    return max((part for part in EXPECTED if part in line), key=len)


def test_every_line_is_another_and_every_expectation_has_one() -> None:
    assert sorted(map(expectation_of, CURLED)) == sorted(EXPECTED)


@pytest.mark.parametrize("line", CURLED, ids=[expectation_of(line) for line in CURLED])
async def test_a_line_of_curl_does_what_it_says(server: Serving, line: str) -> None:
    if shutil.which("curl") is None:
        missing("curl", "the system's package curl")
    prepare, expected = EXPECTED[expectation_of(line)]
    prepared = await prepare(server)
    output = await run(line.replace(HTTP_ADDRESS, server.http), {**os.environ, **prepared})
    assert expected in output


def test_the_bounds_are_those_of_the_code() -> None:
    rows = dict(re.findall(r"^\| ([\w ]+) \| ([^|]+) \|$", TEXT.partition("| limit of REST |")[2], re.MULTILINE))
    head, in_head, in_body = map(int, re.findall(r"\d+", rows["head of a request"]))
    assert head << 10 == connections.MOST_HEAD_BYTES
    assert (in_head, in_body) == (connections.HEAD_SECONDS, connections.BODY_SECONDS)
    most, idle = re.findall(r"[\d,]+", rows["connections"])
    assert (most, int(idle)) == (f"{hosting.MOST_CONNECTIONS:,}", hosting.KEEP_ALIVE_SECONDS)
    assert f"A call ends after {TIMEOUT:g} seconds" in TEXT
