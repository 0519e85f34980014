"""The last job that was started from here, so that @last can name it; losing it harms nobody."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

from jobcontrol.errors import NotFound

LAST = "@last"
_FILE = "last-jobs.json"


def remember(folder: Path | None, server: str, job_id: str) -> None:
    """Keep the id for this server. Silent where there is no place for it."""
    if folder is None:
        return
    with suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps({**_read(folder), server: job_id})
        # Written beside and moved over it, so that nobody reads half a file.
        written = folder / f"{_FILE}.new"
        written.write_text(text, encoding="utf-8")
        written.replace(folder / _FILE)


def resolve(folder: Path | None, server: str, given: str) -> str:
    """The id that `given` names: itself, unless it is @last. Raises NotFound if there is no last one."""
    if given != LAST:
        return given
    if last := (_read(folder) if folder else {}).get(server):
        return last
    raise NotFound(f"no job was started from here on {server} yet", code="NOT_FOUND")


def _read(folder: Path) -> dict[str, str]:
    try:
        kept = json.loads((folder / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return kept if isinstance(kept, dict) else {}
