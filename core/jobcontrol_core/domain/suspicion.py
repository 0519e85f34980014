"""Steps that may have ended their process: suspects, which run alone, and poisoned ones, which run no more."""

from __future__ import annotations

from dataclasses import dataclass, replace

from jobcontrol_core.domain.outcomes import Crashed, Lost
from jobcontrol_core.domain.values import ErrorInfo

#: Process ends in a row that make a step POISONED: one beside other steps, then two with nothing beside it.
MOST_CRASHES = 3
#: Leases that ran out under a step until it is POISONED.
MOST_LOSSES = 10


@dataclass(frozen=True, slots=True)
class Suspicion:
    """What speaks against a step: `crashes` of its process and `losses`, since it last ended by itself, in time.

    With one crash it is a suspect. Suspects run alone, so that every further crash is their own doing.
    """

    crashes: int = 0
    losses: int = 0

    def after(self, end: Crashed | Lost) -> Suspicion:
        """With one more attempt cut off by the end of its process."""
        if isinstance(end, Crashed):
            return replace(self, crashes=self.crashes + 1)
        return replace(self, losses=self.losses + 1)

    @property
    def is_proved(self) -> bool:
        """True of a step that is POISONED."""
        return self.crashes >= MOST_CRASHES or self.losses >= MOST_LOSSES

    def poisoned(self, end: Crashed | Lost) -> ErrorInfo:
        """The error of a step that is POISONED, its last attempt having ended like this."""
        if isinstance(end, Crashed):
            alone = f"the process that ran it died {self.crashes} times, in the end with nothing beside it: {end.how}"
            return ErrorInfo("Poisoned", alone)
        return ErrorInfo("Poisoned", f"the process that ran it was not heard of any more, {self.losses} times")


NONE = Suspicion()
