"""What can go wrong, as a table: each fault does its harm at once and answers with how it is healed."""

from __future__ import annotations

import signal
from dataclasses import dataclass
from random import Random

from chaos import outages
from chaos.arena import Arena
from chaos.outages import Harm, Heal, nothing_to_heal, signal_all
from jobcontrol_core.crash_points import CrashPoint
from services.stack import Process

#: Faults at once: least and most.
TOGETHER = (1, 3)


@dataclass(frozen=True, slots=True)
class Fault:
    """`only_on` is the kind of database that it takes away, alone of its turn: what else harms it needs one."""

    name: str
    harm: Harm
    only_on: str = ""


def choose_faults(kind: str, rng: Random) -> list[Fault]:
    """One to three faults for an arena on this kind of database, the one that takes the database away last."""
    possible = [fault for fault in FAULTS if fault.only_on in ("", kind)]
    chosen = rng.sample(possible, rng.randint(*TOGETHER))
    others = [fault for fault in chosen if not fault.only_on]
    return others + [fault for fault in chosen if fault.only_on][:1]


def _kill_server(arena: Arena, rng: Random) -> Heal:
    rng.choice(arena.servers).kill()
    return arena.revive


def _kill_supervisor(arena: Arena, rng: Random) -> Heal:
    rng.choice(arena.workers).kill()
    return arena.revive


def _drain_worker(arena: Arena, rng: Random) -> Heal:
    signal_all([rng.choice(arena.workers).pid], signal.SIGTERM)
    return arena.revive


def _stop_server(arena: Arena, rng: Random) -> Heal:
    return _stopped(rng.choice(arena.servers))


def _stop_supervisor(arena: Arena, rng: Random) -> Heal:
    return _stopped(rng.choice(arena.workers))


def _kill_process(arena: Arena, rng: Random) -> Heal:
    signal_all(_one_of(arena.worker_pids(), rng), signal.SIGKILL)
    return nothing_to_heal


def _stop_process(arena: Arena, rng: Random) -> Heal:
    stopped = _one_of(arena.worker_pids(), rng)
    signal_all(stopped, signal.SIGSTOP)
    return lambda: signal_all(stopped, signal.SIGCONT)


def _one_of(pids: list[int], rng: Random) -> list[int]:
    return rng.sample(pids, min(1, len(pids)))


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
    return nothing_to_heal


def _lay_fuse(point: CrashPoint) -> Harm:
    def lay(arena: Arena, _: Random) -> Heal:
        (arena.fuses / point).touch()
        return arena.revive

    return lay


def _stopped(process: Process) -> Heal:
    signal_all([process.pid], signal.SIGSTOP)
    return lambda: signal_all([process.pid], signal.SIGCONT)


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
    Fault("redis cut", outages.cut(outages.to_redis)),
    Fault("redis hangs", outages.hang(outages.to_redis)),
    Fault("clients cut", outages.cut(outages.to_a_server)),
    Fault("clients hang", outages.hang(outages.to_a_server)),
    Fault("database killed", outages.kill_postgres, "postgresql"),
    Fault("database stopped", outages.stop_postgres, "postgresql"),
    Fault("database restarted", outages.restart_postgres, "postgresql"),
    Fault("database cut", outages.cut(outages.to_postgres), "postgresql"),
    Fault("database hangs", outages.hang(outages.to_postgres), "postgresql"),
    Fault("database sessions ended", outages.end_sessions, "postgresql"),
    Fault("database locked", outages.lock_sqlite, "sqlite"),
    Fault("disk full", outages.fill_disk, "sqlite"),
    *(Fault(f"died {point}", _lay_fuse(point)) for point in CrashPoint),
]
