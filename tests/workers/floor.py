"""Where worker processes run in tests: on this loop, on a real store, with a dispatcher beside them."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, select

from jobcontrol.pipeline import Pipeline
from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.bus.tickets import Ticket, TicketQueues
from jobcontrol_core.domain.errors import BackendUnavailable
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.values import Attempt, Job, Step
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.builds import NewBuild, start_build
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Waiting
from jobcontrol_core.store.lookup import get_job, get_step, list_steps
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_core.store.stopping import cancel_job
from jobcontrol_core.store.tables import dead_letters
from jobcontrol_server.dispatch import Dispatcher
from jobcontrol_workers.process import WorkerProcess
from jobcontrol_workers.registry import Registry
from services.waiting import wait_until_async

P = ParamSpec("P")
R = TypeVar("R")

#: Longer than any test.
LONG_LEASE = 300.0
MOST_STEPS = 10_000


class FaultyStore(Store):
    """A store whose exchanges fail as a test wishes: before their commit, or right after it."""

    is_away = False
    loses_answers = False
    refusals = 0

    def write(self, fn: Callable[Concatenate[Connection, P], R], /, *args: P.args, **kwargs: P.kwargs) -> R:
        is_faulty = getattr(fn, "__name__", "") == "exchange"
        if is_faulty and self.is_away:
            self.refusals += 1
            raise BackendUnavailable
        answer = super().write(fn, *args, **kwargs)
        if is_faulty and self.loses_answers:
            self.loses_answers = False
            raise BackendUnavailable
        return answer


class Floor:
    """`close` ends every process that was employed here."""

    def __init__(self, database_url: str, redis_url: str) -> None:
        self.settings = self._settings(database_url=database_url, redis_url=redis_url)
        self.store = FaultyStore(database_url)
        self.postman = Postman(redis_url)
        self._processes: list[WorkerProcess] = []
        self._starts = 0

    def employ(self, *pipelines: Pipeline, lease: float = LONG_LEASE, **settings: Any) -> WorkerProcess:
        """A process that serves the pipelines, started."""
        own = self._settings(database_url=self.settings.database_url, redis_url=self.settings.redis_url, **settings)
        process = WorkerProcess(own, Registry(pipelines, own), self.store, "floor", lease)
        process.start()
        self._processes.append(process)
        return process

    def start(self, pipeline: Pipeline, *, priority: int = 0, **parameters: Any) -> str:
        """A build of a path of its own, with its first ticket on the queue; returns the job's id."""
        (spec,) = Registry([pipeline], self.settings).specs()
        self._starts += 1
        path_id = f"path-{self._starts}"
        key = RequestKey.of("default", "", "StartBuild", b"")
        build = NewBuild("default", path_id, spec, key, parameters=parameters, priority=priority)
        started = self.store.write(start_build, build)
        self.postman.push([Waiting(started.job_id, 0, spec.stages[0].queue, priority > 0)])
        return started.job_id

    def cancel(self, job_id: str) -> None:
        """Cancel, and tell the processes as their supervisor would."""
        self.store.write(cancel_job, job_id, actor="ada", reason="enough")
        for process in self._processes:
            process.stop_jobs([job_id])

    @contextmanager
    def dispatcher(self, **settings: Any) -> Iterator[None]:
        """A dispatcher at work."""
        own = self._settings(
            **{"database_url": self.settings.database_url, "redis_url": self.settings.redis_url, **settings}
        )
        dispatcher = Dispatcher(self.store, own, self.postman)
        dispatcher.start()
        try:
            yield
        finally:
            dispatcher.stop()

    async def ended(self, job_id: str) -> Job:
        """The job, once it has ended."""
        await self.until(lambda: self.job(job_id).status.has_ended, "the job has ended")
        return self.job(job_id)

    async def completed(self, job_id: str) -> Job:
        job = await self.ended(job_id)
        assert job.status is JobStatus.COMPLETED, job
        return job

    async def until(self, holds: Callable[[], object], claim: str) -> None:
        async def is_so() -> object:
            return holds()

        await wait_until_async(is_so, claim)

    def job(self, job_id: str) -> Job:
        return self.store.read(get_job, job_id)

    def steps(self, job_id: str, stage: str = "") -> list[Step]:
        return self.store.read(list_steps, job_id, stage=stage, limit=MOST_STEPS)

    def step(self, job_id: str, key: str) -> Step:
        return next(step for step in self.steps(job_id) if step.key == key)

    def count(self, job_id: str, status: StepStatus, stage: str = "") -> int:
        return sum(step.status is status for step in self.steps(job_id, stage))

    def attempts(self, job_id: str, key: str) -> tuple[Attempt, ...]:
        """The attempts of a step that did not succeed."""
        return self.store.read(get_step, job_id, self.step(job_id, key).id).attempts

    def output(self, job_id: str, key: str) -> str | None:
        return self.store.read(get_step, job_id, self.step(job_id, key).id).output

    def result(self, job_id: str) -> Any:
        """What finish answered."""
        (finalize,) = self.steps(job_id, "finalize")
        return json.loads(self.store.read(get_step, job_id, finalize.id).output or "null")

    def dead_letters(self, job_id: str) -> list[str]:
        """The keys of the steps that have one."""
        letters = self.store.read(_dead_letters, job_id)
        return [step.key for step in self.steps(job_id) if step.id in letters]

    def listed(self, queue: str) -> list[Ticket]:
        """The tickets on a queue."""
        with connect(self.settings.redis) as connection:
            return TicketQueues(connection).listed(queue)

    async def close(self) -> None:
        await asyncio.gather(*(process.drain() for process in self._processes))
        await asyncio.to_thread(self.postman.close)
        await asyncio.to_thread(self.store.close)

    @staticmethod
    def _settings(**settings: Any) -> Settings:
        return Settings.load(**{"drain_seconds": 0.0, "dispatch_seconds": 0.05, **settings})


def _dead_letters(tx: Connection, job_id: str) -> set[str]:
    return set(tx.execute(select(dead_letters.c.step_id).where(dead_letters.c.job_id == job_id)).scalars())
