"""docs/guarantees.md names tests that exist, and no promise without one."""

import ast
import re
from pathlib import Path

import pytest

from house.source_tree import files, read, tree

TEXT = read(Path("docs/guarantees.md"))
ROWS = [line for line in TEXT.splitlines() if line.startswith("|") and not re.match(r"\|(---|.*\| proved by \|)", line)]
NAMED = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", TEXT)))


@pytest.mark.parametrize(("file", "name"), NAMED, ids=[name for _, name in NAMED])
def test_every_named_test_exists(file: str, name: str) -> None:
    path = Path("tests") / file
    assert path in files()
    functions = [node for node in tree(path).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert name in {function.name for function in functions}


def test_every_promise_names_a_test() -> None:
    assert len(ROWS) > 30
    assert [row for row in ROWS if "::test_" not in row] == []
