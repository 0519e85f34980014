"""Moments as whole microseconds since the Unix epoch: exact, sortable, the same everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    """Microseconds since the epoch."""
    return (moment - EPOCH) // MICROSECOND


def from_micros(micros: int) -> datetime:
    """The aware UTC moment `micros` microseconds after the epoch."""
    return EPOCH + timedelta(microseconds=micros)
