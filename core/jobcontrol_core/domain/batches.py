"""Calls about many things: what each is told of one that it left alone."""

from __future__ import annotations

from dataclasses import dataclass

from jobcontrol_core.domain.errors import DomainError

#: Things that one call is about.
MOST = 1_000


@dataclass(frozen=True, slots=True)
class BatchFailure:
    """Why one thing was left alone: what a call for it alone would have answered."""

    id: str
    reason: str
    message: str

    @classmethod
    def because(cls, of: str, refusal: DomainError) -> BatchFailure:
        return cls(of, refusal.reason, str(refusal))
