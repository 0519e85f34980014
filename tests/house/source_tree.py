"""The repository as the house tests read it: its files, and its Python as syntax trees."""

import ast
import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ROOMS = ("sdk", "core", "server", "workers", "migrations")
GENERATED = Path("sdk/jobcontrol/v1")
_NOT_OURS = {".git", ".venv", ".jobcontrol", ".hypothesis", "__pycache__", "build", "dist", "htmlcov", "node_modules"}


@cache
def files() -> tuple[Path, ...]:
    """Every file of the repository, relative to its root, without environments, caches and what runs leave behind."""
    return tuple(sorted(_walk()))


def python_files(*folders: str) -> list[Path]:
    """The Python written by hand below `folders`; the whole repository's without any."""
    return [
        path
        for path in files()
        if path.suffix == ".py" and GENERATED not in path.parents and (not folders or path.parts[0] in folders)
    ]


def read(path: Path) -> str:
    """The text of a file given relative to the root."""
    return (ROOT / path).read_text(encoding="utf-8")


def is_text(path: Path) -> bool:
    """Whether a file is meant to be read: git's own rule, no NUL among its first bytes."""
    with (ROOT / path).open("rb") as file:
        return b"\0" not in file.read(8000)


@cache
def tree(path: Path) -> ast.Module:
    """The syntax tree of a Python file given relative to the root."""
    return ast.parse(read(path), filename=str(path))


def dotted_name(node: ast.expr) -> str:
    """`a.b.c` for the expression of that shape, an empty string for any other."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted_name(node.value)):
        return f"{before}.{node.attr}"
    return ""


def _walk() -> Iterator[Path]:
    for folder, below, names in os.walk(ROOT):
        below[:] = [name for name in below if name not in _NOT_OURS and not name.endswith(("_cache", ".egg-info"))]
        yield from (Path(folder, name).relative_to(ROOT) for name in names if _is_ours(name))


def _is_ours(name: str) -> bool:
    # In a worktree .git is a file.
    return name not in (".git", ".env", ".coverage") and not name.endswith((".pyc", ".orig"))
