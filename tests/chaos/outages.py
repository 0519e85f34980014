"""Outages of the database, and of the wires between the parts."""

from __future__ import annotations

import os
import resource
import signal
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from random import Random

from chaos.arena import Arena
from chaos.proxy import Proxy

Heal = Callable[[], None]
Harm = Callable[[Arena, Random], Heal]
#: Bytes that every file of the product may have while the disk is "full", and its logs beyond what they hold.
FULL_AT = 1 << 20


def nothing_to_heal() -> None:
    """What was harmed comes back by itself, or by Arena.revive."""


def kill_postgres(arena: Arena, _: Random) -> Heal:
    assert arena.postgres is not None
    arena.postgres.kill()
    return arena.postgres.start


def restart_postgres(arena: Arena, _: Random) -> Heal:
    assert arena.postgres is not None
    arena.postgres.stop_at_once()
    arena.postgres.start()
    return nothing_to_heal


def stop_postgres(arena: Arena, _: Random) -> Heal:
    assert arena.postgres is not None
    pids = arena.postgres.pids
    signal_all(pids, signal.SIGSTOP)
    return lambda: signal_all(pids, signal.SIGCONT)


def end_sessions(arena: Arena, _: Random) -> Heal:
    assert arena.postgres is not None
    # Another fault of the same turn may have taken the whole server.
    if arena.postgres.pids:
        arena.postgres.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND pid <> pg_backend_pid()"
        )
    return nothing_to_heal


def lock_sqlite(arena: Arena, _: Random) -> Heal:
    holder = sqlite3.connect(str(arena.truth.engine.url.database), isolation_level=None, timeout=10)
    holder.execute("BEGIN IMMEDIATE")
    return holder.close


def fill_disk(arena: Arena, _: Random) -> Heal:
    """No file may grow any more: what the kernel says of a file that is too large, SQLite takes as of a full disk."""
    logs = max(log.stat().st_size for log in arena.stack.directory.glob("*.log"))
    _limit_files(arena.all_pids(), FULL_AT + logs)
    return lambda: _limit_files(arena.all_pids(), resource.RLIM_INFINITY)


def cut(wire: Callable[[Arena, Random], Proxy]) -> Harm:
    """End every connection of this wire, and let none come about."""

    def harm(arena: Arena, rng: Random) -> Heal:
        proxy = wire(arena, rng)
        proxy.cut()
        return proxy.heal

    return harm


def hang(wire: Callable[[Arena, Random], Proxy]) -> Harm:
    """Let this wire carry nothing, and nobody know."""

    def harm(arena: Arena, rng: Random) -> Heal:
        proxy = wire(arena, rng)
        proxy.hang()
        return proxy.heal

    return harm


def to_redis(arena: Arena, _: Random) -> Proxy:
    return arena.redis


def to_postgres(arena: Arena, _: Random) -> Proxy:
    assert arena.database is not None
    return arena.database


def to_a_server(arena: Arena, rng: Random) -> Proxy:
    return rng.choice(arena.doors)


def signal_all(pids: Iterable[int], signum: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signum)


def _limit_files(pids: Iterable[int], most_bytes: int) -> None:
    for pid in pids:
        with suppress(ProcessLookupError):
            _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (most_bytes, hard))
