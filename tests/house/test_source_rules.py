"""How the code is written: names, docstrings, who may read the environment, and that no test sleeps."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from house.source_tree import ROOMS, dotted_name, files, python_files, read, tree

EMPTY_NAMES = re.compile(r"(^|_)(utils?|helpers?|common|managers?|base|misc)$")
ENVIRONMENT_READERS = {"core/jobcontrol_core/settings.py", "sdk/jobcontrol/_settings.py"}
ENVIRONMENT = {"os.environ", "os.getenv", "os.environb", "os.putenv", "os.unsetenv"}
SLEEPS = {"time.sleep", "asyncio.sleep", "anyio.sleep"}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
TEXTS = {"", ".py", ".md", ".proto", ".toml", ".yaml", ".yml", ".sh", ".mako", ".ini"}

WAITING = Path("tests/services/waiting.py")


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = [str(path) for path in python_files() if not (ast.get_docstring(tree(path)) or "").strip()]
    assert silent == []


def test_no_file_or_folder_has_a_name_that_says_nothing() -> None:
    empty = [str(path) for path in python_files() if any(EMPTY_NAMES.search(Path(part).stem) for part in path.parts)]
    assert empty == []


def test_the_environment_is_read_in_one_place_of_the_sdk_and_one_of_all_the_rest() -> None:
    readers = {str(path) for path in python_files(*ROOMS, "scripts") if _reads_environment(tree(path))}
    assert readers <= ENVIRONMENT_READERS, "only the settings modules may read the environment"


def test_nothing_unfinished_is_left_in_the_text() -> None:
    marked = [
        f"{path}:{number}"
        for path in files()
        if path.suffix in TEXTS and path.parts[0] != "third_party" and path.name != Path(__file__).name
        for number, line in enumerate(read(path).splitlines(), 1)
        if UNFINISHED.search(line)
    ]
    assert marked == []


def test_no_test_sleeps() -> None:
    # What a handler does whose step is to take a while stands beside wait_until.
    sleepers = [
        f"{path}:{line}" for path in python_files("tests") if path != WAITING for line in sleeping_lines(tree(path))
    ]
    assert sleepers == [], "wait with wait_until of tests/services/waiting.py"


def test_stored_values_are_read_past_what_a_later_release_adds() -> None:
    strict = [
        f"{path}:{node.lineno}"
        for path in python_files("core/jobcontrol_core/store", "server")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id[0].isupper()
        if any(keyword.arg is None for keyword in node.keywords)
    ]
    assert strict == [], "a value is made of what was stored by from_stored alone"


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("import time\ntime.sleep(1)", [2]),
        ("from asyncio import sleep\nawait sleep(0.1)", [2]),
        ("import asyncio\nawait asyncio.sleep(0)", []),
        ("import time\ndef wait_until(x):\n    while not x():\n        time.sleep(0.01)", []),
        ("import time\ndef test():\n    time.sleep(0.01)", [3]),
    ],
)
def test_a_sleep_is_seen_unless_it_yields_or_belongs_to_wait_until(code: str, lines: list[int]) -> None:
    assert list(sleeping_lines(ast.parse(code))) == lines


@pytest.mark.parametrize(
    ("code", "reads"),
    [
        ("import os\nos.environ['A']", True),
        ("from os import getenv\ngetenv('A')", True),
        ("import os\nos.getpid()", False),
    ],
)
def test_a_read_of_the_environment_is_seen(code: str, reads: bool) -> None:
    assert _reads_environment(ast.parse(code)) is reads


def sleeping_lines(module: ast.Module) -> Iterator[int]:
    """The lines that sleep: every sleep but `sleep(0)`, outside functions whose name begins with wait_until."""
    names = _imported_names(module, SLEEPS)
    waiting = [node for node in ast.walk(module) if _is_wait_until(node)]
    allowed = {id(node) for function in waiting for node in ast.walk(function)}
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and dotted_name(node.func) in names and id(node) not in allowed and _waits(node):
            yield node.lineno


def _waits(sleep: ast.Call) -> bool:
    return not (len(sleep.args) == 1 and isinstance(sleep.args[0], ast.Constant) and sleep.args[0].value == 0)


def _is_wait_until(node: ast.AST) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("wait_until")


def _reads_environment(module: ast.Module) -> bool:
    names = _imported_names(module, ENVIRONMENT)
    return any(isinstance(node, ast.expr) and dotted_name(node) in names for node in ast.walk(module))


def _imported_names(module: ast.Module, dotted: set[str]) -> set[str]:
    """`dotted`, and the names that `from … import …` gives to its members in this module."""
    imported = {
        alias.asname or alias.name
        for node in ast.walk(module)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if f"{node.module}.{alias.name}" in dotted
    }
    return dotted | imported
