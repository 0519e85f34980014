"""One worker process: it claims steps, runs their handlers, and hands their outcomes to the journal."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

import structlog

from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.ids import new_id, short_id
from jobcontrol_core.domain.outcomes import Interrupted, Outcome, StepOutcome
from jobcontrol_core.domain.values import Build, ClaimedStep
from jobcontrol_core.logs import configure_logs
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.lookup import read_build
from jobcontrol_core.store.sessions import Session, open_session
from jobcontrol_workers.appetite import Appetite
from jobcontrol_workers.context import StepContext, StoredResults
from jobcontrol_workers.documents import Documents
from jobcontrol_workers.journal import Journal
from jobcontrol_workers.leash import tie_to_parent
from jobcontrol_workers.link import Link, Message
from jobcontrol_workers.registry import Registry, load_pipelines
from jobcontrol_workers.room import Room
from jobcontrol_workers.runner import Attempt, perform
from jobcontrol_workers.taker import POP_SECONDS, Taker

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
#: How long a drain waits for handlers that it has told to stop.
STOP_SECONDS = 1.0
#: Handlers are stopped this share of the lease before it ends.
TRUST_MARGIN = 0.2


@dataclass(slots=True)
class Running:
    """A step on its way in this process."""

    attempt: Attempt
    task: asyncio.Task[None]
    is_recorded: bool = False


class WorkerProcess:
    """Lives on one asyncio loop. `start` and everything not said otherwise happen on it."""

    def __init__(self, settings: Settings, registry: Registry, store: Store, supervisor: str, lease: float) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._supervisor = supervisor
        self._lease = lease
        self._postman = Postman(settings.redis)
        self._room = Room(registry, settings.worker_slots)
        self._threads = ThreadPoolExecutor(settings.worker_slots, thread_name_prefix="handler")
        self._documents = Documents(store)
        self._gates = {served.key: asyncio.Semaphore(served.spec.concurrency) for served in registry.served}
        #: By step and attempt: a step that was taken away may come back while its old attempt still winds down.
        self._running: dict[tuple[str, int], Running] = {}
        self._loop = asyncio.get_running_loop()
        self._is_draining = False
        self._trusted_until = self._trust_from(time.monotonic())
        self.session_id = self._open_session()
        self._appetite = Appetite(
            registry, self._room, lambda job_id: store.read(read_build, job_id), lambda: self._postman.is_reachable
        )
        self._journal = Journal(store, self._postman, self._appetite, self.session_id, self._deliver)
        self._taker = Taker(
            settings.redis, self.session_id, list(registry.queues), self._room, self._journal, self._appetite
        )

    @property
    def tick_seconds(self) -> float:
        """How often trust is checked: well within the margin by which handlers stop before the lease ends."""
        return min(TICK_SECONDS, self._lease * TRUST_MARGIN / 4)

    def start(self) -> None:
        self._journal.start()
        self._taker.start()

    def renewed(self, sent_at: float) -> None:
        """The lease was extended by a heartbeat sent at `sent_at` on the monotonic clock."""
        self._trusted_until = max(self._trusted_until, self._trust_from(sent_at))
        self._journal.set_claiming(self.may_claim)

    def stop_jobs(self, job_ids: Sequence[str]) -> None:
        """Tell the running steps of these jobs to stop."""
        for running in list(self._running.values()):
            if running.attempt.build.job_id in job_ids:
                self._stop(running, "STOPPED")

    def lose_lease(self) -> str:
        """Stop everything that runs under the session, and go on under a new one; returns its id."""
        for running in list(self._running.values()):
            self._stop(running, "LOST")
        sent_at = time.monotonic()
        self.session_id = self._open_session()
        self._trusted_until = self._trust_from(sent_at)
        self._journal.change_session(self.session_id)
        self._journal.set_claiming(self.may_claim)
        return self.session_id

    def check_trust(self) -> None:
        """Stop handlers before a lease that could not be renewed ends: afterwards others may run their steps."""
        if not self._is_trusted:
            self._journal.set_claiming(False)
            for running in list(self._running.values()):
                self._stop(running, "LOST")

    async def drain(self) -> None:
        """Claim nothing more, let running steps end within the bound, give the others back, write it all."""
        if self._is_draining:
            return
        self._is_draining = True
        self._taker.stop()
        await asyncio.to_thread(self._journal.stop_claiming, 1.0)
        await self._settle(self._settings.drain_seconds)
        for running in list(self._running.values()):
            self._stop(running, "DRAINED")
        await self._settle(STOP_SECONDS)
        for running in list(self._running.values()):
            self._record(running, Interrupted("DRAINED"))
        is_written = await asyncio.to_thread(self._journal.close, 3.0)
        await asyncio.to_thread(self._taker.join, POP_SECONDS + 0.5)
        log.info("worker_drained", session=short_id(self.session_id), is_written=is_written)
        await asyncio.to_thread(self._postman.close)

    @property
    def may_claim(self) -> bool:
        """False while draining, and while the lease cannot be trusted."""
        return not self._is_draining and self._is_trusted

    @property
    def _is_trusted(self) -> bool:
        return time.monotonic() <= self._trusted_until

    def _trust_from(self, sent_at: float) -> float:
        return sent_at + self._lease * (1 - TRUST_MARGIN)

    async def _settle(self, seconds: float) -> None:
        tasks = [running.task for running in self._running.values()]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _open_session(self) -> str:
        session = Session(
            id=new_id(),
            supervisor=self._supervisor,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=version("jobcontrol"),
            slots=self._settings.worker_slots,
            stages=self._registry.served_stages(),
        )
        self._store.write(open_session, session, timedelta(seconds=self._lease))
        return session.id

    def _deliver(self, claimed: Sequence[ClaimedStep], build: Build, session_id: str) -> None:
        """On the journal's thread: hold the room at once, then run the steps on the loop."""
        for step in claimed:
            self._room.hold((build.pipeline, step.step.stage, build.stages[step.step.stage_no].version))
        self._loop.call_soon_threadsafe(self._launch, claimed, build, session_id)

    def _launch(self, claimed: Sequence[ClaimedStep], build: Build, session_id: str) -> None:
        is_ours = session_id == self.session_id and self._is_trusted
        for one in claimed:
            served = self._registry.find((build.pipeline, one.step.stage, build.stages[one.step.stage_no].version))
            assert served is not None
            context = StepContext(build, one, None, self._journal.report)
            # Claimed while the lease was lost: others may run it already.
            context.stop_cause = None if is_ours else "LOST"
            attempt = Attempt(one, build, served, context, StoredResults(self._store, build), self._documents)
            task = self._loop.create_task(self._run(attempt))
            self._running[one.step.id, one.step.attempt] = Running(attempt, task)

    async def _run(self, attempt: Attempt) -> None:
        key = attempt.served.key
        seconds: float | None = None
        outcome: Outcome | None = None
        try:
            async with self._gates[key]:
                if attempt.context.stop_cause is None:
                    started = time.monotonic()
                    outcome = await perform(attempt, self._threads)
                    seconds = time.monotonic() - started
        except asyncio.CancelledError:
            log.debug("step_not_begun", step_id=attempt.claimed.step.id)
        finally:
            running = self._running.pop((attempt.claimed.step.id, attempt.claimed.step.attempt))
            self._room.release(key, seconds=seconds)
            self._record(running, outcome or Interrupted(attempt.context.stop_cause or "LOST"))

    def _record(self, running: Running, outcome: Outcome) -> None:
        if running.is_recorded:
            return
        running.is_recorded = True
        step = running.attempt.claimed.step
        self._journal.record(StepOutcome(step.job_id, step.id, step.attempt, outcome))

    def _stop(self, running: Running, cause: str) -> None:
        if running.attempt.context.stop_cause is not None:
            return
        running.attempt.context.stop_cause = cause
        if running.attempt.is_async:
            running.task.cancel()


class Child:
    """The process as its supervisor drives it, by messages over the link."""

    def __init__(self, process: WorkerProcess, link: Link) -> None:
        self._process = process
        self._link = link
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Until drained."""
        self._process.start()
        self._link.send(session=self._process.session_id)
        while not self._ended.is_set():
            self._process.check_trust()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._process.tick_seconds)

    async def receive(self, message: Message) -> None:
        match message:
            case {"renewed": sent_at, "stopping": stopping}:
                self._process.renewed(sent_at)
                self._process.stop_jobs(stopping)
            case {"stopping": stopping}:
                self._process.stop_jobs(stopping)
            case {"ended": session_id} if session_id == self._process.session_id:
                log.warning("lease_lost", session=short_id(session_id))
                with suppress(Unavailable):  # It is said again with the next renewal.
                    self._link.send(session=self._process.lose_lease())
            case {"drain": True}:
                await self._process.drain()
                self._link.send(drained=True)
                self._ended.set()


async def run_child(settings: Settings, targets: Sequence[str], supervisor: str, read_fd: int, write_fd: int) -> None:
    """Serve until the supervisor drains this process; if it is gone, end at once."""
    registry = Registry(load_pipelines(targets), settings)
    store = Store(settings.database_url)
    process = WorkerProcess(settings, registry, store, supervisor, settings.lease_seconds)
    loop = asyncio.get_running_loop()
    receiving: set[asyncio.Task[None]] = set()

    def hear(message: Message) -> None:
        def receive() -> None:
            task = loop.create_task(child.receive(message))
            receiving.add(task)
            task.add_done_callback(receiving.discard)

        loop.call_soon_threadsafe(receive)

    link = Link(read_fd, write_fd, hear, on_end=lambda: os._exit(1))
    child = Child(process, link)
    link.start()
    await child.run()


def main() -> None:
    """The supervisor alone runs this: PARENT_PID READ_FD WRITE_FD SUPERVISOR TARGET..."""
    parent_pid, read_fd, write_fd, supervisor, *targets = sys.argv[1:]
    tie_to_parent(int(parent_pid), signal.SIGKILL)
    # A Ctrl+C in the terminal reaches every process; the supervisor alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs("worker")
    try:
        asyncio.run(run_child(Settings.load(), targets, supervisor, int(read_fd), int(write_fd)))
    except Unavailable as error:
        log.error("database_away", error=str(error))
        os._exit(1)
    # Handlers on threads cannot be ended; their steps have been given back.
    sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
