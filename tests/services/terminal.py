"""The real jobctl as somebody runs it: in a pipe, or at a terminal of a size, where keys can be pressed."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field

from services.waiting import wait_until_async

CTRL_C = b"\x03"
#: Control sequences: what moves, erases and colors, and no text.
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
_JOBCTL = (sys.executable, "-m", "jobcontrol.cli")
_UNSET = ("NO_COLOR", "FORCE_COLOR", "JOBCONTROL_TOKEN", "COLUMNS", "LINES")


@dataclass(frozen=True)
class Finished:
    """How a run ended, and what it wrote."""

    code: int
    out: str
    err: str


async def jobctl(*words: str, stdin: bytes = b"", **variables: str) -> Finished:
    """Run jobctl to its end, with pipes for all three streams."""
    process = await asyncio.create_subprocess_exec(
        *_JOBCTL,
        *words,
        env=_environment(variables),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(stdin), 60)
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


@dataclass
class Terminal:
    """A jobctl at a terminal; `text` is all that it wrote there."""

    process: asyncio.subprocess.Process
    master: int
    written: bytearray = field(default_factory=bytearray)

    @property
    def text(self) -> str:
        return self.written.decode(errors="replace")

    @property
    def plain(self) -> str:
        """The text alone, without what moves, erases and colors."""
        return CONTROL.sub("", self.text)

    def press(self, key: bytes) -> None:
        os.write(self.master, key)

    def resize(self, width: int, height: int = 24) -> None:
        _set_size(self.master, width, height)

    def signal(self, signum: signal.Signals) -> None:
        self.process.send_signal(signum)

    async def shows(self, words: str, *, times: int = 1) -> None:
        """Wait until these words were written so often."""

        async def is_there() -> bool:
            return self.plain.count(words) >= times

        await wait_until_async(is_there, f"the terminal shows {words!r}; it shows:\n{self.plain[-2000:]}")

    async def end(self) -> int:
        """The exit code, once it has ended and all was read."""
        code = await asyncio.wait_for(self.process.wait(), 60)
        # Anything it still wrote is there already.
        self._read()
        return code

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.master)
        with suppress(ProcessLookupError):
            self.process.kill()
        os.close(self.master)

    def _read(self) -> None:
        # EIO: the other side has gone. EAGAIN: nothing there now.
        with suppress(OSError):
            while told := os.read(self.master, 65536):
                self.written += told


async def at_terminal(*words: str, width: int | str = 80, term: str = "xterm-256color", **variables: str) -> Terminal:
    """Start jobctl at a terminal; the caller closes it."""
    master, slave = pty.openpty()
    _set_size(master, int(width), 24)
    os.set_blocking(master, False)
    process = await asyncio.create_subprocess_exec(
        *_JOBCTL,
        *words,
        env=_environment({"TERM": term, "LANG": "C.UTF-8", **variables}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=_take_terminal,
    )
    os.close(slave)
    terminal = Terminal(process, master)
    asyncio.get_running_loop().add_reader(master, terminal._read)
    return terminal


def _take_terminal() -> None:
    """In the child: keys such as Ctrl+C are for it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def _set_size(descriptor: int, width: int, height: int) -> None:
    fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))


def _environment(variables: Mapping[str, str]) -> dict[str, str]:
    return {**{name: value for name, value in os.environ.items() if name not in _UNSET}, **variables}
