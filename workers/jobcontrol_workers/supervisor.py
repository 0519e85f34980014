"""The supervisor: keeps N worker processes alive, renews their leases, and sees each of them die."""

from __future__ import annotations

import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from datetime import timedelta

import structlog

from jobcontrol_core.bus.listener import Listener
from jobcontrol_core.bus.postman import STOPS_CHANNEL, Postman
from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.ids import short_id
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.exchange import Exchanged, exchange
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.sessions import renew_sessions
from jobcontrol_workers.hangs import HangWatch
from jobcontrol_workers.link import Link, Message

log = structlog.get_logger(__name__)

#: After SIGTERM, running steps have their time and the processes this much more.
KILL_AFTER = 4.0
#: A process that dies sooner than this is started again only after a wait.
YOUNG_SECONDS = 2.0
LONGEST_WAIT = 5.0
TURN_SECONDS = 0.2
RELEASE_RETRY = 0.5


class Child:
    """One worker process as its supervisor sees it."""

    def __init__(self, targets: Sequence[str], supervisor: str, on_exit: queue.SimpleQueue[Child]) -> None:
        self.session_id: str | None = None
        #: Killed by its supervisor because its time to drain was over.
        self.is_killed = False
        #: Killed by its supervisor because it hung.
        self.has_hung = False
        self.hangs = HangWatch()
        self.started_at = time.monotonic()
        to_child_read, to_child_write = os.pipe()
        from_child_read, from_child_write = os.pipe()
        arguments = [str(os.getpid()), str(to_child_read), str(from_child_write), supervisor, *targets]
        # A session of its own: a terminal's Ctrl+C reaches the supervisor alone.
        self._popen = subprocess.Popen(
            [sys.executable, "-m", "jobcontrol_workers.child", *arguments],
            pass_fds=(to_child_read, from_child_write),
            start_new_session=True,
        )
        os.close(to_child_read)
        os.close(from_child_write)
        self._link = Link(from_child_read, to_child_write, self._hear, on_end=lambda: None)
        self._link.start()
        self._on_exit = on_exit
        threading.Thread(target=self._wait, name="wait", daemon=True).start()

    @property
    def pid(self) -> int:
        return self._popen.pid

    @property
    def exit_code(self) -> int | None:
        return self._popen.returncode

    def send(self, **message: object) -> None:
        self._link.send(**message)

    def kill(self) -> None:
        """End it now; what it ran is given back as by a drain."""
        self.is_killed = True
        self._popen.kill()

    def kill_if_hung(self) -> None:
        """End it if it hangs; its steps that are past their time have timed out, the others are given back."""
        if not self.has_hung and self.hangs.looks_hung():
            self.has_hung = True
            log.warning("process_hangs", pid=self.pid)
            self._popen.kill()

    def _hear(self, message: Message) -> None:
        self.hangs.hear(message)
        if "session" in message:
            self.session_id = message["session"]

    def _wait(self) -> None:
        self._popen.wait()
        # What it said last names the session to end.
        self._link.close()
        self._on_exit.put(self)


class Restarts:
    """When a process may be started: at once, unless one after the other dies young; then ever more slowly."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._young_deaths = 0
        self._not_before = clock()

    def saw_death(self, started_at: float) -> None:
        """A process that was started at `started_at`, on the same clock, has died just now."""
        now = self._clock()
        is_young = now - started_at < YOUNG_SECONDS
        self._young_deaths = self._young_deaths + 1 if is_young else 0
        if self._young_deaths > 1:
            self._not_before = now + min(LONGEST_WAIT, 0.1 * 2**self._young_deaths)

    @property
    def is_due(self) -> bool:
        return self._clock() >= self._not_before


class Supervisor:
    """`run` until SIGTERM or SIGINT, then drain; a second one kills."""

    def __init__(self, settings: Settings, targets: Sequence[str]) -> None:
        self._settings = settings
        self._targets = targets
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._store = Store(settings.database_url)
        self._postman = Postman(settings.redis)
        self._exits: queue.SimpleQueue[Child] = queue.SimpleQueue()
        self._children: list[Child] = []
        self._signals = 0
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
        while not self._signals:
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

    def _on_signal(self, signum: int, _frame: object) -> None:
        self._signals += 1

    def _start_missing(self) -> None:
        if self._restarts.is_due:
            for _ in range(self._settings.worker_processes - len(self._children)):
                self._spawn()

    def _spawn(self) -> None:
        # On the main thread: the kernel ties a child to the thread that made it.
        child = Child(self._targets, self._name, self._exits)
        self._children.append(child)
        log.info("process_started", pid=child.pid)

    def _see_exit(self, timeout: float) -> Child | None:
        """Take note of a process that ended, and give its steps back."""
        try:
            child = self._exits.get(timeout=timeout)
        except queue.Empty:
            return None
        self._children.remove(child)
        is_wanted = not self._signals
        how = _how_it_ended(child.exit_code)
        (log.warning if is_wanted else log.info)("process_ended", pid=child.pid, how=how)
        self._release(child, how)
        self._restarts.saw_death(child.started_at)
        return child

    def _release(self, child: Child, how: str) -> None:
        if child.session_id is None:
            return
        is_drained = self._signals and (child.exit_code == 0 or child.is_killed)
        cause = "DRAINED" if is_drained else "CRASHED"
        try:
            if child.has_hung:
                self._tell(self._store.write(exchange, child.session_id, child.hangs.overdue(), []))
            released = self._store.write(release_session, child.session_id, how, cause)
        except Unavailable as error:
            # Its lease runs out by itself.
            log.warning("release_failed", session=short_id(child.session_id), error=str(error))
            return
        if released.accepted:
            log.info("steps_taken_back", count=len(released.accepted), session=short_id(child.session_id))
        self._tell(released)

    def _tell(self, exchanged: Exchanged) -> None:
        self._postman.ring(exchanged.committed)
        self._postman.ring_stop(*exchanged.stopping)
        self._postman.push(exchanged.waiting)

    def _drain(self) -> None:
        """Drain every process; whatever is left after the bound, or at a second signal, is killed."""
        log.info("worker_draining", bound=self._settings.drain_seconds)
        signals = self._signals
        for child in self._children:
            child.send(drain=True)
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
            wait = self._renew()

    def _renew(self) -> float:
        """One heartbeat for all processes; returns the seconds until the next."""
        children = {child.session_id: child for child in list(self._children) if child.session_id is not None}
        if not children:
            return 0.2
        sent_at = time.monotonic()
        lease = timedelta(seconds=self._settings.lease_seconds)
        try:
            renewal = self._store.write(renew_sessions, list(children), lease)
        except Unavailable as error:
            log.warning("renewal_failed", error=str(error))
            return RELEASE_RETRY
        for session_id, child in children.items():
            if session_id in renewal.live:
                stopping = renewal.stopping.get(session_id, frozenset())
                child.hangs.run_stopping(bool(stopping))
                child.send(renewed=sent_at, stopping=list(stopping))
            else:
                child.send(ended=session_id)
        return self._settings.heartbeat_seconds

    def _on_stop(self, job_id: str) -> None:
        """A doorbell: a job is to stop. The processes that run none of its steps do nothing."""
        for child in list(self._children):
            child.send(stopping=[job_id])


def _how_it_ended(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        return f"killed by {signal.Signals(-exit_code).name}"
    return f"exit code {exit_code}"
