"""What can go wrong, as a table: each fault does its harm at once and answers with how it is healed."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from chaos.arena import Arena
from jobcontrol_core.crash_points import CrashPoint
from services.stack import Process

Heal = Callable[[], None]
Harm = Callable[[Arena, Random], Heal]


@dataclass(frozen=True, slots=True)
class Fault:
    """`only_on` is the kind of database without which it makes no sense."""

    name: str
    harm: Harm
    only_on: str = ""


def faults_for(kind: str) -> list[Fault]:
    """The faults of an arena on this kind of database, in an order that a seed can rely on."""
    return [fault for fault in FAULTS if fault.only_on in ("", kind)]


def _nothing_to_heal() -> None:
    """What was harmed comes back by itself, or by Arena.revive."""


def _kill_server(arena: Arena, rng: Random) -> Heal:
    rng.choice(arena.servers).kill()
    return arena.revive


def _kill_supervisor(arena: Arena, rng: Random) -> Heal:
    rng.choice(arena.workers).kill()
    return arena.revive


def _drain_worker(arena: Arena, rng: Random) -> Heal:
    _signal(rng.choice(arena.workers).pid, signal.SIGTERM)
    return arena.revive


def _stop_server(arena: Arena, rng: Random) -> Heal:
    return _stopped(rng.choice(arena.servers))


def _stop_supervisor(arena: Arena, rng: Random) -> Heal:
    return _stopped(rng.choice(arena.workers))


def _kill_process(arena: Arena, rng: Random) -> Heal:
    for pid in rng.sample(pids := arena.worker_pids(), min(1, len(pids))):
        _signal(pid, signal.SIGKILL)
    return _nothing_to_heal


def _stop_process(arena: Arena, rng: Random) -> Heal:
    stopped = rng.sample(pids := arena.worker_pids(), min(1, len(pids)))
    for pid in stopped:
        _signal(pid, signal.SIGSTOP)
    return lambda: _continue(stopped)


def _kill_valkey(arena: Arena, _: Random) -> Heal:
    arena.valkey.kill()
    return lambda: _start_valkey(arena)


def _empty_valkey(arena: Arena, _: Random) -> Heal:
    arena.valkey.kill()
    for path in arena.valkey.directory.glob("appendonlydir/*"):
        path.unlink()
    return lambda: _start_valkey(arena)


def _start_valkey(arena: Arena) -> None:
    # Two faults of one turn may both have killed it.
    if arena.valkey.process is None:
        arena.valkey.start()


def _flush_valkey(arena: Arena, _: Random) -> Heal:
    if arena.valkey.process is not None:
        arena.valkey.flush()
    return _nothing_to_heal


def _cut_redis(arena: Arena, _: Random) -> Heal:
    arena.redis.cut()
    return arena.redis.heal


def _hang_redis(arena: Arena, _: Random) -> Heal:
    arena.redis.hang()
    return arena.redis.heal


def _cut_database(arena: Arena, _: Random) -> Heal:
    assert arena.database is not None
    arena.database.cut()
    return arena.database.heal


def _hang_database(arena: Arena, _: Random) -> Heal:
    assert arena.database is not None
    arena.database.hang()
    return arena.database.heal


def _end_sessions(arena: Arena, _: Random) -> Heal:
    assert arena.postgres is not None
    arena.postgres.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
        "AND pid <> pg_backend_pid()"
    )
    return _nothing_to_heal


def _lock_database(arena: Arena, _: Random) -> Heal:
    holder = sqlite3.connect(str(arena.truth.engine.url.database), isolation_level=None, timeout=10)
    holder.execute("BEGIN IMMEDIATE")
    return holder.close


def _lay_fuse(point: CrashPoint) -> Harm:
    def lay(arena: Arena, _: Random) -> Heal:
        (arena.fuses / point).touch()
        return arena.revive

    return lay


def _stopped(process: Process) -> Heal:
    _signal(process.pid, signal.SIGSTOP)
    return lambda: _continue([process.pid])


def _continue(pids: list[int]) -> None:
    for pid in pids:
        _signal(pid, signal.SIGCONT)


def _signal(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


FAULTS = [
    Fault("server killed", _kill_server),
    Fault("server stopped", _stop_server),
    Fault("supervisor killed", _kill_supervisor),
    Fault("supervisor stopped", _stop_supervisor),
    Fault("worker drained", _drain_worker),
    Fault("worker process killed", _kill_process),
    Fault("worker process stopped", _stop_process),
    Fault("valkey killed", _kill_valkey),
    Fault("valkey killed and emptied", _empty_valkey),
    Fault("valkey flushed", _flush_valkey),
    Fault("redis cut", _cut_redis),
    Fault("redis hangs", _hang_redis),
    Fault("database cut", _cut_database, "postgresql"),
    Fault("database hangs", _hang_database, "postgresql"),
    Fault("database sessions ended", _end_sessions, "postgresql"),
    Fault("database locked", _lock_database, "sqlite"),
    *(Fault(f"died {point}", _lay_fuse(point)) for point in CrashPoint),
]
