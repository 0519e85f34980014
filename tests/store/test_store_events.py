"""A job's log, read after a position, and what a doorbell needs."""

from datetime import timedelta

import pytest
from sqlalchemy import delete

from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.eventlog import Bounds, read_bounds, read_events, read_heads
from jobcontrol_core.store.tables import job_events, steps
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, children, failed, succeeded


def test_events_are_read_after_a_position_in_order_and_in_pages(builds: Builds) -> None:
    job_id = builds.start()
    builds.run(job_id, tree(3, 1))
    last = builds.job(job_id).last_sequence
    assert [event.sequence for event in builds.events(job_id)] == list(range(1, last + 1))
    assert [event.sequence for event in builds.store.read(read_events, job_id, after=2, limit=3)] == [3, 4, 5]
    assert builds.store.read(read_events, job_id, after=last) == []


def test_the_bounds_of_a_log_say_what_it_holds(builds: Builds) -> None:
    job_id = builds.start()
    builds.claim_one(job_id)
    assert builds.store.read(read_bounds, job_id) == Bounds(1, 2, has_ended=False)
    builds.store.write(lambda tx: tx.execute(delete(job_events).where(job_events.c.sequence == 1)))
    assert builds.store.read(read_bounds, job_id) == Bounds(2, 2, has_ended=False)
    builds.store.write(lambda tx: tx.execute(delete(job_events)))
    assert builds.store.read(read_bounds, job_id) == Bounds(3, 2, has_ended=False)
    assert builds.store.read(read_bounds, new_id()) is None


def test_the_heads_of_many_jobs_are_read_at_once(builds: Builds) -> None:
    first, second = builds.start(), builds.start(path_id="other")
    builds.claim_one(second)
    assert builds.store.read(read_heads, [first, second, new_id()]) == {first: 1, second: 2}


def test_the_last_event_of_an_ended_job_tells_its_end(builds: Builds) -> None:
    job_id = builds.start()
    builds.run(job_id, tree(1, 1))
    last = builds.events(job_id)[-1]
    assert last.change is not None
    assert (last.change.previous, last.change.status, last.percent) == (
        JobStatus.PROCESSING, JobStatus.COMPLETED, 100,
    )  # fmt: skip
    assert builds.store.read(read_bounds, job_id) == Bounds(1, last.sequence, has_ended=True)


def test_an_event_tells_a_step_as_it_is_after_the_commit(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    assert builds.events(job_id)[-1].steps == (builds.step(root),)
    builds.end((root, succeeded(born=children(SUB_CONCEPTS, 2))))
    assert list(builds.events(job_id)[-1].steps) == builds.steps(job_id)


def test_an_event_shortens_an_error_and_leaves_the_traceback_out(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, failed("x" * 5_000)))
    (told,) = builds.events(job_id)[-1].steps
    assert told.error is not None
    assert len(told.error.message.encode()) <= 512
    assert told.error.traceback == ""
    kept = builds.step(root).error
    assert kept is not None
    assert len(kept.message) == 5_000


def test_a_poor_message_is_kept_as_every_database_can(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    builds.end((root, failed("nul \x00, half \ud800, long " + "é" * 70_000)))
    error = builds.step(root).error
    assert error is not None
    assert len(error.message.encode()) <= 64 << 10
    assert "\x00" not in error.message


@pytest.mark.parametrize("count", [500, 501, 2_000])
def test_an_event_never_tells_more_than_500_steps_one_by_one(builds: Builds, count: int) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, count)
    builds.exchange()
    claimed = builds.claim(job_id, SUB_CONCEPTS, count)
    event = builds.events(job_id)[-1]
    assert len(claimed) == count
    assert len(event.steps) == min(count, 500)
    assert sum(bulk.count for bulk in event.bulk) == max(0, count - 500)


def test_an_event_of_large_steps_stays_within_its_size(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 400, label="ü" * 256)
    builds.claim(job_id, SUB_CONCEPTS, 400)
    sizes = builds.store.read(lambda tx: [len(payload.encode()) for payload in tx.scalars(_PAYLOADS)])
    assert max(sizes) <= 300 << 10
    assert builds.events(job_id)[-1].bulk


def test_a_backoff_that_passes_is_no_event(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), failed(retry_after=5.0)))
    before = builds.job(job_id).last_sequence
    builds.rewind(steps.c.next_attempt_at, timedelta(minutes=1))
    builds.store.write(make_due)
    assert builds.job(job_id).last_sequence == before
    assert builds.claim_one(job_id).step.status is StepStatus.PROCESSING


_PAYLOADS = job_events.select().with_only_columns(job_events.c.payload)
