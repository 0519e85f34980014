"""When a process hangs, judged from outside: its loop does not tick any more, and a step is past its time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from jobcontrol_core.domain.lifecycle import StopReceipt
from jobcontrol_core.domain.outcomes import StepOutcome, timed_out
from jobcontrol_workers.link import Message

#: How long a process may be silent while a step of it is past its deadline.
SILENCE = 5.0
#: One look proves nothing: the supervisor may have slept itself, and hear the ticks of that time in a moment.
LOOKS = 3
#: What a process that retires may take, beyond the time that its steps have, to write everything down and leave.
LEAVING = 5.0


@dataclass(frozen=True, slots=True)
class Timed:
    """A step that runs under a timeout; `deadline` is on the monotonic clock, which all processes share."""

    job_id: str
    step_id: str
    attempt: int
    deadline: float
    seconds: float


class HangWatch:
    """Hears what one process tells on any thread; asked by its supervisor in every turn."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ticked_at = clock()
        self._timed: dict[tuple[str, int], Timed] = {}
        self._stopping_since: float | None = None
        self._must_be_gone_at: float | None = None
        self._looks = 0

    def run_stopping(self, runs_any: bool, /) -> None:
        """Whether it runs steps, by the books, of jobs that are to stop: it has been told so."""
        if not runs_any:
            self._stopping_since = None
        elif self._stopping_since is None:
            self._stopping_since = self._clock()

    def hear(self, message: Message) -> None:
        match message:
            case {"tick": True}:
                self._ticked_at = self._clock()
            case {"began": [job_id, step_id, attempt, deadline, seconds]}:
                self._timed[step_id, attempt] = Timed(job_id, step_id, attempt, deadline, seconds)
            case {"over": [step_id, attempt]}:
                self._timed.pop((step_id, attempt), None)
            case {"retires_in": seconds}:
                self._must_be_gone_at = self._clock() + seconds + LEAVING

    def looks_hung(self) -> bool:
        """True if the process hangs, and was found so in several looks, one after the other."""
        self._looks = self._looks + 1 if self._is_silent() or self.has_overstayed() else 0
        return self._looks >= LOOKS

    def _is_silent(self) -> bool:
        """It has not ticked for a while, and there is somebody in it who should have stopped."""
        awaited = [one.deadline for one in list(self._timed.values())]
        if self._stopping_since is not None:
            awaited.append(self._stopping_since)
        return bool(awaited) and self._clock() - max(min(awaited), self._ticked_at) > SILENCE

    def has_overstayed(self) -> bool:
        """True if the process, having given up a step, has not gone when it should have."""
        return self._must_be_gone_at is not None and self._clock() > self._must_be_gone_at

    def guilty(self) -> StepOutcome | None:
        """The outcome of the one step that is past its deadline; None if there are several.

        In a process that hangs nothing can end in time: nobody can say from outside which of several holds it up.
        """
        now = self._clock()
        late = [one for one in list(self._timed.values()) if one.deadline <= now]
        if len(late) != 1:
            return None
        (one,) = late
        outcome = timed_out(one.seconds, StopReceipt.KILLED)
        return StepOutcome(one.job_id, one.step_id, one.attempt, outcome)
