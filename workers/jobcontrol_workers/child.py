"""The program of one worker process: its supervisor starts it, drives it over the link, and ends it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import structlog

from jobcontrol_core.domain.errors import Unavailable
from jobcontrol_core.domain.ids import short_id
from jobcontrol_core.logs import configure_logs
from jobcontrol_core.settings import Settings
from jobcontrol_core.store.engine import Store
from jobcontrol_workers.leash import tie_to_parent
from jobcontrol_workers.link import Link, Message
from jobcontrol_workers.process import WorkerProcess
from jobcontrol_workers.registry import Registry, load_pipelines
from jobcontrol_workers.supervised import Kind

log = structlog.get_logger(__name__)


class Child:
    """The process as its supervisor drives it, by messages over the link."""

    def __init__(self, process: WorkerProcess, link: Link) -> None:
        self._process = process
        self._link = link
        self._ended = asyncio.Event()

    async def run(self) -> None:
        """Until drained or retired. Every turn tells the supervisor that the loop is alive."""
        self._process.deadlines.tell = self._link.send
        self._process.start()
        self._link.send(session=self._process.session_id)
        while not self._ended.is_set() and not self._process.has_retired:
            self._link.send(tick=True)
            self._process.check_trust()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), self._process.tick_seconds)
        self._link.send(drained=True)
        self._link.finish()

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
                self._ended.set()


@dataclass(frozen=True, slots=True)
class Orders:
    """What a supervisor tells a process as it starts it, as arguments: see `Supervised`."""

    parent_pid: int
    read_fd: int
    write_fd: int
    is_lone: bool
    supervisor: str
    targets: Sequence[str]

    @classmethod
    def parse(cls, arguments: Sequence[str]) -> Orders:
        parent_pid, read_fd, write_fd, kind, supervisor, *targets = arguments
        return cls(int(parent_pid), int(read_fd), int(write_fd), kind == Kind.LONE, supervisor, targets)


async def run_child(settings: Settings, orders: Orders) -> None:
    """Serve until the supervisor drains this process; if it is gone, end at once."""
    registry = Registry(load_pipelines(orders.targets), settings)
    store = Store(settings.database_url)
    process = WorkerProcess(
        settings, registry, store, orders.supervisor, settings.lease_seconds, is_lone=orders.is_lone
    )
    loop = asyncio.get_running_loop()
    receiving: set[asyncio.Task[None]] = set()

    def hear(message: Message) -> None:
        def receive() -> None:
            task = loop.create_task(child.receive(message))
            receiving.add(task)
            task.add_done_callback(receiving.discard)

        loop.call_soon_threadsafe(receive)

    link = Link(orders.read_fd, orders.write_fd, hear, on_end=lambda: os._exit(1))
    child = Child(process, link)
    link.start()
    await child.run()
    # Not by way of asyncio.run, which would wait for handlers that do not stop: their steps have been given back.
    sys.stdout.flush()
    os._exit(0)


def main() -> None:
    """The supervisor alone runs this: PARENT_PID READ_FD WRITE_FD KIND SUPERVISOR TARGET..."""
    orders = Orders.parse(sys.argv[1:])
    tie_to_parent(orders.parent_pid, signal.SIGKILL)
    # A Ctrl+C in the terminal reaches every process; the supervisor alone decides what it means.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    configure_logs("worker")
    try:
        asyncio.run(run_child(Settings.load(), orders))
    except Unavailable as error:
        log.error("database_away", error=str(error))
        os._exit(1)


if __name__ == "__main__":
    main()
