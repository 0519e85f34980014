"""docs/reference/sdk.md is written from the SDK, has all of it, and each thing has its sentence."""

import inspect
import sys
from pathlib import Path

import pytest

from house.source_tree import ROOT, read

sys.path.insert(0, str(ROOT / "scripts"))

from sdk_reference import public, reference

PAGE = "docs/reference/sdk.md"
CALLABLE = {name: value for name, value in public().items() if callable(value)}


def test_the_page_is_what_the_sdk_says() -> None:
    assert reference() == read(Path(PAGE)), "the SDK changed: run `make reference`"


@pytest.mark.parametrize("name", CALLABLE)
def test_everything_that_is_public_has_a_sentence_of_its_own(name: str) -> None:
    told = CALLABLE[name].__doc__ or ""
    assert told.strip()
    # What dataclasses write by themselves.
    assert not told.startswith(f"{name}(")
    assert f"### {name}\n" in read(Path(PAGE))


def test_every_public_method_of_the_clients_and_of_a_job_has_a_docstring() -> None:
    silent = [
        f"{kind}.{name}"
        for kind in ("Client", "Job", "Context", "Pipeline")
        for name, member in inspect.getmembers(CALLABLE[kind], callable)
        if not name.startswith("_") and not inspect.getdoc(member)
    ]
    assert silent == []
