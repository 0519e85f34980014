"""What the engine costs: builds of steps that do nothing, one after another, through a real server and workers.

    .venv/bin/python benchmarks/throughput.py [DATABASE_URL]

Small = 27 steps, medium = 222, large = 5,102, in two worker processes. Prints, per size, the time from StartBuild
to the last message of the watch (median and worst), and steps per second. Without a URL the database is SQLite.
"""

from __future__ import annotations

import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jobcontrol import Client, ConnectionFailed
from jobcontrol_core.settings import environment_with
from jobcontrol_workers.dev.directory import DataDirectory
from jobcontrol_workers.dev.embedded import find_program, server_command, socket_url, wait_until_it_answers

#: Name, concepts, units of each, builds.
SIZES = [("warm-up", 5, 4, 3), ("small", 5, 4, 30), ("medium", 20, 10, 5), ("large", 100, 50, 3)]
TARGET = "bare_steps:bare"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="jc-bench-") as temporary, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"
        probe.close()
        directory = DataDirectory(Path(temporary))
        url = sys.argv[1] if len(sys.argv) > 1 else directory.database_url
        environment = environment_with(
            JOBCONTROL_DATABASE_URL=url,
            JOBCONTROL_REDIS_URL=socket_url(directory.socket),
            JOBCONTROL_LISTEN=address,
            PYTHONPATH=str(Path(__file__).parent),
        )
        programs = [subprocess.Popen(server_command(find_program(), directory))]
        try:
            wait_until_it_answers(socket_url(directory.socket), directory.path / "valkey.log")
            jobctl = [sys.executable, "-m", "jobcontrol.cli"]
            subprocess.run([*jobctl, "migrate", TARGET], env=environment, check=True)
            with (directory.path / "log").open("wb") as log:
                for command in (["server"], ["worker", TARGET]):
                    programs.append(subprocess.Popen([*jobctl, *command], env=environment, stderr=log))
            measure(address)
        finally:
            for program in reversed(programs):
                program.send_signal(signal.SIGTERM)
                program.wait()


def measure(address: str) -> None:
    """Run the sizes and print their figures."""
    with Client(address) as client:
        wait_for(client)
        for name, concepts, units, builds in SIZES:
            steps = 2 + concepts + concepts * units
            seconds = [build(client, f"{name}-{number}", concepts, units) for number in range(builds)]
            middle = statistics.median(seconds)
            sys.stdout.write(
                f"{name:<8} {steps:>5} steps  p50 {middle * 1000:7.1f} ms  worst {max(seconds) * 1000:7.1f} ms  "
                f"{steps / middle:8,.0f} steps/s\n"
            )
            sys.stdout.flush()


def build(client: Client, path_id: str, concepts: int, units: int) -> float:
    """Seconds from StartBuild to the end of the watch."""
    began = time.perf_counter()
    job = client.start("bare-steps", path_id, parameters={"concepts": concepts, "units": units})
    for _ in job.watch():
        pass
    assert job.refresh().status == "completed", job.status
    return time.perf_counter() - began


def wait_for(client: Client) -> None:
    while True:
        try:
            if client.pipelines():
                return
        except ConnectionFailed:
            os.sched_yield()


if __name__ == "__main__":
    main()
