"""A feed: the newest frames of one job, for all who watch it here."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from jobcontrol_server.watch.frames import Frame


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast watchers are served, in seconds, and how much of a job is held for slow ones."""

    #: Between two messages of one job, unless the first was full; neither the first after a silence nor the end
    #: is held back.
    interval: float = 0.05
    #: Between two looks for commits that no doorbell told of.
    poll: float = 1.0
    #: After a read that failed.
    retry: float = 1.0
    held_frames: int = 256
    held_bytes: int = 1 << 20


class Feed:
    """Frames that join, up to `position`. Memory is bounded by its pace, whatever the number of watchers."""

    def __init__(self, job_id: str, position: int, pace: Pace) -> None:
        self.job_id = job_id
        self.position = position
        self.watchers = 0
        self.is_gone = False
        self.rung = asyncio.Event()
        self.news = asyncio.Event()
        self._has_end = asyncio.Event()
        self._pace = pace
        self._frames: deque[Frame] = deque()
        self._by_first: dict[int, Frame] = {}
        self._bytes = 0

    def ring(self, sequence: int, *, is_end: bool = False) -> None:
        """The job is at `sequence`, as somebody says, and perhaps has ended there."""
        if sequence > self.position:
            self.rung.set()
            if is_end:
                self._has_end.set()

    async def pause(self) -> None:
        """An interval without a message, cut short by the end of the job, after which nothing follows."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._has_end.wait(), self._pace.interval)
        self._has_end.clear()

    def publish(self, frames: Iterable[Frame]) -> None:
        """Add frames and tell all who wait."""
        for frame in frames:
            self._frames.append(frame)
            self._by_first[frame.first] = frame
            self._bytes += len(frame.data)
            self.position = frame.last
        while len(self._frames) > self._pace.held_frames or (
            self._bytes > self._pace.held_bytes and len(self._frames) > 1
        ):
            self._forget(self._frames.popleft())
        self.wake()

    def give_up(self) -> None:
        """The job was deleted: nothing follows."""
        self.is_gone = True
        self.wake()

    def wake(self) -> None:
        """Let all who wait look again."""
        news, self.news = self.news, asyncio.Event()
        news.set()

    def frame_after(self, cursor: int) -> Frame | None:
        """The frame that begins right after `cursor`, if it is held."""
        return self._by_first.get(cursor + 1)

    def holds(self, cursor: int) -> bool:
        """True if what follows `cursor` has not left the memory, though it may lie within a frame."""
        return not self._frames or cursor + 1 >= self._frames[0].first

    def _forget(self, frame: Frame) -> None:
        del self._by_first[frame.first]
        self._bytes -= len(frame.data)
