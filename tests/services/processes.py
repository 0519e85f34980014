"""The processes of this machine, as the kernel tells of them."""

from contextlib import suppress
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether a process of this id runs; one that has ended and was not waited for yet does not."""
    return _state_and_parent(pid)[0] not in ("", "Z")


def descendants(pid: int) -> list[int]:
    """The children of a process, their children and so on; parents before children."""
    parents = {int(path.name): _state_and_parent(int(path.name))[1] for path in Path("/proc").glob("[0-9]*")}
    found = [pid]
    for ancestor in found:
        found += [child for child, parent in parents.items() if parent == ancestor]
    return found[1:]


def _state_and_parent(pid: int) -> tuple[str, int]:
    with suppress(OSError):
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
        return state, int(parent)
    return "", 0
