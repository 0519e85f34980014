"""The one directory that a development stack keeps everything in."""

from __future__ import annotations

import fcntl
import hashlib
import os
import tempfile
from pathlib import Path
from typing import IO

#: A unix socket's path must fit into about 104 bytes.
LONGEST_SOCKET_PATH = 100


class DevError(Exception):
    """Why the stack cannot start, in one line that names the way out."""


class DataDirectory:
    """Created if missing, and locked: one stack at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = (self.path / "dev.lock").open("a+")
        except OSError as error:
            raise DevError(f"cannot write to {path} ({error.strerror}); choose another: --directory DIR") from None
        _lock_or_refuse(self._lock, path)

    @property
    def database_url(self) -> str:
        return f"sqlite+pysqlite:///{self.path / 'jobcontrol.db'}"

    @property
    def socket(self) -> Path:
        """Where the embedded Redis listens; somewhere shorter if the directory's own path is too long."""
        own = self.path / "valkey.sock"
        if len(os.fsencode(own)) <= LONGEST_SOCKET_PATH:
            return own
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"jobcontrol-{digest}.sock"

    def close(self) -> None:
        self._lock.close()


def _lock_or_refuse(lock: IO[str], path: Path) -> None:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.seek(0)
        holder = lock.read().strip() or "?"
        raise DevError(
            f"another jobctl dev (process {holder}) runs in {path}; stop it, or choose another: --directory DIR"
        ) from None
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
