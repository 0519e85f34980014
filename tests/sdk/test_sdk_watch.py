"""A watch goes on by itself: whatever breaks, every commit arrives once and in order, and each break is told once."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import pytest

from jobcontrol import Client, Job
from jobcontrol import v1 as pb
from jobcontrol._connection import Connection
from jobcontrol._plans import Effect, Limits, Pause
from jobcontrol._settings import Target
from jobcontrol._watching import SILENCE, BrokenSequence, DeadlinePassed, Outage, Position, Watching
from jobcontrol.errors import ConnectionFailed, InvalidInput, JobControlError, NotFound, RateLimited, ServerError
from jobcontrol.events import Event, LinkNotice
from jobcontrol.values import JobState
from sdk.recording import (
    END,
    HALF,
    JOB_ID,
    changed,
    changes,
    finished,
    heartbeat,
    job,
    partial_build,
    snapshot,
)
from sdk.scripted import ScriptedTransport, WatchedServer, silence

COMMITS = partial_build()
SNAPSHOT = snapshot(5, job(percent=75, at=5, stages=HALF))


class Clock:
    """Time that passes only while somebody pauses."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []

    def now(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class TimelessConnection(Connection):
    """Carries plans out over a script; a pause takes no time but the clock's."""

    def __init__(self, transport: ScriptedTransport, clock: Clock) -> None:
        super().__init__(Target(transport.address), Limits(), transport)
        self._clock = clock

    def _perform(self, effect: Effect) -> object:
        if isinstance(effect, Pause):
            self._clock.pause(effect.seconds)
            return None
        return super()._perform(effect)


class Told:
    """One watch over a scripted transport, with what it told."""

    def __init__(
        self,
        transport: ScriptedTransport,
        *,
        after: int | None = 0,
        patience: float = 600.0,
        deadline: float | None = None,
    ) -> None:
        self.clock = Clock()
        self.notices: list[LinkNotice] = []
        self.connection = TimelessConnection(transport, self.clock)
        self.watching = Watching(
            Position(JOB_ID, after),
            Outage(patience, now=self.clock.now),
            Limits(),
            self.notices.append,
            deadline=deadline,
            now=self.clock.now,
        )

    def next(self) -> Event | None:
        return self.connection.run(self.watching.next_event())

    def told(self) -> list[Event]:
        return [event for event in iter(self.next, None) if event.type != "heartbeat"]


def draining() -> ServerError:
    error = ServerError("this server is shutting down", code="UNAVAILABLE", reason="SERVER_DRAINING")
    error.retryable, error.retry_after = True, 1.0
    return error


BREAKS: dict[str, Callable[[], Exception | None]] = {
    "the server was killed": lambda: ConnectionFailed("no server"),
    "the server drains": draining,
    "too many watchers": lambda: RateLimited("full", code="RESOURCE_EXHAUSTED"),
    "nothing is heard any more": silence,
    "the stream just ends": lambda: None,
}


def assert_gapless(events: Sequence[Event], *, after: int, end: int) -> None:
    assert events[0].first_sequence == after + 1
    assert all(later.first_sequence == earlier.sequence + 1 for earlier, later in pairwise(events))
    assert events[-1].sequence == end
    assert events[-1].is_last


@pytest.mark.parametrize("cause", list(BREAKS))
@pytest.mark.parametrize("count", range(len(COMMITS)))
def test_a_break_after_any_message_loses_nothing_and_doubles_nothing(count: int, cause: str) -> None:
    server = WatchedServer(COMMITS, deaths=[(count, BREAKS[cause]())])
    watching = Told(server)
    assert_gapless(watching.told(), after=0, end=7)
    assert [notice.is_restored for notice in watching.notices] == [False, True]


def test_it_asks_again_from_the_last_commit_that_it_saw() -> None:
    server = WatchedServer(COMMITS, deaths=[(4, ConnectionFailed("gone"))])
    Told(server).told()
    assert [request.after_sequence for request in server.sent(pb.WatchProgressRequest)] == [0, 5]


def test_without_a_position_it_asks_for_a_snapshot_until_it_has_one() -> None:
    server = WatchedServer(COMMITS, snapshot=lambda: SNAPSHOT, deaths=[(0, ConnectionFailed("gone")), (1, silence())])
    told = Told(server, after=None).told()
    requests = server.sent(pb.WatchProgressRequest)
    assert [request.HasField("after_sequence") for request in requests] == [False, False, True]
    assert [event.sequence for event in told] == [5, 6, 7]


def test_many_breaks_of_one_outage_are_told_as_one() -> None:
    server = WatchedServer(COMMITS, deaths=[(2, ConnectionFailed("killed")), *[(0, ConnectionFailed("refused"))] * 5])
    watching = Told(server)
    assert_gapless(watching.told(), after=0, end=7)
    assert watching.notices == [
        LinkNotice(is_restored=False, cause="killed"),
        LinkNotice(is_restored=True, cause="killed"),
    ]


def test_pauses_grow_from_a_fifth_of_a_second_to_four_and_are_never_the_whole_span() -> None:
    server = WatchedServer(COMMITS, deaths=[(0, ConnectionFailed("refused"))] * 8)
    watching = Told(server)
    watching.told()
    spans = [0.2, 0.4, 0.8, 1.6, 3.2, 4.0, 4.0, 4.0]
    assert all(span / 2 <= pause <= span for pause, span in zip(watching.clock.pauses, spans, strict=True))


def test_a_server_that_says_when_to_come_back_is_believed() -> None:
    server = WatchedServer(COMMITS, deaths=[(1, draining())])
    watching = Told(server)
    watching.told()
    assert watching.clock.pauses == [1.0]


def test_it_gives_up_when_its_patience_ends_and_says_why() -> None:
    server = WatchedServer(COMMITS, deaths=[(2, ConnectionFailed("refused"))] + [(0, ConnectionFailed("refused"))] * 50)
    watching = Told(server, patience=30.0)
    with pytest.raises(ConnectionFailed, match="refused"):
        watching.told()
    assert 26.0 <= watching.clock.seconds <= 34.0


@pytest.mark.parametrize(
    "refusal", [NotFound("no such job"), InvalidInput("job_id: too short"), ServerError("a defect")]
)
def test_what_will_not_become_better_is_raised_at_once(refusal: JobControlError) -> None:
    watching = Told(WatchedServer(COMMITS, deaths=[(2, refusal)]))
    with pytest.raises(type(refusal)):
        watching.told()
    assert watching.clock.pauses == []


def test_a_hole_in_the_commits_is_not_believed_but_asked_for_again() -> None:
    class Forgetful(WatchedServer):
        def _told(self, request: pb.WatchProgressRequest) -> list[pb.WatchProgressResponse]:
            told = list(super()._told(request))
            return [message for message in told if message.sequence != 3] if request.after_sequence == 0 else told

    watching = Told(Forgetful(COMMITS))
    assert_gapless(watching.told(), after=0, end=7)


def test_a_heartbeat_beyond_what_arrived_is_a_hole_too() -> None:
    position = Position(JOB_ID, 5)
    assert position.accept(heartbeat(5)) is not None
    with pytest.raises(BrokenSequence, match="commits 6 to 8"):
        position.accept(heartbeat(8))


def test_an_end_that_skips_commits_is_not_the_end() -> None:
    position = Position(JOB_ID, 3)
    with pytest.raises(BrokenSequence):
        position.accept(finished(7, END))
    assert not position.has_ended


def test_what_is_known_is_dropped_and_what_overlaps_is_told_from_where_it_is_new() -> None:
    position = Position(JOB_ID, 4)
    assert position.accept(changed(4, changes(1, HALF))) is None
    event = position.accept(changed(6, changes(1, HALF), first=3))
    assert event is not None
    assert (event.first_sequence, event.sequence) == (5, 6)


def test_an_end_that_only_repeats_the_position_is_told() -> None:
    told = Told(WatchedServer([finished(7, END)]), after=6).told()
    assert [event.is_last for event in told] == [True]
    position = Position(JOB_ID, 7)
    again = position.accept(finished(7, END))
    assert again is not None
    assert again.changes is None


@pytest.mark.parametrize("reason", ["TRIMMED", "AHEAD", "SLOW_CONSUMER"])
def test_a_snapshot_in_between_says_why_and_moves_the_position(reason: str) -> None:
    position = Position(JOB_ID, 99)
    event = position.accept(snapshot(5, job(at=5), reason=reason))
    assert event is not None
    assert event.snapshot_reason == reason.lower()
    assert position.request().after_sequence == 5


def test_three_heartbeats_are_asked_for_before_the_link_counts_as_dead() -> None:
    server = WatchedServer(COMMITS)
    Told(server).told()
    asked = server.sent(pb.WatchProgressRequest)[0].heartbeat_interval.seconds
    assert server.streams[0].timeouts[0] == SILENCE == 3 * asked


def test_the_watchers_own_deadline_ends_it_even_while_the_server_is_away() -> None:
    server = WatchedServer(COMMITS, deaths=[(0, ConnectionFailed("refused"))] * 99)
    watching = Told(server, deadline=3.0)
    with pytest.raises(DeadlinePassed):
        watching.told()
    assert watching.clock.seconds == 3.0


def test_silence_until_the_deadline_is_no_fault_of_the_link() -> None:
    watching = Told(WatchedServer(COMMITS, deaths=[(2, silence())]), deadline=5.0)
    with pytest.raises(DeadlinePassed):
        watching.told()
    assert watching.notices == []


def test_every_call_is_cancelled_also_when_the_reader_leaves_in_the_middle() -> None:
    server = WatchedServer(COMMITS, deaths=[(1, None)])
    for event in Job(Client(transport=server)._connection, JobState(JOB_ID)).watch(0):
        if event.sequence == 3:
            break
    assert [stream.is_cancelled for stream in server.streams] == [True, True]
