"""Files of at most 300 lines and functions of at most 40: what is longer is named here, with its reason."""

import ast
from collections.abc import Iterator
from pathlib import Path

from house.source_tree import python_files, read, tree

FILE_LINES, TEST_FILE_LINES, FUNCTION_LINES = 300, 500, 40

# path -> why it may be longer. An entry that is no longer needed fails the test.
LONG_FILES: dict[str, str] = {}
# path::function -> why it may be longer.
LONG_FUNCTIONS: dict[str, str] = {}
# One migration is one list of statements, in the order in which they run.
MIGRATIONS = Path("migrations/jobcontrol_migrations/versions")


def test_no_file_is_longer_than_its_limit() -> None:
    assert {str(path) for path in python_files() if _is_long_file(path)} == set(LONG_FILES)


def test_no_function_is_longer_than_forty_lines_without_its_docstring() -> None:
    long = {
        f"{path}::{function.name}": lines
        for path in python_files()
        if path.parent != MIGRATIONS
        for function in _functions(tree(path))
        if (lines := function_lines(function)) > FUNCTION_LINES
    }
    assert set(long) == set(LONG_FUNCTIONS), long


def test_a_docstring_does_not_count_and_every_other_line_does() -> None:
    function = next(_functions(ast.parse('def f():\n    """One.\n\n    Two.\n    """\n    a = 1\n\n    return a\n')))
    assert function_lines(function) == 4


def function_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines from `def` to the end, without the docstring's."""
    end = function.end_lineno or function.lineno
    return end - function.lineno + 1 - _docstring_lines(function)


def _docstring_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    if ast.get_docstring(function, clean=False) is None:
        return 0
    docstring = function.body[0]
    return (docstring.end_lineno or docstring.lineno) - docstring.lineno + 1


def _functions(module: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    return (node for node in ast.walk(module) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def _is_long_file(path: Path) -> bool:
    limit = TEST_FILE_LINES if path.parts[0] == "tests" else FILE_LINES
    return len(read(path).splitlines()) > limit and path.parent != MIGRATIONS
