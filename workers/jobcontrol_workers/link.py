"""The line between a supervisor and one of its processes: JSON, a message a line, one pipe each way."""

from __future__ import annotations

import json
import os
import select
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

Message = dict[str, Any]

#: What may wait for the other side to read, in bytes; while it does not, newer messages are dropped.
MOST_UNSENT = 1 << 20
#: How long the last words may take.
FINISH_SECONDS = 1.0


class Link:
    """`on_message` and `on_end` are called on a thread of the link's own. The end means: the other side is gone.

    `send` never waits, though an other side that is stopped, or hangs, leaves its pipe full.
    """

    def __init__(
        self, read_fd: int, write_fd: int, on_message: Callable[[Message], None], on_end: Callable[[], None]
    ) -> None:
        self._reader = open(read_fd, encoding="utf-8")  # noqa: SIM115 - lives as long as the link
        self._write_fd = write_fd
        os.set_blocking(write_fd, False)
        self._unsent = bytearray()
        self._write_lock = threading.Lock()
        self._on_message = on_message
        self._on_end = on_end
        self._thread = threading.Thread(target=self._listen, name="link", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def send(self, **message: Any) -> None:
        """Tell the other side. One that is gone is told by `on_end`, not here.

        What fits into the pipe is there when this returns, whatever holds the interpreter next; the rest goes with
        the messages that follow.
        """
        with self._write_lock:
            if len(self._unsent) < MOST_UNSENT:
                self._unsent += (json.dumps(message) + "\n").encode()
            self._write()

    def finish(self) -> None:
        """Wait until everything is sent, at most FINISH_SECONDS."""
        deadline = time.monotonic() + FINISH_SECONDS
        with self._write_lock:
            while self._unsent and (left := deadline - time.monotonic()) > 0:
                select.select([], [self._write_fd], [], left)
                self._write()

    def close(self) -> None:
        """Once the other side is gone: hear what it said last, and close the pipes."""
        with self._write_lock:
            os.close(self._write_fd)
            self._write_fd = -1
        self._thread.join(timeout=1.0)

    def _write(self) -> None:
        try:
            while self._unsent:
                del self._unsent[: os.write(self._write_fd, self._unsent)]
        except BlockingIOError:
            return
        except OSError:
            # Nobody is there to read it.
            self._unsent.clear()

    def _listen(self) -> None:
        with suppress(OSError, ValueError), self._reader:
            for line in self._reader:
                self._on_message(json.loads(line))
        self._on_end()
