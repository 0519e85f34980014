"""Where a watch begins: what the watcher has, held against what the log holds."""

from __future__ import annotations

from enum import StrEnum

from jobcontrol_core.store.eventlog import Bounds


class SnapshotReason(StrEnum):
    """Why a watcher gets the whole picture instead of what changed."""

    INITIAL = "INITIAL"
    TRIMMED = "TRIMMED"
    AHEAD = "AHEAD"
    SLOW_CONSUMER = "SLOW_CONSUMER"


def snapshot_reason(after: int | None, bounds: Bounds) -> SnapshotReason | None:
    """Why the watch must begin with a snapshot; None if the log holds everything after `after`.

    `after` is the sequence that the watcher has delivered last, None if it asks for a picture first.
    """
    if after is None:
        return SnapshotReason.INITIAL
    if after > bounds.last:
        return SnapshotReason.AHEAD
    if after < bounds.first - 1:
        return SnapshotReason.TRIMMED
    return None


def is_at_the_end(after: int | None, bounds: Bounds) -> bool:
    """True if the watcher has everything of a job that has ended."""
    return bounds.has_ended and after == bounds.last
