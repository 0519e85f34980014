"""What the engine costs: builds of steps that do nothing, one after another, through a real server and workers.

    .venv/bin/python benchmarks/throughput.py [DATABASE_URL]

Small = 27 steps, medium = 222, large = 5,102, in two worker processes. Prints, per size, the time from StartBuild
to the last message of the watch (best, median and worst), and steps per second. Without a URL the database is SQLite.
"""

from __future__ import annotations

import statistics
import sys
import time

from arena import running

from jobcontrol import Client

#: Name, concepts, units of each, builds.
SIZES = [("warm-up", 5, 4, 3), ("small", 5, 4, 30), ("medium", 20, 10, 5), ("large", 100, 50, 3)]


def main() -> None:
    with running(sys.argv[1] if len(sys.argv) > 1 else None) as arena, Client(arena.address) as client:
        measure(client)


def measure(client: Client) -> None:
    """Run the sizes and print their figures."""
    for name, concepts, units, builds in SIZES:
        steps = 2 + concepts + concepts * units
        seconds = [build(client, f"{name}-{number}", concepts, units) for number in range(builds)]
        middle = statistics.median(seconds)
        sys.stdout.write(
            f"{name:<8} {steps:>5} steps  best {min(seconds) * 1000:7.1f}  p50 {middle * 1000:7.1f} ms  "
            f"worst {max(seconds) * 1000:7.1f} ms  {steps / middle:8,.0f} steps/s\n"
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


if __name__ == "__main__":
    main()
