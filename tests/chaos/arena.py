"""Where chaos happens: two servers, two workers and a Valkey of their own on one database, with proxies in between."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from chaos.proxy import Proxy
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.settings import environment_with
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import workers
from services.postgres import PostgresServer, running_postgres
from services.stack import SHORT_LEASES, Process, Stack, is_alive, opened
from services.valkey import ValkeyServer, running_valkey
from services.waiting import wait_until

TARGET = "chaos.storm:storm"
SERVERS, WORKERS = 2, 2
#: Seconds in which the workers are up, also on a machine that is busy with other things.
PATIENCE = 120.0


@dataclass
class Arena:
    """`truth` reads the database past every proxy; `database` is the proxy in front of PostgreSQL, if it is that."""

    stack: Stack
    truth: Store
    valkey: ValkeyServer
    redis: Proxy
    fuses: Path
    database: Proxy | None = None
    postgres: PostgresServer | None = None
    servers: list[Process] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    #: Every worker process that was ever there.
    pids: set[int] = field(default_factory=set)

    @property
    def addresses(self) -> list[str]:
        return [server.address for server in self.servers]

    def open(self) -> None:
        self.servers = [self.stack.start_server() for _ in range(SERVERS)]
        self.workers = [self.stack.start_worker(TARGET) for _ in range(WORKERS)]
        wait_until(lambda: len(self.worker_pids()) == 2 * WORKERS, "the workers are up", timeout=PATIENCE)

    def revive(self) -> None:
        """Start whatever has ended; what cannot start now is left for the next time."""
        for process in [*self.servers, *self.workers]:
            if process.has_ended:
                with suppress(pytest.fail.Exception):
                    process.start()

    def worker_pids(self) -> list[int]:
        """The worker processes that are alive, as the truth knows them."""
        with suppress(Unavailable):
            rows = self.truth.read(lambda tx: tx.execute(select(workers.c.pid, workers.c.ended_at)).all())
            self.pids |= {row.pid for row in rows}
            return [row.pid for row in rows if row.ended_at is None and is_worker(row.pid)]
        return []


def is_worker(pid: int) -> bool:
    """Whether a process of this id runs and is one of the workers; ids are used again."""
    with suppress(OSError):
        return is_alive(pid) and b"-m\0jobcontrol_workers." in Path(f"/proc/{pid}/cmdline").read_bytes()
    return False


@contextmanager
def opened_arena(kind: str, directory: Path) -> Iterator[Arena]:
    """An arena on `kind`, sqlite or postgresql, with everything up. Everything is killed at the end."""
    with ExitStack() as closing:
        valkey = closing.enter_context(contextmanager(running_valkey)())
        redis = Proxy(valkey.directory / "valkey.sock")
        fuses = directory / "fuses"
        fuses.mkdir()
        settings = SHORT_LEASES | {
            "JOBCONTROL_CRASH_FUSES": str(fuses),
            "JOBCONTROL_DRAIN_SECONDS": "3",
            "PYTHONPATH": _with_tests(),
        }
        postgres, database, direct, proxied = None, None, f"sqlite+pysqlite:///{directory / 'jobcontrol.db'}", ""
        if kind == "postgresql":
            postgres = closing.enter_context(contextmanager(running_postgres)())
            name = postgres.create_database()
            database = Proxy(postgres.socket_dir / ".s.PGSQL.5432")
            direct = postgres.url(name)
            proxied = f"postgresql+psycopg://postgres@127.0.0.1:{database.port}/{name}?gssencmode=disable"
        url = f"redis://127.0.0.1:{redis.port}/0"
        stack = closing.enter_context(contextmanager(opened)(proxied or direct, url, directory, settings))
        truth = Store(direct)
        closing.callback(truth.close)
        arena = Arena(stack, truth, valkey, redis, fuses, database, postgres)
        arena.open()
        yield arena


def _with_tests() -> str:
    known = environment_with().get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), known]))
