"""What operators look at, as frozen values: lines of a job's log. Times are aware UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class LogLine:
    """One thing that happened in a job; `level` is debug, info, warning or error.

    (sequence, index) is its place: the commit that told it, and which of the commit's facts it is.
    """

    sequence: int
    index: int
    type: str
    level: str
    message: str
    stage: str = ""
    step_id: str = ""
    attempt: int = 0
    created_at: datetime | None = None
