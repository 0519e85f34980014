"""The hub: one per process, it wakes on doorbells, reads each changed job once, and feeds all its watchers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import ExitStack, aclosing, contextmanager
from dataclasses import dataclass

import structlog

from jobcontrol_core.bus.postman import END
from jobcontrol_core.domain.errors import JobNotFound, ServerDraining, TooManyWatchers
from jobcontrol_core.store.eventlog import PAGE, read_heads
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.feed import Feed, Pace
from jobcontrol_server.watch.frames import Encoder, frames_of
from jobcontrol_server.watch.lists import Lists, list_messages
from jobcontrol_server.watch.merging import merged
from jobcontrol_server.watch.readings import Opening, read_news, read_opening, read_openings
from jobcontrol_server.watch.subscription import Subscription

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Watch:
    """What a watcher asks for. `after` None = a snapshot first; `heartbeat` in seconds."""

    tenant: str
    job_id: str
    after: int | None = None
    heartbeat: float = 15.0


@dataclass(frozen=True, slots=True)
class ManyWatch:
    """Many jobs on one stream, each by its id and the sequence after which to go on, and a list if one is `wanted`."""

    tenant: str
    positions: tuple[tuple[str, int | None], ...]
    wanted: JobFilter | None = None
    heartbeat: float = 15.0


class Hub:
    """All watches of one server. Used from its event loop alone, but for `hear`.

    No database connection is held while waiting. Doorbells may be lost, repeated or forged: they say when to
    look, never what is new; and once a poll period all watched jobs are looked at in one statement.
    """

    def __init__(self, calls: StoreCalls, encoder: Encoder, *, max_watchers: int, pace: Pace | None = None) -> None:
        self._calls = calls
        self._encoder = encoder
        self._max_watchers = max_watchers
        self._pace = pace or Pace()
        self._feeds: dict[str, Feed] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}
        self._lists = Lists(calls, encoder, self._pace)
        self._watchers = 0
        self._is_draining = False
        self._loop = asyncio.get_running_loop()
        self._poller = self._loop.create_task(self._poll(), name="watch-poll")

    async def watch(self, wish: Watch) -> AsyncIterator[bytes]:
        """The messages of one watch, until the job ends. Raises JobNotFound, TooManyWatchers, ServerDraining."""
        with self._counted():
            opening = await self._calls.read(read_opening, wish.tenant, wish.job_id, wish.after)
            with self._joined(opening.job_id, opening.bounds.last) as feed:
                subscription = Subscription(feed, self._calls, self._encoder, heartbeat=wish.heartbeat)
                async with aclosing(subscription.messages(opening, wish.after, self._refuse_if_draining)) as messages:
                    async for message in messages:
                        yield message

    async def watch_many(self, wish: ManyWatch) -> AsyncIterator[bytes]:
        """The messages of many watches as they come, until all their jobs have ended; with a list, for ever.

        Each job's are what `watch` would tell of it, but for heartbeats: there is one for all. Raises JobNotFound,
        FieldInvalid, TooManyWatchers, ServerDraining.
        """
        with self._counted(max(1, len(wish.positions))), ExitStack() as joined:
            openings = await self._calls.read(read_openings, wish.tenant, wish.positions)
            sources = [
                self._follow(joined.enter_context(self._joined(opening.job_id, opening.bounds.last)), opening, after)
                for opening, (_, after) in zip(openings, wish.positions, strict=True)
            ]
            if wish.wanted is not None:
                feed = joined.enter_context(self._lists.joined(wish.tenant, wish.wanted))
                sources.append(list_messages(feed, self._encoder, self._refuse_if_draining))
            async with aclosing(merged(sources, silence=wish.heartbeat)) as messages:
                async for message in messages:
                    yield self._encoder.alive() if message is None else message

    async def _follow(self, feed: Feed, opening: Opening, after: int | None) -> AsyncGenerator[bytes, None]:
        subscription = Subscription(feed, self._calls, self._encoder, heartbeat=None)
        async with aclosing(subscription.messages(opening, after, self._refuse_if_draining)) as messages:
            async for message in messages:
                yield self._encoder.of_many(message)

    def hear(self, message: str) -> None:
        """A doorbell, "<job id> <sequence>" and perhaps " end", from any thread; anything else is ignored."""
        job_id, _, rest = message.partition(" ")
        sequence, _, end = rest.partition(" ")
        if self._lists.are_watched:
            self._loop.call_soon_threadsafe(self._lists.ring)
        if job_id in self._feeds and sequence.isdecimal() and len(sequence) < 19 and end in ("", END):
            self._loop.call_soon_threadsafe(self._ring, job_id, int(sequence), end == END)

    def drain(self) -> None:
        """End every stream with ServerDraining, at once, and accept none."""
        self._is_draining = True
        for feed in self._feeds.values():
            feed.wake()
        self._lists.wake()

    async def close(self) -> None:
        """End the tasks. Call after the streams have ended."""
        tasks = [self._poller, *self._pumps.values(), *self._lists.pumps]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    @contextmanager
    def _counted(self, watches: int = 1) -> Iterator[None]:
        self._refuse_if_draining()
        if self._watchers + watches > self._max_watchers:
            raise TooManyWatchers(self._max_watchers)
        self._watchers += watches
        try:
            yield
        finally:
            self._watchers -= watches

    @contextmanager
    def _joined(self, job_id: str, position: int) -> Iterator[Feed]:
        """The job's feed, made by the first watcher and gone with the last. It is, or gets, at `position`."""
        if job_id not in self._feeds:
            feed = self._feeds[job_id] = Feed(job_id, position, self._pace)
            # A commit since `position` was read may have rung before there was anybody to hear it.
            feed.rung.set()
            self._pumps[job_id] = self._loop.create_task(self._pump(feed), name=f"watch-{job_id}")
        feed = self._feeds[job_id]
        feed.ring(position)
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if feed.watchers == 0:
                del self._feeds[job_id]
                self._pumps.pop(job_id).cancel()

    def _refuse_if_draining(self) -> None:
        if self._is_draining:
            raise ServerDraining

    def _ring(self, job_id: str, sequence: int, is_end: bool = False) -> None:
        if (feed := self._feeds.get(job_id)) is not None:
            feed.ring(sequence, is_end=is_end)

    async def _pump(self, feed: Feed) -> None:
        """Publish what is new, as soon as it is rung for: at most once an interval, but the end at once."""
        while True:
            await feed.rung.wait()
            feed.rung.clear()
            try:
                published = await self._publish_news(feed)
            except JobNotFound:
                feed.give_up()
                return
            except Exception as error:  # noqa: BLE001 - one turn of a background loop; the next one tries again
                log.warning("watch_read_failed", job_id=feed.job_id, error=str(error))
                feed.rung.set()
                await asyncio.sleep(self._pace.retry)
                continue
            if published == PAGE:
                feed.rung.set()
            elif published:
                await feed.pause()

    async def _publish_news(self, feed: Feed) -> int:
        """Publish up to a page of commits; returns how many there were."""
        news = await self._calls.read(read_news, feed.job_id, feed.position)
        if news.events:
            feed.publish(frames_of(news, self._encoder))
        return len(news.events)

    async def _poll(self) -> None:
        """Doorbells that are lost, or a Redis that is, cost a watcher one poll period."""
        while True:
            await asyncio.sleep(self._pace.poll)
            try:
                await self._look_at_all()
            except Exception as error:  # noqa: BLE001 - one turn of a background loop; the next one tries again
                log.warning("watch_poll_failed", error=str(error))

    async def _look_at_all(self) -> None:
        if asked := list(self._feeds):
            heads = await self._calls.read(read_heads, asked)
            for job_id in asked:
                if job_id in heads:
                    self._ring(job_id, heads[job_id])
                elif (feed := self._feeds.get(job_id)) is not None:
                    feed.give_up()
