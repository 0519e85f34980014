"""The notebook of the documentation, run cell by cell in a real kernel against a real build."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from house.source_tree import ROOT
from services.stack import Stack


@pytest.fixture
def server(stack: Stack) -> str:
    """A server whose workers have made the learning path known."""
    address = stack.start_server().address
    stack.start_worker()
    return address


def _run(server: str, directory: Path, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The cells with what they put out."""
    # The kernel of this interpreter, whatever kernels the machine knows by that name.
    subprocess.run(
        [sys.executable, "-m", "ipykernel", "install", "--prefix", str(directory), "--name", "python3"],
        check=True,
        capture_output=True,
    )
    for name, value in {
        "JOBCONTROL_SERVER": server,
        "JUPYTER_PATH": str(directory / "share" / "jupyter"),
        "IPYTHONDIR": str(directory / "ipython"),
        "JUPYTER_RUNTIME_DIR": str(directory / "runtime"),
        "JUPYTER_PLATFORM_DIRS": "1",
    }.items():
        monkeypatch.setenv(name, value)
    notebook = nbformat.read(ROOT / "docs" / "notebook.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=100, kernel_name="python3").execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _shown(cell: Any, kind: str) -> list[str]:
    return ["".join(output.data[kind]) for output in cell.outputs if kind in output.get("data", {})]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_notebook_runs_and_shows_its_job(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waited, result, awaited, shown = _run(server, tmp_path, monkeypatch)
    progress, job = _shown(waited, "text/html")
    assert "100%" in progress
    assert "<progress" in progress
    assert progress.count("<tr>") == 3
    assert job == _shown(shown, "text/html")[0]
    assert _shown(result, "text/plain") == ["('How Durable Job Control Works', 0)"]
    assert _shown(awaited, "text/plain") == ["(True, 1)"]
