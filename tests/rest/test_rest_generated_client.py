"""A client that openapi-python-client makes of our document: every operation is there, and it runs a job to its end."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.source_tree import ROOT
from jobcontrol_server.rest.document import rest_document
from rest.living_site import LivingSite, living_site
from services.absence import missing
from store.builds import tree

TOOLS = ROOT / ".venv" / "client-tools" / "bin"
# Its own words for a caller, checked and run beside the client that is made of the document.
STARTS = """\
import sys

from api_client import Client
from api_client.api.job_control import job_control_start_build
from api_client.models import Document, StartBuildRequest, StartBuildResponse

request = StartBuildRequest(path_id="rust-101", document=Document(sample=True))
started = job_control_start_build.sync(client=Client(sys.argv[1]), body=request, idempotency_key="once")
assert isinstance(started, StartBuildResponse)
print(started.job_id)
"""
READS = """\
import sys

from api_client import Client
from api_client.api.job_control import job_control_get_job, job_control_list_steps
from api_client.models import Job, JobStatus, ListStepsResponse, Status

client = Client(sys.argv[1])
job = job_control_get_job.sync(sys.argv[2], client=client)
steps = job_control_list_steps.sync(sys.argv[2], client=client)
nothing = job_control_get_job.sync("0" * 32, client=client)
assert isinstance(job, Job) and isinstance(steps, ListStepsResponse) and isinstance(nothing, Status)
assert job.status is JobStatus.JOB_STATUS_COMPLETED
print(job.path_id, job.status.value, len(steps.steps), nothing.code)
"""


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the client, and with the callers beside it."""
    generator = TOOLS / "openapi-python-client"
    if not generator.exists():
        missing("openapi-python-client", "make client-tools")
    folder = tmp_path_factory.mktemp("client")
    (folder / "openapi.json").write_text(json.dumps(rest_document(needs_token=False)))
    (folder / "starts.py").write_text(STARTS)
    (folder / "reads.py").write_text(READS)
    # It calls ruff, which is installed beside it.
    command = [str(generator), "generate", "--path", "openapi.json", "--output-path", "api_client", "--meta", "none"]
    subprocess.run(command, cwd=folder, env={"PATH": str(TOOLS)}, check=True, capture_output=True)
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[LivingSite]:
    with living_site(f"sqlite+pysqlite:///{tmp_path / 'jobcontrol.db'}") as living:
        yield living


def test_every_operation_has_a_function(workshop: Path) -> None:
    made = {path.stem for path in (workshop / "api_client/api/job_control").glob("job_control_*.py")}
    paths = rest_document(needs_token=False)["paths"].values()
    assert len(made) == sum(len(item) for item in paths)


def test_the_client_and_what_calls_it_have_sound_types(workshop: Path) -> None:
    command = [sys.executable, "-m", "mypy", "--python-executable", str(TOOLS / "python"), "--config-file", "", "."]
    checked = subprocess.run(command, cwd=workshop, capture_output=True, text=True).stdout
    assert re.search(r"checked \d{2,} source files|no issues found in \d{2,}", checked), checked
    # That one is the same for every document; mypy dislikes how it hands on the arguments of __exit__.
    faults = [line for line in checked.splitlines() if ": error:" in line and "api_client/client.py" not in line]
    assert faults == []


def test_the_client_runs_a_job_to_its_end(workshop: Path, site: LivingSite) -> None:
    def call(program: str, *arguments: str) -> str:
        command = [str(TOOLS / "python"), program, site.url, *arguments]
        done = subprocess.run(command, cwd=workshop, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    job_id = call("starts.py")
    assert call("starts.py") == job_id
    site.server.worker.run(job_id, tree(2, 1))
    assert call("reads.py", job_id) == "rust-101 JOB_STATUS_COMPLETED 6 5"
