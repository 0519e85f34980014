"""The postman: doorbells and tickets leave in the background, promptly or not at all."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable

import redis
import structlog

from jobcontrol_core.bus.connection import LOST, connect
from jobcontrol_core.bus.tickets import TicketQueues
from jobcontrol_core.crash_points import CrashPoint, crash_at
from jobcontrol_core.store.exchange import Waiting
from jobcontrol_core.store.ledger import Committed

log = structlog.get_logger(__name__)

#: Commits of jobs are told here as "<job id> <sequence>".
JOBS_CHANNEL = "jobcontrol:jobs"
#: Jobs that are to stop are told here, as their id.
STOPS_CHANNEL = "jobcontrol:stops"
#: In a doorbell after the sequence: the job has ended by it.
END = "end"
#: Letters that may wait; more are dropped, and the dispatcher and the watchers' polling make up for them.
CAPACITY = 10_000

Letter = Callable[[redis.Redis], object]


class Postman:
    """Sends after a commit. No caller waits for Redis, and a lost Redis loses letters, nothing else."""

    def __init__(self, url: str) -> None:
        self._connection = connect(url)
        self._letters: queue.Queue[Letter | None] = queue.Queue(CAPACITY)
        self._is_reachable = True
        self._thread = threading.Thread(target=self._run, name="postman", daemon=True)
        self._thread.start()

    @property
    def is_reachable(self) -> bool:
        """False while the last letter could not be sent."""
        return self._is_reachable

    def ring(self, committed: Iterable[Committed]) -> None:
        """Tell watchers of these commits."""
        told = list(committed)
        if told:
            crash_at(CrashPoint.AFTER_COMMIT_BEFORE_PUBLISH)
            self._post(lambda connection: _publish(connection, told))

    def ring_stop(self, *job_ids: str) -> None:
        """Tell workers that these jobs are to stop."""
        for job_id in job_ids:
            self._post(lambda connection, job_id=job_id: connection.publish(STOPS_CHANNEL, job_id))  # type: ignore[misc]

    def push(self, waiting: Iterable[Waiting]) -> None:
        """See that each of these stages has a ticket on its queue."""
        for stage in waiting:
            self._post(
                lambda connection, stage=stage: TicketQueues(connection).ensure(  # type: ignore[misc]
                    stage.queue, stage.job_id, stage.stage_no, at_front=stage.is_urgent
                )
            )

    def close(self) -> None:
        """Send what waits, then stop."""
        self._letters.put(None)
        self._thread.join(timeout=2)
        self._connection.close()

    def _post(self, letter: Letter) -> None:
        try:
            self._letters.put_nowait(letter)
        except queue.Full:
            log.warning("letter_dropped", reason="too many wait")

    def _run(self) -> None:
        while (letter := self._letters.get()) is not None:
            try:
                letter(self._connection)
            except LOST as error:
                self._lost(error)
            except Exception:
                log.exception("letter_failed")
            else:
                self._is_reachable = True

    def _lost(self, error: Exception) -> None:
        if self._is_reachable:
            log.warning("redis_lost", error=str(error))
        self._is_reachable = False


def _publish(connection: redis.Redis, committed: list[Committed]) -> None:
    with connection.pipeline(transaction=False) as pipeline:
        for commit in committed:
            end = f" {END}" if commit.is_end else ""
            pipeline.publish(JOBS_CHANNEL, f"{commit.job_id} {commit.sequence}{end}")
        pipeline.execute()
