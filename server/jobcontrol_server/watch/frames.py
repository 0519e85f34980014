"""Frames: messages to watchers, encoded once, with the sequences that they tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from jobcontrol_core.domain.events import JobEvent, fold_events
from jobcontrol_core.domain.values import Job
from jobcontrol_server.watch.cuts import cut
from jobcontrol_server.watch.openings import SnapshotReason


@dataclass(frozen=True, slots=True)
class Frame:
    """One message as bytes. It tells the commits `first`..`last`; a snapshot and a heartbeat tell none of them."""

    first: int
    last: int
    data: bytes
    ends: bool = False


class Encoder(Protocol):
    """How a frame is written for the wire; this room knows none."""

    def snapshot(self, job: Job, reason: SnapshotReason) -> bytes:
        """The whole picture, as of `job.last_sequence`."""

    def changed(self, first: int, event: JobEvent) -> bytes:
        """The commits `first`..`event.sequence`, folded into `event`."""

    def finished(self, job: Job, event: JobEvent | None) -> bytes:
        """The end of the job; `event` is the commit that ended it, None where the watcher has it already."""

    def heartbeat(self, job_id: str, sequence: int) -> bytes:
        """Nothing happened since `sequence`."""

    def of_many(self, message: bytes) -> bytes:
        """One of the above, told to a watcher of many jobs."""

    def listed(self, job: Job) -> bytes:
        """A job of a list, to a watcher of many."""

    def unlisted(self, job_id: str) -> bytes:
        """A job has left a list."""

    def alive(self) -> bytes:
        """Nothing happened to any of many jobs."""


@dataclass(frozen=True, slots=True)
class News:
    """Consecutive events of a job; `job` as it stays, if the last of them ended it."""

    events: Sequence[JobEvent]
    job: Job | None


def frames_of(news: News, encoder: Encoder) -> Iterator[Frame]:
    """The news as the fewest messages."""
    for run in cut(news.events):
        first, event = run[0].sequence, fold_events(run)
        if event.status.has_ended and news.job is not None:
            yield Frame(first, event.sequence, encoder.finished(news.job, event), ends=True)
        else:
            yield Frame(first, event.sequence, encoder.changed(first, event))


def snapshot_frames(job: Job, reason: SnapshotReason, encoder: Encoder) -> list[Frame]:
    """The picture; of a job that has ended, also its end."""
    picture = Frame(job.last_sequence, job.last_sequence, encoder.snapshot(job, reason))
    return [picture, end_frame(job, encoder)] if job.status.has_ended else [picture]


def end_frame(job: Job, encoder: Encoder) -> Frame:
    """The end of a job, for a watcher that has its last commit."""
    return Frame(job.last_sequence, job.last_sequence, encoder.finished(job, None), ends=True)


def heartbeat_frame(job_id: str, sequence: int, encoder: Encoder) -> Frame:
    """A sign of life to a watcher that has everything up to `sequence`."""
    return Frame(sequence, sequence, encoder.heartbeat(job_id, sequence))
