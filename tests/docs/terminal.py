"""A terminal in which a command stays: `jobctl dev`, a server, a worker."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from services.processes import descendants
from services.waiting import wait_until


@dataclass(frozen=True)
class Terminal:
    """What runs in it, and what it has printed."""

    process: subprocess.Popen[bytes]
    log: Path

    @classmethod
    def opened(cls, script: str, directory: Path, environment: Mapping[str, str], log: Path) -> "Terminal":
        with log.open("ab") as output:
            process = subprocess.Popen(
                ["bash", "-c", script],
                cwd=directory,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
            )
        return cls(process, log)

    def wait_until_it_listens(self, address: str) -> None:
        wait_until(lambda: _is_listening(address) or self.process.poll() is not None, f"{address} answers", timeout=60)
        if self.process.poll() is not None:
            pytest.fail(f"it did not stay:\n{self.log.read_text()}", pytrace=False)

    def interrupt(self) -> None:
        """Ctrl+C, and it has ended when this returns."""
        self.process.send_signal(signal.SIGINT)
        self.process.wait(timeout=60)

    def kill(self) -> None:
        """It and all that it started are gone when this returns."""
        family = [self.process.pid, *descendants(self.process.pid)]
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(timeout=30)


def _is_listening(address: str) -> bool:
    host, port = address.rsplit(":", 1)
    with suppress(OSError), socket.create_connection((host, int(port)), timeout=1):
        return True
    return False
