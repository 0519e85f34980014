"""The parts of a watch that touch nothing: where it begins, how commits are cut into messages, what a feed holds."""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise

import pytest
from google.protobuf.duration_pb2 import Duration
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol import v1 as pb
from jobcontrol_core.domain.events import JobEvent
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.moments import EPOCH
from jobcontrol_core.domain.values import Step
from jobcontrol_core.store.eventlog import Bounds
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import to_watch
from jobcontrol_server.watch.cuts import cut
from jobcontrol_server.watch.feed import Feed, Pace
from jobcontrol_server.watch.frames import Frame
from jobcontrol_server.watch.openings import SnapshotReason, is_at_the_end, snapshot_reason


def step(number: int) -> Step:
    return Step(
        id=f"step-{number}", job_id="job", stage="concepts", stage_no=0, parent_id=None, key=str(number), label="",
        position="0", ordinal=0, sibling_total=1, status=StepStatus.PENDING, attempt=0, tries=0, failure=None,
        error=None, item_count=0, run_time=timedelta(0), reused_from=None, created_at=EPOCH, started_at=None,
        completed_at=None, next_attempt_at=None,
    )  # fmt: skip


def event(sequence: int, numbers: Sequence[int], status: JobStatus = JobStatus.PROCESSING) -> JobEvent:
    return JobEvent("job", sequence, EPOCH, 0, (), status, steps=tuple(step(number) for number in numbers))


@pytest.mark.parametrize(
    ("after", "first", "last", "reason"),
    [
        (None, 1, 9, SnapshotReason.INITIAL),
        (0, 1, 9, None),
        (9, 1, 9, None),
        (10, 1, 9, SnapshotReason.AHEAD),
        (0, 5, 9, SnapshotReason.TRIMMED),
        (3, 5, 9, SnapshotReason.TRIMMED),
        (4, 5, 9, None),
        (8, 10, 9, SnapshotReason.TRIMMED),
        (9, 10, 9, None),
    ],
)
def test_a_watch_begins_with_a_snapshot_exactly_when_the_log_does_not_hold_what_follows(
    after: int | None, first: int, last: int, reason: SnapshotReason | None
) -> None:
    assert snapshot_reason(after, Bounds(first, last, has_ended=False)) is reason


def test_only_a_watcher_with_the_last_commit_of_an_ended_job_is_at_the_end() -> None:
    assert is_at_the_end(9, Bounds(1, 9, has_ended=True))
    assert not is_at_the_end(9, Bounds(1, 9, has_ended=False))
    assert not is_at_the_end(8, Bounds(1, 9, has_ended=True))
    assert not is_at_the_end(None, Bounds(1, 9, has_ended=True))


@given(st.lists(st.lists(st.integers(0, 12), max_size=6, unique=True), max_size=20), st.booleans())
def test_runs_join_name_few_steps_and_leave_the_end_alone(named: list[list[int]], ends: bool) -> None:
    events = [event(number, steps) for number, steps in enumerate(named, 1)]
    if ends:
        events.append(event(len(events) + 1, [0], JobStatus.COMPLETED))
    runs = list(cut(events, most_steps=5))
    assert [one.sequence for run in runs for one in run] == [one.sequence for one in events]
    for run in runs:
        assert len(run) == 1 or len({one.id for told in run for one in told.steps}) <= 5
        assert len(run) == 1 or not run[-1].status.has_ended
    fewest = all(
        len({one.id for told in [*earlier, later[0]] for one in told.steps}) > 5 or later[0].status.has_ended
        for earlier, later in pairwise(runs)
    )
    assert fewest, "two runs could have been one"


def frame(first: int, last: int, size: int = 10) -> Frame:
    return Frame(first, last, b"x" * size)


async def test_a_feed_gives_the_frame_that_follows_a_position() -> None:
    feed = Feed("job", 4, Pace())
    feed.publish([frame(5, 5), frame(6, 8)])
    assert feed.position == 8
    assert [feed.frame_after(cursor) and feed.frame_after(cursor).last for cursor in (4, 5, 6, 8)] == [5, 8, None, None]  # type: ignore[union-attr]


@pytest.mark.parametrize("pace", [Pace(held_frames=2), Pace(held_bytes=25)])
async def test_a_feed_holds_no_more_than_its_pace_allows(pace: Pace) -> None:
    feed = Feed("job", 0, pace)
    feed.publish(frame(number, number) for number in range(1, 100))
    assert [feed.frame_after(cursor) is not None for cursor in (96, 97, 98)] == [False, True, True]
    assert (feed.holds(97), feed.holds(96)) == (True, False)


async def test_a_feed_holds_its_newest_frame_however_large() -> None:
    feed = Feed("job", 0, Pace(held_bytes=5))
    feed.publish([frame(1, 3, size=1_000)])
    assert feed.frame_after(0) is not None


async def test_a_doorbell_for_what_is_known_wakes_nobody() -> None:
    feed = Feed("job", 7, Pace())
    feed.ring(7)
    assert not feed.rung.is_set()
    feed.ring(8)
    assert feed.rung.is_set()


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(None, 15), (Duration(), 1), (Duration(nanos=1), 1), (Duration(seconds=20), 20), (Duration(seconds=9_999), 60)],
)
def test_heartbeats_come_every_fifteen_seconds_or_as_asked(asked: Duration | None, seconds: float) -> None:
    request = pb.WatchProgressRequest(job_id=new_id(), heartbeat_interval=asked)
    assert to_watch(request, Caller()).heartbeat == seconds
