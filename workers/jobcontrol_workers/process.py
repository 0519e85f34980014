"""One worker process: it claims steps, runs their handlers, and hands their outcomes to the journal."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from importlib.metadata import version

import structlog

from jobcontrol_core.awake import awake_clock
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.ids import new_id, short_id
from jobcontrol_core.domain.lifecycle import StopReceipt
from jobcontrol_core.domain.outcomes import Interrupted, Outcome, StepOutcome
from jobcontrol_core.domain.values import Build, ClaimedStep
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.lookup import read_build
from jobcontrol_core.store.sessions import Session, open_session
from jobcontrol_core.store.suspects import find_suspect
from jobcontrol_workers.appetite import Appetite, Place
from jobcontrol_workers.context import StepContext, StoredResults
from jobcontrol_workers.deadlines import STOP_GRACE, STOPPED, TIMED_OUT, Deadlines, Measures
from jobcontrol_workers.documents import Documents
from jobcontrol_workers.journal import Journal
from jobcontrol_workers.registry import Registry
from jobcontrol_workers.room import Room
from jobcontrol_workers.runner import Attempt, outcome_of_stop, perform
from jobcontrol_workers.suspects import SuspectAppetite, SuspectTaker
from jobcontrol_workers.taker import POP_SECONDS, Taker
from jobcontrol_workers.turns import Turns

log = structlog.get_logger(__name__)

TICK_SECONDS = 0.25
#: How long a drain waits for handlers that it has told to stop.
STOP_SECONDS = 1.0
#: Handlers are stopped this share of the lease before it ends.
TRUST_MARGIN = 0.2
#: What the other steps of a process still have when one of them cannot be stopped.
RETIRE_SECONDS = 30.0


@dataclass(slots=True)
class Running:
    """A step on its way in this process."""

    attempt: Attempt
    task: asyncio.Task[None]
    #: A task that is cancelled before its first turn never runs, and would never say how its step ended.
    has_begun: bool = False
    is_recorded: bool = False


class WorkerProcess:
    """Lives on one asyncio loop. `start` and everything not said otherwise happen on it."""

    def __init__(
        self,
        settings: Settings,
        registry: Registry,
        store: Store,
        supervisor: str,
        lease: float,
        *,
        is_lone: bool = False,
    ) -> None:
        self._settings = settings
        self._registry = registry
        self._store = store
        self._supervisor = supervisor
        self._lease = lease
        self._postman = Postman(settings.redis)
        self._is_lone = is_lone
        self._slots = 1 if is_lone else settings.worker_slots
        self._room = Room(registry, self._slots)
        self._threads = ThreadPoolExecutor(self._slots, thread_name_prefix="handler")
        self._documents = Documents(store)
        self._gates = {served.key: asyncio.Semaphore(served.spec.concurrency) for served in registry.served}
        #: By step and attempt: a step that was taken away may come back while its old attempt still winds down.
        self._running: dict[tuple[str, int], Running] = {}
        self._loop = asyncio.get_running_loop()
        self._draining: asyncio.Task[None] | None = None
        self.deadlines = Deadlines(self._loop, Measures(self._time_out, self._interrupt, self._give_up))
        self._graces = {TIMED_OUT: STOP_GRACE, STOPPED: settings.stop_grace_seconds}
        self._trusted_until = self._trust_from(awake_clock())
        self.session_id = self._open_session()
        self._journal: Journal
        self._taker: Taker | SuspectTaker
        self._journal, self._taker = self._take_suspects() if is_lone else self._take_tickets()

    def _take_tickets(self) -> tuple[Journal, Taker]:
        turns = Turns(lambda: self._postman.is_reachable)
        appetite = Appetite(self._registry, self._room, self._read_build, turns)
        journal = Journal(self._store, self._postman, appetite, self.session_id, self._deliver)
        queues = list(self._registry.queues)
        return journal, Taker(self._settings.redis, self.session_id, queues, self._room, journal, turns)

    def _take_suspects(self) -> tuple[Journal, SuspectTaker]:
        appetite = SuspectAppetite(self._room, self._read_build)
        journal = Journal(self._store, self._postman, appetite, self.session_id, self._deliver)

        def find() -> Place | None:
            # Not of a queue whose limits are used up: it would hide the suspects of all others.
            kinds = [served.key for served in self._registry.served if self._room.of_stage(served) > 0]
            return self._store.read(find_suspect, kinds) if kinds else None

        return journal, SuspectTaker(find, self._room, journal, appetite, self._end_idle)

    def _read_build(self, job_id: str) -> Build | None:
        return self._store.read(read_build, job_id)

    @property
    def tick_seconds(self) -> float:
        """How often trust is checked: well within the margin by which handlers stop before the lease ends."""
        return min(TICK_SECONDS, self._lease * TRUST_MARGIN / 4)

    def start(self) -> None:
        self._journal.start()
        self._taker.start()

    def renewed(self, sent_at: float) -> None:
        """The lease was extended by a heartbeat sent at `sent_at` on the awake clock."""
        self._trusted_until = max(self._trusted_until, self._trust_from(sent_at))
        self._journal.set_claiming(self.may_claim)

    def stop_jobs(self, job_ids: Sequence[str]) -> None:
        """Tell the running steps of these jobs to stop."""
        for running in list(self._running.values()):
            if running.attempt.build.job_id in job_ids:
                self._stop(running, STOPPED)

    def lose_lease(self) -> str:
        """Stop everything that runs under the session, and go on under a new one; returns its id."""
        for running in list(self._running.values()):
            self._stop(running, "LOST")
        sent_at = awake_clock()
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
        await asyncio.shield(self._start_draining(self._settings.drain_seconds))

    @property
    def has_retired(self) -> bool:
        """True once everything is written and given back, and nothing will be claimed again."""
        return self._draining is not None and self._draining.done()

    def _start_draining(self, seconds: float) -> asyncio.Task[None]:
        if self._draining is None:
            self._draining = self._loop.create_task(self._drain(seconds))
        return self._draining

    async def _drain(self, seconds: float) -> None:
        self._taker.stop()
        await asyncio.to_thread(self._journal.stop_claiming, 1.0)
        await self._settle(seconds)
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
        return self._draining is None and self._is_trusted

    @property
    def _is_trusted(self) -> bool:
        return awake_clock() <= self._trusted_until

    def _trust_from(self, sent_at: float) -> float:
        return sent_at + self._lease * (1 - TRUST_MARGIN)

    async def _settle(self, seconds: float) -> None:
        tasks = [running.task for running in self._running.values() if not running.is_recorded]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)

    def _open_session(self) -> str:
        session = Session(
            id=new_id(),
            supervisor=self._supervisor,
            host=socket.gethostname(),
            pid=os.getpid(),
            release=version("jobcontrol"),
            slots=self._slots,
            stages=self._registry.served_stages(),
            is_lone=self._is_lone,
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
        self._find(attempt).has_begun = True
        key = attempt.served.key
        seconds: float | None = None
        outcome: Outcome | None = None
        try:
            async with self._gates[key]:
                if attempt.context.stop_cause is None:
                    started = time.monotonic()
                    with self.deadlines.watch(attempt):
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
        attempt = running.attempt
        attempt.context.stop_cause = cause
        if running.has_begun and (attempt.is_async or not self.deadlines.watches(attempt)):
            running.task.cancel()
        if cause in self._graces and self.deadlines.watches(attempt):
            self.deadlines.hurry(attempt, self._graces[cause])

    def _find(self, attempt: Attempt) -> Running:
        return self._running[attempt.claimed.step.id, attempt.claimed.step.attempt]

    def _end_idle(self) -> None:
        """On the taker's thread: a lone process without suspects has nothing to do."""
        self._loop.call_soon_threadsafe(self._start_draining, 0.0)

    def _time_out(self, attempt: Attempt) -> None:
        self._stop(self._find(attempt), TIMED_OUT)

    def _interrupt(self, attempt: Attempt) -> None:
        """It was told, and goes on: more than told it is to be."""
        if attempt.is_async:
            self._find(attempt).task.cancel()
        else:
            attempt.call.interrupt()

    def _give_up(self, attempt: Attempt) -> None:
        """A handler that does not stop holds a thread or the loop for ever: others must take this process's place."""
        step = attempt.claimed.step
        log.warning("step_does_not_stop", step_id=step.id, attempt=step.attempt, stage=step.stage)
        self._record(self._find(attempt), outcome_of_stop(attempt, StopReceipt.ABANDONED))
        if self._draining is None:
            self.deadlines.say(retires_in=RETIRE_SECONDS)
        self._start_draining(RETIRE_SECONDS)
