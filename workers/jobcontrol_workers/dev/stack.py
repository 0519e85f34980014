"""The development stack: Redis, database, server and workers, brought up and down in order."""

from __future__ import annotations

import errno
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import structlog

from jobcontrol_core.settings import HTTP_OFF, environment_with
from jobcontrol_workers.dev.directory import DataDirectory, DevError
from jobcontrol_workers.dev.embedded import find_program, server_command, socket_url, wait_until_it_answers
from jobcontrol_workers.dev.program import Program
from jobcontrol_workers.preparation import prepare_database

log = structlog.get_logger(__name__)

#: Longer than the drain of its server and workers.
STOP_SECONDS = 32.0
TURN_SECONDS = 0.1
START_SECONDS = 30.0
#: The processes of a stack that was killed die with it, but not in the same instant.
PORT_SECONDS = 3.0

__all__ = ["DevError", "DevOptions", "run_dev"]


@dataclass(frozen=True, slots=True)
class DevOptions:
    """Where the stack keeps things and listens: `http` may be off; `redis_url` empty = an embedded one."""

    directory: Path
    listen: str
    http: str = HTTP_OFF
    redis_url: str = ""
    targets: tuple[str, ...] = ()

    @property
    def addresses(self) -> dict[str, str]:
        """Each address that is listened on, by the option that chooses another."""
        chosen = {"--listen": self.listen, "--http": self.http}
        return {option: address for option, address in chosen.items() if address != HTTP_OFF}


def run_dev(options: DevOptions) -> None:
    """Run the stack until SIGINT or SIGTERM. Raises DevError if it cannot start."""
    is_stopping = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, lambda *_: is_stopping.set())
    directory = DataDirectory(options.directory)
    for option, address in options.addresses.items():
        _require_free_port(address, option)
    stack = _Stack(options, directory)
    try:
        stack.start(is_stopping)
        if not is_stopping.is_set():
            sys.stderr.write(_banner(options, directory))
            sys.stderr.flush()
        while not is_stopping.wait(TURN_SECONDS):
            stack.restart_what_died()
    finally:
        stack.stop()
        directory.close()


class _Stack:
    def __init__(self, options: DevOptions, directory: DataDirectory) -> None:
        self._options = options
        self._directory = directory
        self._redis_url = options.redis_url or socket_url(directory.socket)
        environment = environment_with(
            JOBCONTROL_DATABASE_URL=directory.database_url,
            JOBCONTROL_REDIS_URL=self._redis_url,
            JOBCONTROL_LISTEN=options.listen,
            JOBCONTROL_HTTP=options.http,
        )
        jobctl = [sys.executable, "-m", "jobcontrol.cli"]
        self._redis = None
        if not options.redis_url:
            self._redis = Program("valkey", server_command(find_program(), directory), environment)
        self._server = Program("server", [*jobctl, "server"], environment)
        self._worker = Program("worker", [*jobctl, "worker", *options.targets], environment)
        self._programs = [program for program in (self._redis, self._server, self._worker) if program is not None]

    def start(self, is_stopping: threading.Event) -> None:
        """Up in order: Redis, the database's tables, then server and workers; returns once the server listens."""
        if self._redis is not None:
            self._redis.start()
            wait_until_it_answers(self._redis_url, self._directory.path / "valkey.log")
        prepare_database(self._directory.database_url, self._options.targets)
        self._server.start()
        self._worker.start()
        deadline = time.monotonic() + START_SECONDS
        while not (all(map(_is_listening, self._options.addresses.values())) or is_stopping.is_set()):
            if not self._server.is_running or time.monotonic() > deadline:
                raise DevError("the server did not start; the lines above say why")
            time.sleep(TURN_SECONDS)

    def restart_what_died(self) -> None:
        for program in self._programs:
            program.restart_if_dead()

    def stop(self) -> None:
        """Down in order: workers and server drain, then Redis goes."""
        log.info("stopping", what="dev", bound=STOP_SECONDS)
        for program in (self._worker, self._server):
            program.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        for program in (self._worker, self._server):
            program.wait(max(0.0, deadline - time.monotonic()))
        if self._redis is not None:
            self._redis.ask_to_stop()
            self._redis.wait(5.0)
        log.info("stopped", what="dev", kept_in=str(self._directory.path))


def _require_free_port(address: str, option: str) -> None:
    deadline = time.monotonic() + PORT_SECONDS
    while not _can_bind(address, option):
        if time.monotonic() > deadline:
            host, port = _host_and_port(address)
            raise DevError(f"port {port} is taken; stop what listens there, or choose another: {option} {host}:PORT")
        time.sleep(TURN_SECONDS)


def _can_bind(address: str, option: str) -> bool:
    host, port = _host_and_port(address)
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except PermissionError:
            raise DevError(f"port {port} may not be opened; choose one above 1023: {option} {host}:PORT") from None
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise DevError(f"{host} is no address of this machine; choose another: {option} HOST:PORT") from None
            return False
    return True


def _host_and_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


def _is_listening(address: str) -> bool:
    try:
        with socket.create_connection(_host_and_port(address), timeout=1):
            return True
    except OSError:
        return False


def _banner(options: DevOptions, directory: DataDirectory) -> str:
    where = options.listen.replace("127.0.0.1", "localhost")
    rest = (
        f"    REST     http://{options.http.replace('127.0.0.1', 'localhost')}\n"
        if "--http" in options.addresses
        else ""
    )
    server = "" if where == "localhost:50051" else f"--server {where} "
    kept = directory.path
    return (
        "\n  jobcontrol is running\n"
        f"    gRPC     {where}\n"
        f"{rest}"
        f"    kept in  {kept}\n"
        f"    try      jobctl {server}start learning-path rust-101 --document sample --watch\n"
        "    stop     Ctrl+C; start it again and every unfinished build goes on\n"
    )
