"""A list of jobs as it is now, and what becomes of it, for all who watch the same one here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.lookup import JobList, read_job_list
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.feed import Pace
from jobcontrol_server.watch.frames import Encoder

log = structlog.get_logger(__name__)

#: Jobs of a list that are watched: the newest that its filter finds.
MOST = 200
#: Seconds between two readings of a list, however often it is rung for.
INTERVAL = 0.5


@dataclass(frozen=True, slots=True)
class Picture:
    """A job of a list as of a commit, as the message that tells it."""

    sequence: int
    data: bytes


class ListFeed:
    """The newest jobs that a filter finds. State and no history: who reads slowly is told less often."""

    def __init__(self, tenant: str, wanted: JobFilter) -> None:
        self.tenant = tenant
        self.wanted = wanted
        self.watchers = 0
        self.rung = asyncio.Event()
        self.news = asyncio.Event()
        #: Oldest first; replaced as a whole, None until it was first read.
        self.pictures: Mapping[str, Picture] | None = None

    @property
    def known(self) -> dict[str, int]:
        """The commit up to which each job of the list has been read."""
        return {job_id: picture.sequence for job_id, picture in (self.pictures or {}).items()}

    def take(self, found: JobList, encoder: Encoder) -> None:
        """The list as it was just read; tell all who wait, if it is another one."""
        before = self.pictures or {}
        fresh = {job.id: Picture(job.last_sequence, encoder.listed(job)) for job in found.changed}
        pictures = {job_id: fresh.get(job_id) or before[job_id] for job_id in reversed(found.job_ids)}
        if pictures != self.pictures:
            self.pictures = pictures
            self.wake()

    def wake(self) -> None:
        """Let all who wait look again."""
        news, self.news = self.news, asyncio.Event()
        news.set()


class Lists:
    """The lists that are watched here, each read for all its watchers: once a poll period, and when something rings."""

    def __init__(self, calls: StoreCalls, encoder: Encoder, pace: Pace) -> None:
        self._calls = calls
        self._encoder = encoder
        self._pace = pace
        self._feeds: dict[str, ListFeed] = {}
        self._pumps: dict[str, asyncio.Task[None]] = {}

    @property
    def are_watched(self) -> bool:
        return bool(self._feeds)

    @property
    def pumps(self) -> list[asyncio.Task[None]]:
        return list(self._pumps.values())

    def ring(self) -> None:
        """Some job is not as it was."""
        for feed in self._feeds.values():
            feed.rung.set()

    def wake(self) -> None:
        """Let all who wait look again."""
        for feed in self._feeds.values():
            feed.wake()

    @contextmanager
    def joined(self, tenant: str, wanted: JobFilter) -> Iterator[ListFeed]:
        """The feed of a list, made by its first watcher and gone with the last."""
        key = f"{tenant!r} {wanted!r}"
        if key not in self._feeds:
            feed = self._feeds[key] = ListFeed(tenant, wanted)
            self._pumps[key] = asyncio.create_task(self._pump(feed), name="watch-list")
        feed = self._feeds[key]
        feed.watchers += 1
        try:
            yield feed
        finally:
            feed.watchers -= 1
            if feed.watchers == 0:
                del self._feeds[key]
                self._pumps.pop(key).cancel()

    async def _pump(self, feed: ListFeed) -> None:
        while True:
            feed.rung.clear()
            try:
                await self._read(feed)
            except Exception as error:  # noqa: BLE001 - one turn of a background loop; the next one tries again
                log.warning("watch_list_failed", error=str(error))
                await asyncio.sleep(self._pace.retry)
                continue
            await asyncio.sleep(min(INTERVAL, self._pace.poll))
            with suppress(TimeoutError):
                await asyncio.wait_for(feed.rung.wait(), self._pace.poll)

    async def _read(self, feed: ListFeed) -> None:
        found = await self._calls.read(read_job_list, feed.tenant, feed.wanted, known=feed.known, limit=MOST)
        feed.take(found, self._encoder)


async def list_messages(feed: ListFeed, encoder: Encoder, check: Callable[[], None]) -> AsyncGenerator[bytes, None]:
    """Every job of the list, a heartbeat that says that these are all, then what comes, moves and goes. Endless."""
    told: dict[str, int] = {}
    is_whole = False
    while True:
        # Taken before looking, so that what is published in between is not slept through.
        news = feed.news
        check()
        pictures = feed.pictures
        if pictures is not None:
            for job_id in told.keys() - pictures.keys():
                del told[job_id]
                yield encoder.unlisted(job_id)
            for job_id, picture in pictures.items():
                if told.get(job_id) != picture.sequence:
                    told[job_id] = picture.sequence
                    yield picture.data
            if not is_whole:
                is_whole = True
                yield encoder.alive()
        await news.wait()
