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
from collections.abc import Iterator
from pathlib import Path
from random import Random

from chaos.arena import Arena, opened_arena
from chaos.faults import Fault, faults_for
from chaos.traffic import CALLERS, Caller
from chaos.verdict import job_ids, judge_jobs, judge_logs, judge_processes, judge_streams, open_jobs, step_count

#: Seconds that everything has to end in, once all is healed.
SETTLING = 90.0
#: At once, how long, and how long until the next: seconds, as (least, most).
TOGETHER, HARM, BREATH = (1, 3), (0.2, 6.0), (0.5, 3.0)


def main() -> int:
    options = _options()
    directory = Path(tempfile.mkdtemp(prefix="jc-chaos-"))
    _say(f"chaos on {options.database} for {options.seconds:g} s, seed {options.seed}; logs in {directory}")
    with opened_arena(options.database, directory) as arena:
        callers = [Caller(f"caller{n}", arena.addresses, Random(f"{options.seed}-{n}")) for n in range(CALLERS)]
        for caller in callers:
            caller.start()
        faults = _harm(arena, faults_for(options.database), options)
        settled_in = _settle(arena, callers)
        violations = list(_violations(arena, callers, directory))
        _report(arena, callers, faults, settled_in)
    for violation in violations:
        _say(f"VIOLATION {violation}")
    _say(f"violations: {len(violations)}")
    if not violations:
        shutil.rmtree(directory)
    else:
        _say(f"again: make chaos database={options.database} seconds={options.seconds:g} seed={options.seed}")
    return 1 if violations else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make chaos", description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    return parser.parse_args()


def _harm(arena: Arena, faults: list[Fault], options: argparse.Namespace) -> Counter[str]:
    """One to three faults at once, again and again. The seed says which; when exactly they strike it cannot say."""
    done: Counter[str] = Counter()
    ends_at = time.monotonic() + options.seconds
    for turn in itertools.count():
        if time.monotonic() > ends_at:
            break
        rng = Random(f"{options.seed}-{turn}")
        chosen = rng.sample(faults, rng.randint(*TOGETHER))
        heals = []
        for fault in chosen:
            heals.append(fault.harm(arena, rng))
            done[fault.name] += 1
        _pass(rng.uniform(*HARM))
        for heal in heals:
            heal()
        _pass(rng.uniform(*BREATH))
        arena.revive()
    return done


def _settle(arena: Arena, callers: list[Caller]) -> float:
    """Heal everything, resume what is paused and wait until all has ended; the seconds that it took."""
    for fuse in arena.fuses.iterdir():
        fuse.unlink(missing_ok=True)
    arena.revive()
    for caller in callers:
        caller.stop()
    began = time.monotonic()
    while time.monotonic() - began < SETTLING:
        arena.revive()
        for caller in callers:
            caller.resume_all()
        if not open_jobs(arena.truth) and all(one.has_ended for c in callers for one in c.recorders.values()):
            break
        _pass(1.0)
    return time.monotonic() - began


def _violations(arena: Arena, callers: list[Caller], directory: Path) -> Iterator[str]:
    for caller in callers:
        yield from caller.violations
        yield from judge_streams(arena.truth, caller.recorders)
    yield from judge_jobs(arena.truth)
    yield from judge_processes(arena)
    yield from judge_logs(directory)


def _report(arena: Arena, callers: list[Caller], faults: Counter[str], settled_in: float) -> None:
    calls = sum((caller.calls for caller in callers), Counter[str]())
    recorders = [recorder for caller in callers for recorder in caller.recorders.values()]
    for name, count in sorted(faults.items()):
        _say(f"  {count:4} {name}")
    _say(f"faults: {faults.total()}")
    _say("calls: " + ", ".join(f"{name} {count}" for name, count in sorted(calls.items())))
    _say(f"builds: {len(job_ids(arena.truth))}, steps: {step_count(arena.truth)}")
    breaks, messages = sum(one.breaks for one in recorders), sum(len(one.messages) for one in recorders)
    _say(f"watchers: {len(recorders)}, messages: {messages}, breaks: {breaks}")
    _say(f"worker processes: {len(arena.pids)}, settled in {settled_in:.1f} s")


def _pass(seconds: float) -> None:
    threading.Event().wait(seconds)


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
