"""A reader at a machine of his own, who does what a page says: types commands, saves files, keeps a server running."""

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from docs.terminal import Terminal
from jobcontrol_workers.pipelines import BUILT_IN
from services.stack import SHORT_LEASES, free_port

#: Stays in its terminal until it is stopped; typed again, it is stopped first.
STAYS = re.compile(r"^(?:pip install \S+ && )?jobctl (dev|server|gateway|worker)\b(?!.*# exits)[^\n]*$")
#: What a command that ends otherwise than with 0 says behind itself.
EXITS = re.compile(r"# exits with (\d+)\b")
#: What variables begin with that a reader's machine does not have set.
SETTINGS = ("JOBCONTROL_", "JOB_", "REDIS_", "DATABASE_URL")
LOOPBACK = ("localhost", "127.0.0.1")
#: A document of the reader's own, which pages name.
BOOK = "book.md"
#: Installs nothing: what a page wants installed is installed already. Refuses what the project does not offer.
PIP = """#!/bin/bash
case "$*" in
  "install ." | "install .[server]" | "install jobcontrol" | "install jobcontrol[server]") ;;
  *) echo "pip $*: not of this project" >&2; exit 1 ;;
esac
"""


class Refused(Exception):
    """A command that did otherwise than the page says; the text tells what it did."""


@dataclass
class Reader:
    """Works in an empty directory below `home`; what is exported in one command is known to the next.

    `places` are addresses that pages name, and what stands for each on this machine; `tools` are folders of
    programs that go before others.
    """

    home: Path
    places: dict[str, str]
    tools: list[Path] = field(default_factory=list)
    terminals: dict[str, Terminal] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        self.http = f"127.0.0.1:{free_port()}"
        own = {f"{host}:50051": self.address for host in LOOPBACK} | {f"{host}:8080": self.http for host in LOOPBACK}
        self.places = {**own, **self.places}
        self.directory, own_tools, self.exported = self.home / "desk", self.home / "tools", self.home / "exported"
        for folder in (self.directory, own_tools):
            folder.mkdir()
        self.exported.touch()
        (own_tools / "pip").write_text(PIP)
        (own_tools / "pip").chmod(0o755)
        sample = BUILT_IN[0].sample
        assert sample is not None
        (self.directory / BOOK).write_bytes(sample())
        kept = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
        self.environment = {
            **kept,
            **SHORT_LEASES,
            "JOBCONTROL_WORKER_PROCESSES": "1",
            "PATH": os.pathsep.join(
                map(str, [own_tools, *self.tools, Path(sys.executable).parent, os.environ["PATH"]])
            ),
            "HOME": str(self.home),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "JOBCONTROL_LISTEN": self.address,
            "JOBCONTROL_SERVER": self.address,
            "JOBCONTROL_HTTP": self.http,
        }

    def type(self, commands: str) -> str:
        """Run them in a shell and return what they print; Refused if they end otherwise than they say.

        What stays is left running: this returns when it listens, and what it prints is not returned.
        """
        if stays := STAYS.match(commands.strip()):
            self._open_terminal(stays[1], commands.strip())
            return ""
        keeping = f"source {self.exported}; trap 'export -p > {self.exported}' EXIT"
        told = EXITS.findall(commands)
        return self._run(["bash", "-euo", "pipefail", "-c", f"{keeping}\n{self.here(commands)}"], told)

    def run_python(self, program: str) -> str:
        """Run a program and return what it prints; Refused if it fails and does not say so."""
        self.save("program.py", program)
        return self._run([sys.executable, "program.py"], EXITS.findall(program))

    def save(self, name: str, text: str) -> None:
        """Write a file beside where commands are typed."""
        (self.directory / name).write_text(self.here(text))

    def leave(self) -> None:
        """Nothing that was started runs any more."""
        for terminal in self.terminals.values():
            terminal.kill()

    def _open_terminal(self, kind: str, command: str) -> None:
        if kind in self.terminals:
            self.terminals.pop(kind).interrupt()
        # In place of the shell, so that signals reach it.
        words = shlex.join(shlex.split(self.here(command).rpartition("&& ")[2], comments=True))
        script = f"source {self.exported}; exec {words}"
        terminal = Terminal.opened(script, self.directory, self.environment, self.home / f"{kind}.log")
        self.terminals[kind] = terminal
        if kind in ("dev", "server"):
            terminal.wait_until_it_listens(self.address)
        if kind != "worker":
            # A server opens this one last.
            terminal.wait_until_it_listens(self.http)

    def here(self, text: str) -> str:
        """The text with this machine's own addresses."""
        for named, own in self.places.items():
            text = text.replace(named, own)
        return text

    def _run(self, command: list[str], exits: list[str]) -> str:
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != int(exits[-1] if exits else 0):
            raise Refused(f"{command[-1].strip()}\nended with {done.returncode}:\n{done.stdout}")
        return done.stdout
