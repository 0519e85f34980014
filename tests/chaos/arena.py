"""Where chaos happens: two servers, two workers and a Valkey of their own on one database, proxies between them all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from sqlalchemy import select

from chaos.diary import VARIABLE
from chaos.proxy import Proxy
from chaos.storm import PIPELINES
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.settings import environment_with
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import workers
from services.postgres import PostgresServer, running_postgres
from services.processes import descendants, is_alive
from services.stack import SHORT_LEASES, Process, Stack, opened
from services.valkey import ValkeyServer, find_server, running_valkey
from services.waiting import wait_until

TARGETS = [f"chaos.storm:{name}" for name in PIPELINES]
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
    diary: Path
    database: Proxy | None = None
    postgres: PostgresServer | None = None
    servers: list[Process] = field(default_factory=list)
    #: The proxy in front of each server, where its clients come in.
    doors: list[Proxy] = field(default_factory=list)
    workers: list[Process] = field(default_factory=list)
    #: Every worker process that was ever there.
    pids: set[int] = field(default_factory=set)

    @property
    def addresses(self) -> list[str]:
        return [door.address for door in self.doors]

    def open(self) -> None:
        self.servers = [self.stack.start_server() for _ in range(SERVERS)]
        self.doors = [Proxy(server.address) for server in self.servers]
        self.workers = [self.stack.start_worker(*TARGETS) for _ in range(WORKERS)]
        wait_until(self._is_up, "the workers are up", timeout=PATIENCE)

    def _is_up(self) -> bool:
        # A worker that cannot reach the database as it starts says so and ends: whoever runs it starts it again.
        self.revive()
        return len(self.worker_pids()) == 2 * WORKERS

    def revive(self) -> None:
        """Start whatever has ended; what cannot start now is left for the next time."""
        for process in [*self.servers, *self.workers]:
            if process.has_ended:
                with suppress(pytest.fail.Exception):
                    process.start()

    def all_pids(self) -> list[int]:
        """Every process of the product that runs, those that no table knows yet included."""
        running = [process.pid for process in [*self.servers, *self.workers] if not process.has_ended]
        return [pid for first in running for pid in (first, *descendants(first))]

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
def opened_arena(kind: str, redis: str, directory: Path) -> Iterator[Arena]:
    """An arena with everything up, on sqlite or postgresql and on valkey or redis. All is killed at the end."""
    with ExitStack() as closing:
        valkey = closing.enter_context(contextmanager(running_valkey)(find_server(redis)))
        wire = Proxy(valkey.directory / "valkey.sock")
        fuses, diary = directory / "fuses", directory / "diary"
        fuses.mkdir()
        diary.mkdir()
        settings = SHORT_LEASES | {
            "JOBCONTROL_CRASH_FUSES": str(fuses),
            VARIABLE: str(diary),
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
        url = f"redis://127.0.0.1:{wire.port}/0"
        stack = closing.enter_context(contextmanager(opened)(proxied or direct, url, directory, settings))
        truth = Store(direct)
        closing.callback(truth.close)
        arena = Arena(stack, truth, valkey, wire, fuses, diary, database, postgres)
        arena.open()
        yield arena


def _with_tests() -> str:
    known = environment_with().get("PYTHONPATH", "")
    return os.pathsep.join(filter(None, [str(Path(__file__).parents[1]), known]))
