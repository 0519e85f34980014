"""A watch that goes on by itself: every commit once, in order, whatever happens to the link. No input or output."""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from jobcontrol import v1 as pb
from jobcontrol._event_decoding import to_event
from jobcontrol._plans import AnyStream, Limits, Plan, is_worth_another_try, open_stream, pause, read
from jobcontrol._requests import HEARTBEAT_SECONDS, watch_request
from jobcontrol._rpcs import WATCH_PROGRESS
from jobcontrol.errors import ApiError, ConnectionFailed, JobControlError, RequestTimeout, WaitTimeout
from jobcontrol.events import Event, LinkNotice

#: Seconds without a message after which a link counts as dead: three heartbeats.
SILENCE = 3.0 * HEARTBEAT_SECONDS
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 4.0

WatchStream = AnyStream[pb.WatchProgressResponse]


class DeadlinePassed(Exception):
    """The watcher's own time is up; no fault of the link."""


class BrokenSequence(ConnectionFailed):
    """The stream left commits out: what follows cannot be trusted, so we ask again from where we are."""


@dataclass(slots=True)
class Position:
    """How far a watcher is in a job's commits: pure, so that any kind of loop may drive it."""

    job_id: str
    after: int | None
    has_ended: bool = False

    def request(self) -> pb.WatchProgressRequest:
        """What to ask for, at first and after each loss."""
        return watch_request(self.job_id, self.after)

    def accept(self, message: pb.WatchProgressResponse) -> Event | None:
        """The event of a message, None if it tells nothing new. Raises BrokenSequence if it skips commits."""
        event = to_event(message)
        if message.HasField("heartbeat"):
            self._check_delivered(event.sequence)
            return event
        if not message.HasField("snapshot"):
            self._check_join(event)
            if not event.is_last and self._is_known(event):
                return None
            event = self._trim(event)
        self.after, self.has_ended = event.sequence, event.is_last
        return event

    def _is_known(self, event: Event) -> bool:
        return self.after is not None and event.sequence <= self.after

    def _trim(self, event: Event) -> Event:
        """The event as telling only commits that we lack; its values are whole, so they stay as they are."""
        if self.after is None or event.first_sequence > self.after or self._is_known(event):
            return event
        return replace(event, first_sequence=self.after + 1)

    def _check_join(self, event: Event) -> None:
        if self.after is not None and event.first_sequence > self.after + 1:
            raise BrokenSequence(f"commits {self.after + 1} to {event.first_sequence - 1} were left out")

    def _check_delivered(self, newest: int) -> None:
        """A heartbeat tells what was delivered; if that is more than we have, something is lost."""
        if self.after is not None and newest > self.after:
            raise BrokenSequence(f"commits {self.after + 1} to {newest} did not arrive")


@dataclass(slots=True)
class Outage:
    """How long the link has been away, and how long to pause before the next attempt."""

    patience: float
    now: Callable[[], float] = time.monotonic
    attempts: int = 0
    began: float = 0.0
    cause: str = ""

    def record(self, error: JobControlError) -> float:
        """The seconds to pause. Raises `error` once patience is at its end."""
        if self.attempts == 0:
            self.began, self.cause = self.now(), error.message
        if self.now() - self.began >= self.patience:
            raise error
        self.attempts += 1
        return self._pause(error)

    def _pause(self, error: JobControlError) -> float:
        """Half of a doubling span, and the other half by chance, so that many watchers do not come back as one."""
        asked = getattr(error, "retry_after", None) or 0.0
        span = max(asked, min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** (self.attempts - 1)))
        return span * random.uniform(0.5, 1.0) if not asked else span


@dataclass(slots=True)
class Watching:
    """One watch of one job. `on_link` hears of each loss once, and of each return once."""

    position: Position
    outage: Outage
    limits: Limits
    on_link: Callable[[LinkNotice], None]
    deadline: float | None = None
    """On the monotonic clock of `now`."""
    now: Callable[[], float] = time.monotonic
    stream: WatchStream | None = None

    def next_event(self) -> Plan[Event | None]:
        """The next event, heartbeats included; None once the job has ended. Raises DeadlinePassed."""
        stays_open = False
        try:
            while not self.position.has_ended:
                try:
                    event = yield from self._read()
                except (ConnectionFailed, RequestTimeout, ApiError) as error:
                    seconds = self._lose(error)
                else:
                    if event is None:
                        continue
                    stays_open = not event.is_last
                    return event
                yield from pause(min(seconds, self._time_left()))
            return None
        finally:
            # Whether the job ended, something failed, or somebody stopped waiting: nothing is left open.
            if not stays_open:
                self.close()

    def close(self) -> None:
        """Let go of the stream. The watch may go on all the same, with a new one."""
        if self.stream is not None:
            self.stream.cancel()
            self.stream = None

    def _read(self) -> Plan[Event | None]:
        """The event of the next message, None if it tells nothing new."""
        if self.stream is None:
            self.stream = yield from open_stream(WATCH_PROGRESS, self.position.request(), self.limits)
        event = self.position.accept((yield from self._next_message(self.stream)))
        self._rejoice()
        return event

    def _next_message(self, stream: WatchStream) -> Plan[pb.WatchProgressResponse]:
        timeout = min(SILENCE, self._time_left())
        try:
            message = yield from read(stream, timeout)
        except RequestTimeout:
            if timeout < SILENCE:
                raise DeadlinePassed from None
            raise
        if message is None:
            raise ConnectionFailed("the server ended the watch before the job ended")
        return message

    def _lose(self, error: JobControlError) -> float:
        """Tell of the loss; the seconds to pause before the next try. Raises `error` if another try is no use."""
        self.close()
        if not is_worth_another_try(error):
            raise error
        is_news = self.outage.attempts == 0
        seconds = self.outage.record(error)
        if is_news:
            self.on_link(LinkNotice(is_restored=False, cause=self.outage.cause))
        return seconds

    def _rejoice(self) -> None:
        """The link is good again; told with the first message after a loss."""
        if self.outage.attempts:
            self.outage.attempts = 0
            self.on_link(LinkNotice(is_restored=True, cause=self.outage.cause))

    def _time_left(self) -> float:
        if self.deadline is None:
            return SILENCE
        left = self.deadline - self.now()
        if left <= 0:
            raise DeadlinePassed
        return left


@dataclass(slots=True)
class WatchedJob:
    """A watch, and the job that it keeps up to date."""

    watching: Watching
    advance: Callable[[Event], None]
    wants_heartbeats: bool
    timeout: Callable[[], WaitTimeout]

    def next_event(self) -> Plan[Event | None]:
        """The next event that the caller wants, None once the job has ended."""
        try:
            while (event := (yield from self.watching.next_event())) is not None:
                self.advance(event)
                if self.wants_heartbeats or event.type != "heartbeat":
                    return event
        except DeadlinePassed:
            raise self.timeout() from None
        return None

    def close(self) -> None:
        self.watching.close()
