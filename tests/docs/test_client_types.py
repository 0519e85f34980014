"""Programs that pages show are typed as strictly as ours."""

import subprocess
import sys
from pathlib import Path

import pytest

from docs.pages import Block, blocks

SHOWN = [block for block in blocks(Path("docs/how-to/python.md")) if block.language == "python"]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.place)
def test_a_program_of_the_page_passes_mypy_strictly(tmp_path: Path, block: Block) -> None:
    program = tmp_path / "program.py"
    program.write_text(block.text)
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", f"--cache-dir={tmp_path}", str(program)]
    checked = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert checked.returncode == 0, checked.stdout
