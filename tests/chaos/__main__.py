"""Chaos: builds under random faults, by a seed; afterwards every promise is checked. `make chaos` runs it."""

from __future__ import annotations

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from random import Random

from chaos.arena import Arena, opened_arena
from chaos.faults import choose_faults
from chaos.judge import Judge
from chaos.report import report_lines
from chaos.traffic import CALLERS, Caller, resume_everything
from chaos.verdict import open_jobs

#: Seconds that everything has to end in, once all is healed.
SETTLING = 90.0
#: How long faults last, and how long until the next: seconds, as (least, most).
HARM, BREATH = (0.2, 6.0), (0.5, 3.0)


def main() -> int:
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="jc-chaos-"))
    _say(f"chaos: {_told(options)}; logs in {directory}")
    with opened_arena(options.database, options.redis, directory) as arena:
        callers = [Caller(f"caller{n}", arena.addresses, Random(f"{options.seed}-{n}")) for n in range(CALLERS)]
        for caller in callers:
            caller.start()
        judge = Judge(arena, callers)
        faults = _harm(arena, judge, options)
        settled_in = _settle(arena, callers)
        judge.close(directory)
        for line in report_lines(arena, judge, faults, callers):
            _say(line)
    _say(f"settled in {settled_in:.1f} s")
    for violation in judge.violations:
        _say(f"VIOLATION {violation}")
    _say(f"violations: {judge.figures['violations']}")
    if not judge.violations:
        shutil.rmtree(directory)
    else:
        _say(f"again: make chaos {_told(options)}")
    return 1 if judge.violations else 0


def _told(options: argparse.Namespace) -> str:
    return " ".join(f"{name}={value}" for name, value in vars(options).items())


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--redis", choices=["valkey", "redis"], default="valkey")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _harm(arena: Arena, judge: Judge, options: argparse.Namespace) -> Counter[str]:
    """Faults again and again. The seed says which; when exactly they strike it cannot say."""
    done: Counter[str] = Counter()
    ends_at = time.monotonic() + options.seconds
    for turn in itertools.count():
        if time.monotonic() > ends_at:
            break
        rng = Random(f"{options.seed}-{turn}")
        heals = []
        for fault in choose_faults(options.database, rng):
            heals.append(fault.harm(arena, rng))
            done[fault.name] += 1
        _pass(rng.uniform(*HARM))
        # The database, taken away last, comes back first: the others need it to start.
        for heal in reversed(heals):
            heal()
        _pass(rng.uniform(*BREATH))
        arena.revive()
        judge.look()
    return done


def _settle(arena: Arena, callers: list[Caller]) -> float:
    """Resume what is paused and wait until all has ended; the seconds that it took."""
    for fuse in arena.fuses.iterdir():
        fuse.unlink(missing_ok=True)
    arena.revive()
    for caller in callers:
        caller.stop()
    began = time.monotonic()
    while time.monotonic() - began < SETTLING:
        arena.revive()
        for caller in callers:
            resume_everything(caller)
        if not open_jobs(arena.truth) and not any(caller.active() for caller in callers):
            break
        _pass(1.0)
    return time.monotonic() - began


def _pass(seconds: float) -> None:
    threading.Event().wait(seconds)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
