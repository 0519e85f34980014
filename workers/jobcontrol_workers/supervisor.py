"""The supervisor: keeps N worker processes alive, renews their leases, and sees each of them die."""

from __future__ import annotations

import os
import queue
import signal
import socket
import threading
import time
from collections.abc import Sequence
from datetime import timedelta

import structlog

from jobcontrol_core.awake import awake_clock
from jobcontrol_core.bus.listener import Listener
from jobcontrol_core.bus.postman import STOPS_CHANNEL, Postman
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.ids import short_id
from jobcontrol_core.domain.outcomes import Crashed
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Exchanged, exchange
from jobcontrol_core.store.reaping import BATCH, release_session
from jobcontrol_core.store.sessions import renew_sessions
from jobcontrol_workers.restarts import Restarts
from jobcontrol_workers.supervised import Kind, Supervised

log = structlog.get_logger(__name__)

#: After SIGTERM, running steps have their time and the processes this much more.
KILL_AFTER = 4.0
TURN_SECONDS = 0.2
RELEASE_RETRY = 0.5


class Supervisor:
    """`run` until SIGTERM or SIGINT, then drain; a second one kills. Ends, too, when all its processes were drained."""

    def __init__(self, settings: Settings, targets: Sequence[str]) -> None:
        self._settings = settings
        self._targets = targets
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._store = Store(settings.database_url)
        self._postman = Postman(settings.redis)
        self._exits: queue.SimpleQueue[Supervised] = queue.SimpleQueue()
        self._children: list[Supervised] = []
        #: Set when suspects wait; cleared when a lone process is started for them.
        self._has_suspects = threading.Event()
        self._signals = 0
        #: Processes that somebody asked to end, and that are not replaced.
        self._drained = 0
        self._is_over = threading.Event()
        self._restarts = Restarts()

    def run(self) -> int:
        """Serve; returns the exit code."""
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, self._on_signal)
        listener = Listener(self._settings.redis, STOPS_CHANNEL, self._on_stop)
        renewing = threading.Thread(target=self._renew_forever, name="renew", daemon=True)
        renewing.start()
        log.info("worker_started", supervisor=self._name, processes=self._settings.worker_processes)
        while not self._signals and self._has_work:
            self._start_missing()
            for child in self._children:
                child.kill_if_hung()
            self._see_exit(timeout=TURN_SECONDS)
        self._drain()
        self._is_over.set()
        listener.close()
        self._postman.close()
        self._store.close()
        log.info("worker_stopped", supervisor=self._name)
        return 0

    @property
    def _has_work(self) -> bool:
        """False once every process that takes tickets was asked to end, and has."""
        return self._drained < self._settings.worker_processes or bool(self._count(Kind.ORDINARY))

    def _on_signal(self, signum: int, _frame: object) -> None:
        self._signals += 1

    def _start_missing(self) -> None:
        if self._restarts.is_due:
            for _ in range(self._settings.worker_processes - self._drained - self._count(Kind.ORDINARY)):
                self._spawn(Kind.ORDINARY)
        if self._has_suspects.is_set() and not self._count(Kind.LONE):
            self._has_suspects.clear()
            self._spawn(Kind.LONE)

    def _count(self, kind: Kind) -> int:
        return sum(child.kind is kind for child in list(self._children))

    def _spawn(self, kind: Kind) -> None:
        # On the main thread: the kernel ties a child to the thread that made it.
        child = Supervised(kind, self._targets, self._name, self._exits)
        self._children.append(child)
        log.info("process_started", pid=child.pid, kind=kind)

    def _see_exit(self, timeout: float) -> None:
        """Take note of a process that ended, and give its steps back."""
        try:
            child = self._exits.get(timeout=timeout)
        except queue.Empty:
            return
        self._children.remove(child)
        is_crash = isinstance(child.end, Crashed)
        (log.warning if is_crash else log.info)("process_ended", pid=child.pid, kind=child.kind, how=child.how)
        self._release(child)
        if child.is_draining and child.kind is Kind.ORDINARY:
            self._drained += 1
        elif child.kind is Kind.ORDINARY:
            self._restarts.saw_death(child.started_at)

    def _release(self, child: Supervised) -> None:
        if child.session_id is None:
            return
        try:
            if child.guilty:
                self._tell(self._store.write(exchange, child.session_id, [child.guilty], []))
            released = self._store.write(release_session, child.session_id, child.how, child.end)
        except Unavailable as error:
            # Its lease runs out by itself.
            log.warning("release_failed", session=short_id(child.session_id), error=str(error))
            return
        if released.accepted:
            log.info("steps_taken_back", count=len(released.accepted), session=short_id(child.session_id))
            if isinstance(child.end, Crashed):
                self._has_suspects.set()
        self._tell(released)
        if len(released.accepted) == BATCH:
            self._release(child)

    def _tell(self, exchanged: Exchanged) -> None:
        self._postman.ring(exchanged.committed)
        self._postman.ring_stop(*exchanged.stopping)
        self._postman.push(exchanged.waiting)

    def _drain(self) -> None:
        """Drain every process; whatever is left after the bound, or at a second signal, is killed."""
        log.info("worker_draining", bound=self._settings.drain_seconds)
        signals = self._signals
        for child in self._children:
            child.drain()
        deadline = time.monotonic() + self._settings.drain_seconds + KILL_AFTER
        while self._children and time.monotonic() < deadline and self._signals == signals:
            self._see_exit(timeout=TURN_SECONDS)
        for child in self._children:
            child.kill()
        while self._children:
            self._see_exit(timeout=5.0)

    def _renew_forever(self) -> None:
        wait = 0.0
        while not self._is_over.wait(wait):
            try:
                wait = self._renew()
            except Exception:
                # One turn; without a further one every lease would run out.
                log.exception("renewal_failed")
                wait = RELEASE_RETRY

    def _renew(self) -> float:
        """One heartbeat for all processes; returns the seconds until the next."""
        children = {child.session_id: child for child in list(self._children) if child.session_id is not None}
        if not children:
            return 0.2
        sent_at = awake_clock()
        lease = timedelta(seconds=self._settings.lease_seconds)
        try:
            renewal = self._store.write(renew_sessions, list(children), lease, is_draining=bool(self._signals))
        except Unavailable as error:
            log.warning("renewal_failed", error=str(error))
            return RELEASE_RETRY
        if renewal.has_suspects and not self._count(Kind.LONE):
            self._has_suspects.set()
        for session_id, child in children.items():
            if session_id in renewal.live:
                stopping = renewal.stopping.get(session_id, frozenset())
                child.hangs.run_stopping(bool(stopping))
                child.send(renewed=sent_at, stopping=list(stopping))
                if session_id in renewal.draining:
                    child.drain()
            else:
                child.send(ended=session_id)
        return self._settings.heartbeat_seconds

    def _on_stop(self, job_id: str) -> None:
        """A doorbell: a job is to stop. The processes that run none of its steps do nothing."""
        for child in list(self._children):
            child.send(stopping=[job_id])
