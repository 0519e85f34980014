"""Files that a command writes: whole or not at all, and for their owner's eyes alone."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

from jobcontrol._requests import invalid
from jobcontrol.errors import JobControlError


@contextmanager
def whole_file(target: Path, *, option: str) -> Iterator[TextIO]:
    """A file that takes the place of `target` when all of it is on the disk; its owner alone may read it.

    Raises InvalidInput, which names `option`, if it cannot be written.
    """
    try:
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as problem:
        raise invalid(option, f"{target} cannot be written: {problem.strerror}") from problem
    written = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        written.replace(target)
    except JobControlError:
        # A RequestTimeout is an OSError, too.
        raise
    except OSError as problem:
        raise invalid(option, f"{target} cannot be written: {problem.strerror}") from problem
    finally:
        with suppress(FileNotFoundError):
            written.unlink()
