"""What a job alone can be asked for while it is watched: how long it may still take, and why it waits."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable

from jobcontrol.errors import JobControlError
from jobcontrol.job import Job
from jobcontrol.values import JobState

#: Seconds between two questions.
ASK_EVERY = 2.0


class Outlook:
    """Asks with the events of a watch: the server was there a moment ago, and a silent link asks nothing."""

    def __init__(self, job: Job, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._job = job
        self._clock = clock
        self._asked_at = -math.inf

    def ask(self) -> JobState | None:
        """The job as it is now; None if that was asked a moment ago, if it has ended, or if nobody answers."""
        if self._job.has_ended or self._clock() - self._asked_at < ASK_EVERY:
            return None
        self._asked_at = self._clock()
        try:
            # The watch alone moves the job that its caller holds.
            return copy.copy(self._job).refresh().state
        except JobControlError:
            return None
