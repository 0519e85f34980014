"""The judge: looks at what has ended while chaos goes on, keeps the figures, and lets go of the recordings."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from chaos.arena import Arena
from chaos.traffic import Caller
from chaos.verdict import (
    has_job,
    job_ids,
    judge_diary,
    judge_job,
    judge_limits,
    judge_logs,
    judge_processes,
    judge_stream,
    open_jobs,
)
from jobcontrol_core.domain.errors import Unavailable
from services.recorder import Recorder

#: Violations that are kept of one kind of look; more of them say nothing new.
MOST_KEPT = 50


class Judge:
    """What is right of a job that has ended stays right, so each is looked at once, and its recordings are dropped."""

    def __init__(self, arena: Arena, callers: Iterable[Caller]) -> None:
        self.violations: list[str] = []
        self.figures: Counter[str] = Counter()
        self._arena = arena
        self._callers = list(callers)
        self._judged: set[str] = set()
        #: Taken over from the callers and not judged yet, as the database was away.
        self._waiting: list[tuple[str, Recorder]] = []

    def look(self) -> None:
        """Judge what has ended since the last look; what cannot be read now is left for the next."""
        self._take_over(ended_only=True)
        with suppress(Unavailable):
            self._keep(self._arena.truth.read(lambda tx: list(judge_limits(tx))))
            while self._waiting:
                job_id, recorder = self._waiting[-1]
                self._keep(self._judged_stream(job_id, recorder))
                self._waiting.pop()

    def close(self, directory: Path) -> None:
        """Judge all the rest: everything has had its time to end."""
        truth = self._arena.truth
        self._keep(f"job {job_id} is stuck {status}" for job_id, status in open_jobs(truth).items())
        self._take_over(ended_only=False)
        for job_id, recorder in self._waiting:
            self._keep(self._judged_stream(job_id, recorder))
        for job_id in job_ids(truth):
            if job_id not in self._judged:
                self._keep(judge_job(truth, job_id))
        for caller in self._callers:
            self._keep(caller.violations)
        self._keep(judge_diary(truth, self._arena.diary))
        self._keep(judge_processes(self._arena))
        self._keep(judge_logs(directory))

    def _take_over(self, *, ended_only: bool) -> None:
        for caller in self._callers:
            self._waiting += caller.take_recorders(ended_only=ended_only).items()

    def _judged_stream(self, job_id: str, recorder: Recorder) -> Iterator[str]:
        if not self._arena.truth.read(has_job, job_id):
            yield f"job {job_id} was accepted and is not there"
            return
        found = list(judge_stream(self._arena.truth, job_id, recorder))
        if recorder.has_ended and job_id not in self._judged:
            found += judge_job(self._arena.truth, job_id)
            self._judged.add(job_id)
        self.figures.update(watchers=1, messages=len(recorder.messages), breaks=recorder.breaks)
        yield from found

    def _keep(self, violations: Iterable[str]) -> None:
        for violation in violations:
            self.figures["violations"] += 1
            if len(self.violations) < MOST_KEPT:
                self.violations.append(violation)
