"""What a small build waits for beside a big one: 5 steps beside 10,000, through a real server and workers.

    .venv/bin/python benchmarks/fairness.py [DATABASE_URL]

Two worker processes have 8 slots each, all of them full of the big build's steps. Prints how long the small build
takes alone and beside it (median and worst), and the bound: twice alone plus, per stage, a slice and the wait for
the next free slot, which is a step at most. Without a URL the database is SQLite.
"""

from __future__ import annotations

import statistics
import sys
import time

from arena import running
from fair_steps import STEP_SECONDS, fair

from jobcontrol import Client, Job
from jobcontrol_workers.turns import SLICE_SECONDS

BUILDS = 20
SMALL = {"concepts": 1, "units": 2}
BIG = {"concepts": 98, "units": 101}
SLOTS = 8


def main() -> None:
    url = sys.argv[1] if len(sys.argv) > 1 else None
    slots = {"JOBCONTROL_WORKER_SLOTS": str(SLOTS)}
    with running(url, target="fair_steps:fair", **slots) as arena, Client(arena.address) as client:
        build(client, "warm-up")
        alone = [build(client, f"alone-{number}") for number in range(BUILDS)]
        big = client.start("fair-steps", "big", parameters=BIG)
        wait_until_busy(big)
        beside = [build(client, f"beside-{number}") for number in range(BUILDS)]
        done = big.refresh().percent
        assert not big.has_ended, "the big build was over before the small ones"
        big.cancel()
    bound = 2 * statistics.median(alone) + len(fair.stages) * (SLICE_SECONDS + STEP_SECONDS)
    tell("alone", alone, bound)
    tell("beside", beside, bound)
    sys.stdout.write(f"bound   {bound * 1000:10.0f} ms  (the big build stood at {done} %)\n")


def build(client: Client, path_id: str) -> float:
    """Seconds from StartBuild of a small build to the end of its watch."""
    began = time.perf_counter()
    client.start("fair-steps", path_id, parameters=SMALL).wait()
    return time.perf_counter() - began


def wait_until_busy(job: Job) -> None:
    """Until the steps of the last stage have begun."""
    for _ in job.watch():
        if job.refresh().stages[2].completed > 5 * SLOTS:
            return


def tell(name: str, seconds: list[float], bound: float) -> None:
    middle, worst = statistics.median(seconds), max(seconds)
    sys.stdout.write(
        f"{name:<7} p50 {middle * 1000:6.0f} ms  worst {worst * 1000:6.0f} ms  "
        f"{middle / bound:4.0%} of the bound, worst {worst / bound:4.0%}\n"
    )


if __name__ == "__main__":
    main()
