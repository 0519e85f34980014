"""Arrows point one way: the import contracts of pyproject.toml hold, and each of them breaks when it should."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

from house.source_tree import ROOMS, ROOT, read

LINTER = Path(sys.executable).with_name("lint-imports")

# A file of the tree and an import that it must never contain.
TRESPASSES = {
    "core/jobcontrol_core/trespass.py": "import grpc",
    "core/jobcontrol_core/domain/trespass.py": "import sqlalchemy, jobcontrol_core.store",
    "server/jobcontrol_server/trespass.py": "import jobcontrol_workers, jobcontrol_migrations",
    "migrations/jobcontrol_migrations/trespass.py": "import jobcontrol_workers",
    "server/jobcontrol_server/gateway/trespass.py": "import jobcontrol_server.rpc",
    "server/jobcontrol_server/rest/trespass.py": "import jobcontrol_core.store",
    "sdk/jobcontrol/trespass.py": "import jobcontrol_core.domain, pydantic",
    "workers/jobcontrol_workers/trespass.py": "import jobcontrol.trespass, google.protobuf",
}


def test_the_import_contracts_hold() -> None:
    run = _lint(ROOT)
    assert run.returncode == 0, run.stdout + run.stderr


def test_each_contract_breaks_when_it_is_trespassed(tmp_path: Path) -> None:
    for room in ROOMS:
        shutil.copytree(ROOT / room, tmp_path / room, ignore=shutil.ignore_patterns("__pycache__", "*.md"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for file, code in TRESPASSES.items():
        (tmp_path / file).write_text(code + "\n")
    broken = set(re.findall(r"^(.+?) BROKEN", _lint(tmp_path).stdout, re.MULTILINE))
    assert broken == _contract_names()


def _lint(tree: Path) -> subprocess.CompletedProcess[str]:
    path = ":".join(str(tree / room) for room in ROOMS)
    return subprocess.run(
        [LINTER, "--no-cache"], cwd=tree, env={"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )


def _contract_names() -> set[str]:
    contracts = tomllib.loads(read(Path("pyproject.toml")))["tool"]["importlinter"]["contracts"]
    return {contract["name"] for contract in contracts}
