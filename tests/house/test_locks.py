"""The locks: every dependency at one version that pyproject.toml allows, every file by its hash, nothing by address."""

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from house.source_tree import read

LOCKS = ["requirements.lock", "requirements-dev.lock", "requirements-build.lock", "requirements-client.lock"]
PIN = re.compile(
    r"""^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;]+)[^\n]*   # a package, its version, maybe a marker
        (?:\\\n[ ]{4}--hash=sha256:[0-9a-f]{64}[ ]?)+     # the hashes of its files, a line each
    """,
    re.MULTILINE | re.VERBOSE,
)


def wanted(lock: str) -> list[str]:
    """The requirements of pyproject.toml that a lock must answer."""
    pyproject = tomllib.loads(read(Path("pyproject.toml")))
    if lock == "requirements-build.lock":
        return list(pyproject["build-system"]["requires"])
    if lock == "requirements-client.lock":
        return list(pyproject["dependency-groups"]["client"])
    project = pyproject["project"]
    runtime = [*project["dependencies"], *project["optional-dependencies"]["server"]]
    return runtime if lock == "requirements.lock" else [*runtime, *pyproject["dependency-groups"]["dev"]]


def pins(lock: str) -> dict[str, str]:
    """The version of every package that a lock names."""
    return {found["name"]: found["version"] for found in PIN.finditer(read(Path(lock)))}


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_answers_every_requirement_with_a_version_that_is_allowed(lock: str) -> None:
    locked = pins(lock)
    unanswered = [
        line
        for line in wanted(lock)
        if (name := _normal(Requirement(line).name)) not in locked or locked[name] not in Requirement(line).specifier
    ]
    assert unanswered == [], "run make lock"


@pytest.mark.parametrize("lock", LOCKS)
def test_every_line_of_a_lock_is_a_pin_with_hashes_or_a_comment(lock: str) -> None:
    rest = PIN.sub("", read(Path(lock)))
    assert [line for line in rest.splitlines() if line.strip() and not line.lstrip().startswith("#")] == []


def test_what_runs_is_what_is_tested() -> None:
    tested = pins("requirements-dev.lock")
    assert {name: version for name, version in pins("requirements.lock").items() if tested.get(name) != version} == {}


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
