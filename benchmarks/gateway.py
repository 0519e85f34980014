"""What REST costs beside gRPC, and how many browsers one process can keep informed.

    .venv/bin/python benchmarks/gateway.py [DATABASE_URL]

GetJob and a page of ListJobs, asked one at a time and sixteen at once, over a gRPC channel and over connections that
are kept alive: latency, calls per second, and the ratio of both. Then 1,000 streams of server-sent events, and 1,000 of
gRPC, watch one job that is paused and resumed: the server's memory per stream, and the time from a commit to the first
and to the last of them. Without a URL the database is SQLite.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
from arena import Arena, free_port, running

from jobcontrol import v1 as pb

PIPELINE = "bare-steps"
JOBS, PAGE = 60, 50
CALLS, AT_ONCE = 2_000, (1, 16)
WATCHERS, MOVES, PAUSE = 1_000, 10, 1.0

Ask = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Site:
    """What is measured: the same server over gRPC and over HTTP, its process, and one of its jobs."""

    stub: pb.JobControlAsyncStub
    http: str
    server_pid: int
    job_id: str


Measure = Callable[[Site], Awaitable[None]]


def main() -> None:
    _allow_many_files()
    for measure in (compare_calls, follow_by_events, follow_by_messages):
        # Each on a server of its own, which has not grown yet.
        http = f"127.0.0.1:{free_port()}"
        with running(sys.argv[1] if len(sys.argv) > 1 else None, JOBCONTROL_HTTP=http) as arena:
            asyncio.run(prepare(measure, arena, http))


async def prepare(measure: Measure, arena: Arena, http: str) -> None:
    """Measure with JOBS jobs that wait and do nothing else."""
    async with grpc.aio.insecure_channel(arena.address) as channel:
        stub = pb.JobControlStub(channel)
        await stub.PauseQueue(pb.PauseQueueRequest(queue=f"{PIPELINE}-concepts"))
        job_ids = [await start(stub, f"path-{number}") for number in range(JOBS)]
        await measure(Site(stub, http, arena.server_pid, job_ids[0]))


async def start(stub: pb.JobControlAsyncStub, path_id: str) -> str:
    request = pb.StartBuildRequest(path_id=path_id, pipeline=PIPELINE)
    request.parameters.update({"concepts": 1, "units": 1})
    return str((await stub.StartBuild(request)).job_id)


async def compare_calls(site: Site) -> None:
    """Print what each call costs either way."""
    stub, job_id = site.stub, site.job_id
    calls = {
        "GetJob": (lambda: stub.GetJob(pb.GetJobRequest(job_id=job_id)), f"/v1/jobs/{job_id}"),
        f"ListJobs of {PAGE}": (
            lambda: stub.ListJobs(pb.ListJobsRequest(page_size=PAGE)),
            f"/v1/jobs?page_size={PAGE}",
        ),
    }
    for name, (over_grpc, path) in calls.items():
        for at_once in AT_ONCE:
            direct = await timed([over_grpc] * at_once)
            async with AsyncExitStack() as stack:
                asks = [await stack.enter_async_context(asking(site.http, path)) for _ in range(at_once)]
                through = await timed(asks)
            say(f"{name:<15} {at_once:>2} at once  gRPC {direct}   REST {through}   x{through.p50 / direct.p50:.1f}")


@dataclass(frozen=True)
class Timing:
    """Of many calls: seconds that half of them took at most, and 99 %; and calls per second."""

    p50: float
    p99: float
    per_second: float

    def __str__(self) -> str:
        return f"p50 {1000 * self.p50:6.2f} p99 {1000 * self.p99:6.2f} ms {self.per_second:6,.0f}/s"


async def timed(asks: list[Ask]) -> Timing:
    """Ask CALLS times, by as many callers as there are `asks`, each its own again and again."""
    took: list[float] = []

    async def caller(ask: Ask, times: int) -> None:
        for _ in range(times):
            began = time.perf_counter()
            await ask()
            took.append(time.perf_counter() - began)

    for ask in asks:
        await ask()
    began = time.perf_counter()
    await asyncio.gather(*(caller(ask, CALLS // len(asks)) for ask in asks))
    lasted = time.perf_counter() - began
    took.sort()
    return Timing(took[len(took) // 2], took[int(len(took) * 0.99)], len(took) / lasted)


@asynccontextmanager
async def asking(http: str, path: str) -> AsyncIterator[Ask]:
    """What asks for a path over one connection, and reads the answer as a client does."""
    reader, writer = await asyncio.open_connection(*http.rsplit(":", 1))
    request = f"GET {path} HTTP/1.1\r\nHost: {http}\r\n\r\n".encode()

    async def ask() -> object:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert head.startswith(b"http/1.1 200"), head
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        return json.loads(await reader.readexactly(length))

    try:
        yield ask
    finally:
        writer.close()


@dataclass
class Heard:
    """When each commit was heard of, by the number of its event: one time per watcher."""

    watchers: int = 0
    all_watch: asyncio.Event = field(default_factory=asyncio.Event)
    committed: dict[int, float] = field(default_factory=dict)
    times: dict[int, list[float]] = field(default_factory=lambda: defaultdict(list))

    def note_start(self) -> None:
        self.watchers += 1
        if self.watchers == WATCHERS:
            self.all_watch.set()

    def note(self, sequence: int, committed_at: float) -> None:
        self.committed[sequence] = committed_at
        self.times[sequence].append(time.time())

    def whole(self) -> list[tuple[float, float]]:
        """Seconds from commit to the first and to the last watcher, of the commits that all heard of."""
        told = [(self.committed[number], times) for number, times in self.times.items() if len(times) == WATCHERS]
        return [(min(times) - committed_at, max(times) - committed_at) for committed_at, times in told]


Watch = Callable[[Site, Heard], Awaitable[None]]


async def follow_by_events(site: Site) -> None:
    await follow("SSE", site, watch_events)


async def follow_by_messages(site: Site) -> None:
    await follow("gRPC", site, watch_messages)


async def follow(name: str, site: Site, watch: Watch) -> None:
    """Print what WATCHERS streams cost the server, and how soon they hear."""
    heard, before = Heard(), memory(site.server_pid)
    began = time.perf_counter()
    watches = [asyncio.create_task(watch(site, heard)) for _ in range(WATCHERS)]
    await heard.all_watch.wait()
    opened, grown = time.perf_counter() - began, memory(site.server_pid) - before
    for _ in range(MOVES):
        await site.stub.Pause(pb.PauseRequest(job_id=site.job_id))
        await asyncio.sleep(PAUSE)
        await site.stub.Resume(pb.ResumeRequest(job_id=site.job_id))
        await asyncio.sleep(PAUSE)
    await site.stub.Cancel(pb.CancelRequest(job_id=site.job_id))
    await asyncio.gather(*watches)
    delays = heard.whole()
    first, last = (sorted(delay[place] for delay in delays) for place in (0, 1))
    say(
        f"{WATCHERS} x {name:<4} open in {opened:.1f} s, {grown / WATCHERS:.0f} KiB each; of {len(delays)} commits "
        f"first p50 {1000 * first[len(first) // 2]:.0f} ms, last p50 {1000 * last[len(last) // 2]:.0f} ms, "
        f"worst {1000 * last[-1]:.0f} ms"
    )


async def watch_events(site: Site, heard: Heard) -> None:
    reader, writer = await asyncio.open_connection(*site.http.rsplit(":", 1), limit=1 << 20)
    asked = f"GET /v1/jobs/{site.job_id}:watch HTTP/1.1\r\nHost: {site.http}\r\nAccept: text/event-stream\r\n\r\n"
    writer.write(asked.encode())
    while (line := await reader.readline()) and not line.startswith(b"event: end"):
        if not line.startswith(b"data: "):
            continue
        message = json.loads(line[6:])
        if "snapshot" in message:
            heard.note_start()
        elif "changed" in message:
            heard.note(int(message["sequence"]), pb_time(message["eventTime"]))
    writer.close()


async def watch_messages(site: Site, heard: Heard) -> None:
    async for message in site.stub.WatchProgress(pb.WatchProgressRequest(job_id=site.job_id)):
        if message.HasField("snapshot"):
            heard.note_start()
        elif message.HasField("changed"):
            heard.note(message.sequence, message.event_time.ToNanoseconds() / 1e9)


def pb_time(text: str) -> float:
    """Seconds since 1970 of a time in JSON."""
    message: Any = pb.WatchProgressResponse().event_time
    message.FromJsonString(text)
    return float(message.ToNanoseconds() / 1e9)


def memory(pid: int) -> int:
    """KiB of a process that are in memory."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def _allow_many_files() -> None:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
