"""The dispatcher as a whole: its loops, and who of all servers leads."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from datetime import timedelta

import structlog

from jobcontrol_core.bus.connection import connect
from jobcontrol_core.bus.postman import Postman
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.deadlines import expire_job, read_overdue_jobs
from jobcontrol_core.store.deletions import delete_old_jobs, have_deleted, purge
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.gradual import advance_requeue, read_running_requeues
from jobcontrol_core.store.leases import drop_lease, take_lease
from jobcontrol_core.store.retention import prune, prune_history
from jobcontrol_core.store.stopping import read_stopping_jobs, sweep_job
from jobcontrol_server.dispatch.loops import Loop
from jobcontrol_server.dispatch.reaper import Reaper
from jobcontrol_server.dispatch.ticketing import Ticketing
from jobcontrol_server.dispatch.vigil import Vigil

log = structlog.get_logger(__name__)

LEASE = "dispatcher"
LEASE_TIME = timedelta(seconds=5)
REDIS_SECONDS = 2.0
PRUNE_SECONDS = 60.0


class Dispatcher:
    """Runs in every server. One leads by a lease in SQL; two leaders, for a moment, do no harm.

    Every duty has its own loop: a Redis that hangs never stops the reaping.
    """

    def __init__(self, store: Store, settings: Settings, postman: Postman) -> None:
        self._store = store
        self._postman = postman
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{new_id()}"
        self._is_leader = False
        self._is_stopping = False
        self._history_kept = _days(settings.history_days)
        self._jobs_kept = _days(settings.jobs_days)
        period = settings.dispatch_seconds
        vigil = Vigil(required=settings.lease_seconds, longest_gap=max(settings.heartbeat_seconds, 3 * period))
        self._redis = connect(settings.redis, timeout=REDIS_SECONDS)
        self._ticketing = Ticketing(store, self._redis)
        self._reaper = Reaper(store, postman, vigil)
        self._loops = [
            Loop("lead", min(1.0, period), self._lead),
            Loop("reap", period, lambda: self._reaper.keep_watch(is_leader=self._is_leader)),
            Loop("tickets", period, self._if_leader(self._ticketing.top_up)),
            Loop("backoff", period, self._if_leader(self._make_due)),
            Loop("deadlines", period, self._if_leader(self._expire)),
            Loop("sweep", period, self._if_leader(self._sweep)),
            Loop("requeues", period, self._if_leader(self._requeue)),
            Loop("prune", PRUNE_SECONDS, self._if_leader(self._prune)),
            Loop("purge", period, self._if_leader(self._purge)),
        ]

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """End the loops after their turns, and let another server lead at once."""
        self._is_stopping = True
        for loop in self._loops:
            loop.stop()
        for loop in self._loops:
            loop.join(timeout=5)
        self._redis.close()
        if self._is_leader:
            self._step_down()

    def _lead(self) -> None:
        try:
            self._is_leader = self._store.write(take_lease, LEASE, self._holder, LEASE_TIME)
        except Unavailable:
            self._is_leader = False
            raise

    def _step_down(self) -> None:
        self._is_leader = False
        try:
            self._store.write(drop_lease, LEASE, self._holder)
        except Unavailable as error:
            # It runs out by itself.
            log.warning("lease_not_dropped", lease=LEASE, error=str(error))

    def _make_due(self) -> None:
        self._postman.push(self._store.write(make_due))

    def _sweep(self) -> None:
        for job_id in self._store.read(read_stopping_jobs):
            while not self._is_stopping and (committed := self._store.write(sweep_job, job_id)):
                self._postman.ring(committed)

    def _prune(self) -> None:
        self._store.write(prune)
        # Batch by batch, each a short transaction of its own, between which everybody else has a turn.
        while self._history_kept is not None and self._goes_on:
            if not self._store.write(prune_history, self._history_kept):
                break
        while self._jobs_kept is not None and self._goes_on:
            if not (deleted := self._store.write(delete_old_jobs, self._jobs_kept)):
                break
            log.info("old_jobs_deleted", count=deleted)

    def _purge(self) -> None:
        if self._store.read(have_deleted):
            while self._goes_on and self._store.write(purge):
                pass

    def _expire(self) -> None:
        for job_id in self._store.read(read_overdue_jobs):
            committed = self._store.write(expire_job, job_id)
            if committed:
                log.info("job_timed_out", job_id=job_id)
                self._postman.ring_stop(job_id)
                self._postman.ring(committed)

    def _requeue(self) -> None:
        for requeue_id in self._store.read(read_running_requeues):
            done = self._store.write(advance_requeue, requeue_id)
            if done.requeued or done.failures:
                log.info("letters_requeued", requeue_id=requeue_id, count=done.count, failures=len(done.failures))
            self._postman.ring(done.committed)
            self._postman.push(done.waiting)

    @property
    def _goes_on(self) -> bool:
        return self._is_leader and not self._is_stopping

    def _if_leader(self, duty: Callable[[], object]) -> Callable[[], None]:
        def turn() -> None:
            if self._is_leader:
                duty()

        return turn


def _days(number: float | None) -> timedelta | None:
    return None if number is None else timedelta(days=number)
