"""The line between a supervisor and one of its processes: JSON, a message a line, one pipe each way."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Message = dict[str, Any]


class Link:
    """`on_message` and `on_end` are called on a thread of the link's own. The end means: the other side is gone."""

    def __init__(
        self, read_fd: int, write_fd: int, on_message: Callable[[Message], None], on_end: Callable[[], None]
    ) -> None:
        self._reader = open(read_fd, encoding="utf-8")  # noqa: SIM115 - lives as long as the link
        self._writer = open(write_fd, "w", encoding="utf-8")  # noqa: SIM115
        self._write_lock = threading.Lock()
        self._on_message = on_message
        self._on_end = on_end
        self._thread = threading.Thread(target=self._listen, name="link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, **message: Any) -> None:
        """Tell the other side. One that is gone is told by `on_end`, not here."""
        with self._write_lock, suppress(OSError, ValueError):
            self._writer.write(json.dumps(message) + "\n")
            self._writer.flush()

    def close(self) -> None:
        """Once the other side is gone: hear what it said last, and close the pipes."""
        with self._write_lock, suppress(OSError):
            self._writer.close()
        self._thread.join(timeout=1.0)

    def _listen(self) -> None:
        with suppress(OSError, ValueError), self._reader:
            for line in self._reader:
                self._on_message(json.loads(line))
        self._on_end()
