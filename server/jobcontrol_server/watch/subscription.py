"""A subscription: one watcher's way through a job, exact from its own position on."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable

from jobcontrol_core.domain.errors import JobNotFound
from jobcontrol_core.domain.values import Job
from jobcontrol_core.store.eventlog import PAGE
from jobcontrol_core.store.lookup import get_job
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.feed import Feed
from jobcontrol_server.watch.frames import Encoder, Frame, end_frame, frames_of, heartbeat_frame, snapshot_frames
from jobcontrol_server.watch.openings import SnapshotReason
from jobcontrol_server.watch.readings import Opening, read_news


class Subscription:
    """Pulls, never queues: a watcher that does not read costs its position and one message.

    It replays from the log until it meets the feed, then takes the feed's frames. When it was so slow that the
    feed holds no more what comes next, it is folded onto a snapshot. Without `heartbeat` seconds it is never told
    that nothing happens.
    """

    def __init__(self, feed: Feed, calls: StoreCalls, encoder: Encoder, *, heartbeat: float | None) -> None:
        self._feed = feed
        self._calls = calls
        self._encoder = encoder
        self._heartbeat = heartbeat
        self._cursor = 0
        self._is_live = False
        #: Frames of one page that was read for this watcher alone.
        self._own: deque[Frame] = deque()

    async def messages(
        self, opening: Opening, after: int | None, check: Callable[[], None]
    ) -> AsyncGenerator[bytes, None]:
        """Every message, the last one included. `check` raises what ends the stream early."""
        self._begin(opening, after)
        while True:
            frame = await self._next(check)
            yield frame.data
            # Only now is it delivered, as far as this side can know.
            self._cursor = frame.last
            if frame.ends:
                return

    def _begin(self, opening: Opening, after: int | None) -> None:
        if opening.reason is not None:
            assert opening.job is not None
            self._own.extend(snapshot_frames(opening.job, opening.reason, self._encoder))
        elif opening.job is not None:
            self._own.append(end_frame(opening.job, self._encoder))
        else:
            assert after is not None
            self._cursor = after

    async def _next(self, check: Callable[[], None]) -> Frame:
        while True:
            # Taken before looking, so that what is published in between is not slept through.
            news = self._feed.news
            check()
            if self._own:
                return self._own.popleft()
            if (frame := self._feed.frame_after(self._cursor)) is not None:
                self._is_live = True
                return frame
            if self._cursor < self._feed.position:
                await self._catch_up()
                continue
            if self._feed.is_gone:
                raise JobNotFound(self._feed.job_id)
            self._is_live = True
            if not await _is_set_within(news, self._heartbeat):
                return heartbeat_frame(self._feed.job_id, self._cursor, self._encoder)

    async def _catch_up(self) -> None:
        """Read what the feed does not have in this very cut, up to where its next frame begins."""
        if self._is_live and not self._feed.holds(self._cursor):
            await self._show_picture(SnapshotReason.SLOW_CONSUMER)
            return
        limit = min(PAGE, self._feed.position - self._cursor)
        news = await self._calls.read(read_news, self._feed.job_id, self._cursor, limit)
        if not news.events or news.events[0].sequence != self._cursor + 1:
            await self._show_picture(SnapshotReason.TRIMMED)
            return
        self._own.extend(frames_of(news, self._encoder))

    async def _show_picture(self, reason: SnapshotReason) -> None:
        job: Job = await self._calls.read(get_job, self._feed.job_id)
        self._own.extend(snapshot_frames(job, reason, self._encoder))


async def _is_set_within(event: asyncio.Event, seconds: float | None) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True
