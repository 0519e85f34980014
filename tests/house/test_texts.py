"""The repository speaks of the product alone: no package registry's address, no path of anybody's machine."""

import re
from pathlib import Path

import pytest

from house.source_tree import files, is_text, read

# What is looked for stands here, so this file is the one that is not searched.
REGISTRY_HOSTS = (
    "pypi.org",
    "pythonhosted.org",
    "registry.npmjs.org",
    "registry.yarnpkg.com",
    "proxy.golang.org",
    "crates.io",
    "docker.io",
    "ghcr.io",
    "deb.debian.org",
    "archive.ubuntu.com",
)
MACHINE_PATHS = (
    r"(?<![\w./-])/work/",
    r"(?<![\w/])\.\./shared",
    r"(?<![\w./-])/(root|Users)/",
    r"/home/\w",
    "/opt/pypi",
)
FORBIDDEN = re.compile("|".join([*map(re.escape, REGISTRY_HOSTS), *MACHINE_PATHS]))


def test_no_file_names_a_registry_or_a_path_of_a_machine() -> None:
    found = [
        f"{path}:{number}: {match.group()}"
        for path in files()
        if is_text(path) and path.name != Path(__file__).name
        for number, line in enumerate(read(path).splitlines(), 1)
        for match in FORBIDDEN.finditer(line)
    ]
    assert found == []


@pytest.mark.parametrize("text", ["https://pypi.org/simple", "see /work/main", "open ../shared/design", "in /home/me"])
def test_such_a_name_is_seen(text: str) -> None:
    assert FORBIDDEN.search(text)


@pytest.mark.parametrize("text", ["a/work/b", "example.org", "framework/"])
def test_other_names_are_left_alone(text: str) -> None:
    assert not FORBIDDEN.search(text)
