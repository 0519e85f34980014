"""CONTRIBUTING.md speaks of what is there: every make target, file and fixture that it names exists."""

import re
from pathlib import Path

import pytest

from docs.pages import make_targets
from house.source_tree import ROOT, read

TEXT = read(Path("CONTRIBUTING.md"))
CODE = re.findall(r"`([^`\n]+)`", TEXT)


def test_every_make_target_exists() -> None:
    shell = re.findall(r"```sh\n(.+?)```", TEXT, re.DOTALL)
    named = set(re.findall(r"\bmake ([a-z-]+)", "\n".join([*CODE, *shell])))
    assert named
    assert named <= make_targets()


def test_every_file_and_folder_exists() -> None:
    named = {word for word in CODE if re.fullmatch(r"[\w./-]*/[\w./-]*|\.[\w.]+", word)}
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []


@pytest.mark.parametrize(
    "name", ["database_url", "postgres_url", "redis_url", "own_valkey", "wait_until", "wait_until_async", "missing"]
)
def test_every_fixture_and_function_that_it_recommends_exists(name: str) -> None:
    services = "\n".join(read(path.relative_to(ROOT)) for path in (ROOT / "tests" / "services").glob("*.py"))
    assert re.search(rf"`{name}\b", TEXT)
    assert f"def {name}(" in services
