"""`make demo`: the whole product on this machine, a build with live bars, and a worker killed in the middle of it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import func, select

from jobcontrol import SAMPLE, Client, ConnectionFailed, Job
from jobcontrol.display import Display, open_display
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.tables import steps, workers

#: Seconds that each step waits, so that a person can see it; without it the build takes less than a second.
PACE = 1.5
#: The worker is killed once this much is done.
KILL_AT_PERCENT = 35
START_SECONDS = 60.0
HEAD_LINES = 24


def main() -> int:
    """Show it; returns the exit code."""
    home = Path(tempfile.mkdtemp(prefix="jobcontrol-demo-"))
    port = _free_port()
    _say(f"Starting server, workers and an embedded Valkey in {home} …")
    with _stack(home, port) as log, Client(f"localhost:{port}") as client:
        _wait_until_it_answers(client, log)
        _say(f"Building the sample document; --pace {PACE:g}: each step waits {PACE:g} s so that you can see it.\n")
        job = client.start("learning-path", "demo", document=SAMPLE, parameters={"pace": PACE})
        _watch_and_kill(job, home)
        path = home / "learning-path.md"
        path.write_bytes(job.result_bytes("text/markdown"))
        _show(path, job)
    _say("Everything is stopped.")
    return 0


@contextmanager
def _stack(home: Path, port: int) -> Iterator[Path]:
    """`jobctl dev`, as a user would start it; what it says goes into a file."""
    log = home / "dev.log"
    where = ["--directory", str(home), "--listen", f"127.0.0.1:{port}", "--http", "off"]
    command = [sys.executable, "-m", "jobcontrol.cli", "dev", *where]
    with log.open("wb") as output:
        stack = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    try:
        yield log
    finally:
        stack.terminate()
        stack.wait()


def _wait_until_it_answers(client: Client, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            if client.pipelines():
                return
        except ConnectionFailed:
            if time.monotonic() > deadline:
                raise SystemExit(f"error: it did not start; {log} says why") from None
        time.sleep(0.1)


def _watch_and_kill(job: Job, home: Path) -> None:
    """Follow the build; in its middle, SIGKILL a worker process that has steps under way."""
    victim = 0
    with open_display(job.state, mode="auto", stream=sys.stderr) as display:
        for event in job.watch(after=0):
            display.show(event, job.state)
            if not victim and job.percent >= KILL_AT_PERCENT:
                victim = _kill_a_busy_worker(home, display)


def _kill_a_busy_worker(home: Path, display: Display) -> int:
    store = Store(f"sqlite+pysqlite:///{home / 'jobcontrol.db'}")
    busiest = (
        select(workers.c.pid, func.count().label("running"))
        .join(steps, steps.c.session_id == workers.c.session_id)
        .where(steps.c.status == StepStatus.PROCESSING, workers.c.ended_at.is_(None))
        .group_by(workers.c.pid)
        .order_by(func.count().desc())
    )
    row = store.read(lambda tx: tx.execute(busiest).first())
    store.close()
    if row is None:
        return 0
    os.kill(row.pid, signal.SIGKILL)
    display.say(f"-- kill -9 of worker process {row.pid}, with {row.running} steps under way; they run again elsewhere")
    return int(row.pid)


def _show(path: Path, job: Job) -> None:
    text = path.read_text()
    head = "\n".join(text.splitlines()[:HEAD_LINES])
    again = sum(step.attempt > 1 for step in job.steps())
    _say(f"\n{head}\n…\n\nThe whole path: {path} ({len(text.splitlines()):,} lines)")
    _say(f"{again} steps ran a second time after the kill; each has exactly one effect.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())
