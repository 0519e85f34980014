"""One job of 100,002 steps that do nothing: what it costs, what it does to everybody else, its cancel and its retry.

    .venv/bin/python benchmarks/large.py [DATABASE_URL] [--units N] [--limit SECONDS]

Prints, per run: time and steps per second; the most memory of the server and of each worker process, and the same at
each fifth of the way; the size of the database; and what GetJob, a page of ListSteps, a small build's start and a watch
(from a commit's time to its arrival) took meanwhile. Then the job is started again, cancelled at a third, and retried.
A run that takes longer than the limit (15 minutes) is cut off. Without a URL the database is SQLite.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from itertools import count, islice
from pathlib import Path
from typing import Any

from arena import Arena, running
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from jobcontrol import Client, Step
from jobcontrol.job import Job

CONCEPTS = 250
PAGE = 200
SMALL = {"concepts": 1, "units": 3}
PROBE_SECONDS = 0.2
MIB = 1 << 20


class Clock:
    """How long each kind of call took."""

    def __init__(self) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)

    def time(self, name: str, call: Callable[[], Any]) -> Any:
        began = time.perf_counter()
        answer = call()
        self.seconds[name].append(time.perf_counter() - began)
        return answer

    def __str__(self) -> str:
        return "\n".join(f"  {name:<18} {_spread(found)}" for name, found in self.seconds.items())


def _spread(seconds: list[float]) -> str:
    found = sorted(seconds)
    middle, high = found[len(found) // 2], found[min(len(found) - 1, len(found) * 99 // 100)]
    return f"p50 {middle * 1000:7.1f} ms  p99 {high * 1000:7.1f} ms  worst {found[-1] * 1000:7.1f} ms  n={len(found)}"


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("url", nargs="?")
    arguments.add_argument("--units", type=int, default=399)
    arguments.add_argument("--limit", type=float, default=900.0)
    chosen = arguments.parse_args()
    with running(chosen.url) as arena, Client(arena.address) as client:
        say(f"empty: {memory(arena)}; database {database_size(arena):,.0f} MiB")
        shape = {"concepts": CONCEPTS, "units": chosen.units}
        whole = client.start("bare-steps", "whole", parameters=shape)
        follow(arena, client, whole, "build", chosen.limit)
        cut = client.start("bare-steps", "cut", parameters=shape)
        stop_at_a_third(cut)
        say(f"cancelled at {cut.percent} %")
        clock = Clock()
        clock.time("Cancel", cut.cancel)
        began = time.perf_counter()
        for _ in cut.watch(timeout=chosen.limit):
            pass
        say(f"{cut.refresh().status} {time.perf_counter() - began:.1f} s later")
        again = clock.time("Retry", cut.retry)
        say(str(clock))
        follow(arena, client, again, "retry", chosen.limit)


def follow(arena: Arena, client: Client, job: Job, name: str, limit: float) -> None:
    """Watch the job to its end while others ask about it, and print what that cost."""
    began, clock, fifth = time.perf_counter(), Clock(), 0
    with probing(client, job.id, clock):
        for event in job.watch(timeout=limit):
            if event.time is not None and event.type != "snapshot":
                clock.seconds["commit to watcher"].append((datetime.now(UTC) - event.time).total_seconds())
            if job.percent // 20 > fifth:
                fifth = job.percent // 20
                say(f"  {job.percent:>3} % after {time.perf_counter() - began:6.1f} s  {memory(arena)}")
    seconds = time.perf_counter() - began
    steps = sum(stage.total for stage in job.refresh().stages)
    say(f"{name}: {job.status}, {steps:,} steps in {seconds:.1f} s, {steps / seconds:,.0f} steps/s")
    say(f"  {memory(arena, 'VmHWM')} at most; database {database_size(arena):,.0f} MiB\n{clock}")


@contextmanager
def probing(client: Client, job_id: str, clock: Clock) -> Iterator[None]:
    """Ask, five times a second, what people ask of a running job."""
    stop = threading.Event()
    job = client.job(job_id)

    def probe() -> None:
        steps = job.steps()
        for number in count():
            if stop.wait(PROBE_SECONDS):
                return
            clock.time("GetJob", job.refresh)
            # Page after page, from the front again after the last one.
            if not clock.time("ListSteps page", partial(_take_page, steps)):
                steps = job.steps()
            if number % 25 == 0:
                start = partial(client.start, "bare-steps", f"{job_id}-{number}", parameters=SMALL)
                other = clock.time("StartBuild", start)
                clock.time("a build of 6 steps", other.wait)

    thread = threading.Thread(target=probe, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _take_page(steps: Iterator[Step]) -> list[Step]:
    return list(islice(steps, PAGE))


def stop_at_a_third(job: Job) -> None:
    for event in job.watch():
        if event.changes is not None and job.percent >= 66:
            return


def memory(arena: Arena, field: str = "VmRSS") -> str:
    """What the server and each worker process hold."""
    pids = {"server": arena.server_pid}
    pids |= {f"worker {number}": pid for number, pid in enumerate(_children(arena.worker_pid), 1)}
    return ", ".join(f"{name} {_status(pid, field):.0f} MiB" for name, pid in pids.items())


def _children(pid: int) -> list[int]:
    """The processes of a supervisor that hold much: its helpers hold little."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return sorted((int(child) for child in children), key=lambda child: _status(child, "VmRSS"))[-2:]


def _status(pid: int, field: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1024
    return 0.0


def database_size(arena: Arena) -> float:
    """In MiB, the journal of SQLite included."""
    url = make_url(arena.database_url)
    if url.get_backend_name() == "sqlite":
        path = Path(str(url.database))
        return sum(file.stat().st_size for file in path.parent.glob(path.name + "*")) / MIB
    with create_engine(url).connect() as connection:
        return float(connection.execute(text("SELECT pg_database_size(current_database())")).scalar_one()) / MIB


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
