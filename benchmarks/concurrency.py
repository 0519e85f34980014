"""How many steps of each stage one worker process really runs at once, on a document of yours.

    .venv/bin/python benchmarks/concurrency.py BOOK.md [PACE]

Builds the learning path of the document in one worker process on SQLite and the embedded Valkey, counts the
handlers that are inside their bodies at the same time, and prints, per stage: the limit, the most seen, and the
share of the stage's time at that most. PACE is seconds that each step waits on top.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from jobcontrol.pipeline import Pipeline, Stage
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.builds import NewBuild, NewDocument, start_build
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Waiting
from jobcontrol_core.store.lookup import get_job
from jobcontrol_core.store.pipelines import get_pipeline
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_migrations import upgrade
from jobcontrol_workers.dev.directory import DataDirectory
from jobcontrol_workers.dev.embedded import find_program, server_command, socket_url, wait_until_it_answers
from jobcontrol_workers.pipelines import BUILT_IN
from jobcontrol_workers.preparation import publish
from jobcontrol_workers.process import WorkerProcess
from jobcontrol_workers.registry import Registry


@dataclass
class Gauge:
    """How many are inside, and for how long it was each number."""

    inside: int = 0
    most: int = 0
    changed_at: float = field(default_factory=time.monotonic)
    seconds: dict[int, float] = field(default_factory=lambda: defaultdict(float))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def move(self, by: int) -> None:
        with self.lock:
            now = time.monotonic()
            self.seconds[self.inside] += now - self.changed_at
            self.changed_at = now
            self.inside += by
            self.most = max(self.most, self.inside)


def gauged(pipeline: Pipeline, gauges: dict[str, Gauge]) -> Pipeline:
    """The pipeline with every handler's body counted."""
    copy = Pipeline(
        pipeline.name,
        version=pipeline.version,
        input=pipeline.input,
        input_schema=pipeline.input_schema,
        document=pipeline.document,
        media_types=pipeline.media_types,
    )
    copy._stages = [_gauged_stage(stage, gauges) for stage in pipeline.stages[:-1]]
    copy._finish = _gauged_stage(pipeline.stages[-1], gauges)
    return copy


def _gauged_stage(stage: Stage, gauges: dict[str, Gauge]) -> Stage:
    gauge = gauges.setdefault(stage.name, Gauge())

    def count(handler: Callable[..., Any]) -> Callable[..., Any]:
        if asyncio.iscoroutinefunction(handler):

            async def run_async(*arguments: Any) -> Any:
                gauge.move(1)
                try:
                    return await handler(*arguments)
                finally:
                    gauge.move(-1)

            return run_async

        def run(*arguments: Any) -> Any:
            gauge.move(1)
            try:
                return handler(*arguments)
            finally:
                gauge.move(-1)

        return run

    return replace(stage, handler=count(stage.handler))


async def build(directory: DataDirectory, document: NewDocument, pace: float) -> dict[str, Gauge]:
    """One build in one process; returns the gauges of its stages."""
    gauges: dict[str, Gauge] = {}
    settings = Settings.load(database_url=directory.database_url, redis_url=socket_url(directory.socket))
    registry = Registry([gauged(pipeline, gauges) for pipeline in BUILT_IN], settings)
    store = Store(settings.database_url)
    publish(store, registry)
    process = WorkerProcess(settings, registry, store, "benchmark", lease=3600.0)
    process.start()
    spec = get_pipeline_or_fail(store)
    new = NewBuild(
        tenant="",
        path_id="benchmark",
        pipeline=spec,
        key=RequestKey.of("", "", "StartBuild", b""),
        parameters={"pace": pace} if pace else {},
        document=document,
    )
    started = store.write(start_build, new)
    postman = Postman(settings.redis)
    postman.push([Waiting(started.job_id, 0, spec.stages[0].queue)])
    while not (job := store.read(get_job, started.job_id)).status.has_ended:  # noqa: ASYNC110 - SQL rings no bell
        await asyncio.sleep(0.1)
    sys.stdout.write(f"{job.status} after {(job.completed_at or job.created_at) - job.created_at}\n")
    await process.drain()
    postman.close()
    return gauges


def get_pipeline_or_fail(store: Store) -> Any:
    spec = store.read(get_pipeline, BUILT_IN[0].name)
    assert spec is not None
    return spec


def main() -> None:
    path = Path(sys.argv[1])
    document = NewDocument(path.read_bytes(), "text/markdown", path.name)
    pace = float(sys.argv[2]) if len(sys.argv) > 2 else 0.0
    with tempfile.TemporaryDirectory(prefix="jc-bench-") as temporary:
        directory = DataDirectory(Path(temporary))
        upgrade(directory.database_url)
        valkey = subprocess.Popen(server_command(find_program(), directory))
        try:
            wait_until_it_answers(socket_url(directory.socket), directory.path / "valkey.log")
            gauges = asyncio.run(build(directory, document, pace))
        finally:
            valkey.terminate()
            valkey.wait()
    for pipeline in BUILT_IN:
        for stage in pipeline.stages:
            gauge = gauges[stage.name]
            busy = sum(seconds for inside, seconds in gauge.seconds.items() if inside)
            share = gauge.seconds[gauge.most] / busy if busy else 0.0
            sys.stdout.write(
                f"{stage.name:<16} limit {stage.concurrency:>2}  most at once {gauge.most:>2}  "
                f"at that most {share:4.0%} of {busy:.1f} s\n"
            )


if __name__ == "__main__":
    main()
