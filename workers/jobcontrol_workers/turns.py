"""Fair turns between jobs in one process: who is served since when, and who rests until others had their turn."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

#: How long a job is served without a ticket while other jobs wait.
SLICE_SECONDS = 0.100
#: A rest ends after this long in any case: whoever it was for has been served elsewhere.
REST_SECONDS = 1.0


class Turns:
    """While other jobs have tickets in the process's queues, a job is served without a ticket for a slice.

    Then it rests: it is served by its tickets alone, and tickets of jobs that do not rest go before them. Without
    Redis, when no ticket `can_push`, no turn ends and nobody rests. The journal's thread calls what begins and ends
    turns; the rest any thread may call.
    """

    def __init__(self, can_push: Callable[[], bool], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._can_push = can_push
        self._clock = clock
        self._waiting: frozenset[str] = frozenset()
        self._began: dict[str, float] = {}
        self._rest_until: dict[str, float] = {}
        self._last_rest_until = 0.0

    def told_waiting(self, job_ids: Iterable[str]) -> None:
        """The jobs that have tickets in this process's queues."""
        self._waiting = frozenset(job_ids)

    def begin(self, job_id: str) -> None:
        """The job is being served: its turn begins, unless it has it."""
        self._rest_until.pop(job_id, None)
        self._began.setdefault(job_id, self._clock())

    def leave(self, job_id: str) -> None:
        """The job has nothing more to serve here."""
        self._began.pop(job_id, None)

    def end(self, job_id: str) -> None:
        """The job's turn is over."""
        now = self._clock()
        self._began.pop(job_id, None)
        self._rest_until = {resting: until for resting, until in self._rest_until.items() if until > now}
        self._rest_until[job_id] = self._last_rest_until = now + REST_SECONDS

    def is_over(self, job_id: str) -> bool:
        """True once the job has been served for a slice and others wait."""
        began = self._began.get(job_id)
        return began is not None and self._clock() - began > SLICE_SECONDS and self._must_yield(job_id)

    def rests(self, job_id: str) -> bool:
        """True while others go before this job."""
        return self._rest_until.get(job_id, 0.0) > self._clock() and self._must_yield(job_id)

    @property
    def may_rest(self) -> bool:
        """False if `rests` is false of every job."""
        return self._last_rest_until > self._clock()

    def _must_yield(self, job_id: str) -> bool:
        return bool(self._waiting - {job_id}) and self._can_push()
