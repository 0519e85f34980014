"""How soon watchers hear of a commit: from the moment that the database gives it to the message at the client.

    .venv/bin/python benchmarks/watch_latency.py [DATABASE_URL]

Ten jobs with ten watchers each, over one server, are paused and resumed at random: first with Redis, then, after it
was killed, without, when commits are found by looking once a second. Prints p50, p99 and the worst. Without a URL the
database is SQLite.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time

import grpc
from arena import running

from jobcontrol import v1 as pb

PIPELINE = "bare-steps"
JOBS, WATCHERS, MOVES, PAUSE = 10, 10, 30, 0.4


def main() -> None:
    with running(sys.argv[1] if len(sys.argv) > 1 else None) as arena:
        report("with Redis", asyncio.run(measure(arena.address)))
        os.kill(arena.redis_pid, signal.SIGKILL)
        report("without Redis", asyncio.run(measure(arena.address)))


def report(name: str, delays: list[float]) -> None:
    told = [f"{milliseconds(delays, share):.1f} ms" for share in (0.5, 0.99, 1.0)]
    sys.stdout.write(f"{name:<14} {len(delays):>6} messages  p50 {told[0]}  p99 {told[1]}  worst {told[2]}\n")
    sys.stdout.flush()


def milliseconds(delays: list[float], share: float) -> float:
    """What this share of the delays does not exceed."""
    return 1000 * sorted(delays)[min(len(delays) - 1, int(len(delays) * share))]


async def measure(address: str) -> list[float]:
    """Seconds from commit to client, of every message that tells of a move."""
    delays: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        stub = pb.JobControlStub(channel)
        # Nothing but the moves is to happen.
        await stub.PauseQueue(pb.PauseQueueRequest(queue=f"{PIPELINE}-concepts"))
        job_ids = [await start(stub, f"path-{number}") for number in range(JOBS)]
        watches = [asyncio.create_task(watch(stub, job_id, delays)) for job_id in job_ids for _ in range(WATCHERS)]
        await asyncio.gather(*(move(stub, job_id) for job_id in job_ids))
        await asyncio.gather(*watches)
    return delays


async def start(stub: pb.JobControlAsyncStub, path_id: str) -> str:
    request = pb.StartBuildRequest(path_id=path_id, pipeline=PIPELINE)
    request.parameters.update({"concepts": 1, "units": 1})
    return str((await stub.StartBuild(request)).job_id)


async def move(stub: pb.JobControlAsyncStub, job_id: str) -> None:
    """Pause and resume the job, and cancel it at last."""
    for _ in range(MOVES):
        await asyncio.sleep(random.uniform(0, 2 * PAUSE))
        await stub.Pause(pb.PauseRequest(job_id=job_id))
        await asyncio.sleep(random.uniform(0, 2 * PAUSE))
        await stub.Resume(pb.ResumeRequest(job_id=job_id))
    await stub.Cancel(pb.CancelRequest(job_id=job_id))


async def watch(stub: pb.JobControlAsyncStub, job_id: str, delays: list[float]) -> None:
    async for message in stub.WatchProgress(pb.WatchProgressRequest(job_id=job_id)):
        if message.HasField("changed"):
            delays.append(time.time() - message.event_time.ToNanoseconds() / 1e9)


if __name__ == "__main__":
    main()
