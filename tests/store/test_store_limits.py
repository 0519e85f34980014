"""Limits of a queue, held in the claim's own transaction: on both databases, and whoever claims at the same time."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from jobcontrol_core.domain.errors import QueueNotFound
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.outcomes import Crashed, Interrupted
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.pipelines import publish_pipeline
from jobcontrol_core.store.queues import (
    Queue,
    declare_queues,
    get_queue,
    limit_queue,
    list_queues,
    pause_queue,
    resume_queue,
)
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.tables import queues
from store.builds import Builds, outcome_of
from store.factories import SUB_CONCEPTS, UNITS, children, failed, pipeline, stages, succeeded
from store.threads import together

QUEUE = "learning-path-sub-concepts"
HOUR = 3600.0


@pytest.fixture
def builds(builds: Builds) -> Builds:
    """With the learning path's queues known."""
    builds.store.write(publish_pipeline, pipeline())
    return builds


def begun(builds: Builds, count: int, **overrides: Any) -> str:
    """A job with `count` sub-concepts to claim."""
    job_id = builds.start(**overrides)
    builds.fan_out(job_id, count)
    return job_id


def limit(builds: Builds, **changes: Any) -> None:
    builds.store.write(limit_queue, QUEUE, changes, actor="ada", reason="")


def queue(builds: Builds, name: str = QUEUE) -> Queue:
    return builds.store.read(get_queue, name)


def test_no_more_steps_run_at_once_than_may(builds: Builds) -> None:
    job_id = begun(builds, 5)
    limit(builds, max_running=2)
    done = builds.exchange((), ClaimWish(job_id, {SUB_CONCEPTS: 10}))
    assert len(done.claimed) == 2
    (closed,) = done.closed
    assert (closed.queue, closed.is_full) == (QUEUE, True)
    assert builds.claim(job_id) == ()


def test_the_exchange_that_ends_a_step_may_give_its_slot_to_the_next(builds: Builds) -> None:
    job_id = begun(builds, 3)
    limit(builds, max_running=1)
    first = builds.claim_one(job_id, SUB_CONCEPTS)
    (second,) = builds.exchange_and_claim(job_id, (first, succeeded())).claimed
    assert second.step.id != first.step.id


def test_a_step_that_was_lost_gives_its_slot_back_by_itself(builds: Builds) -> None:
    job_id = begun(builds, 3)
    limit(builds, max_running=1)
    gone = builds.open_session().id
    builds.claim(job_id, SUB_CONCEPTS, 1, session_id=gone)
    builds.write(release_session, gone, "signal 9", Crashed("signal 9"))
    assert len(builds.claim(job_id, SUB_CONCEPTS, 3)) == 1


def test_the_limit_holds_over_all_jobs_and_lets_each_have_its_turn(builds: Builds) -> None:
    first, second = begun(builds, 5, path_id="a"), begun(builds, 5, path_id="b")
    limit(builds, max_running=4)
    done = builds.exchange((), *(ClaimWish(job_id, {SUB_CONCEPTS: 5}) for job_id in (first, second)))
    assert sorted(one.step.job_id for one in done.claimed) == sorted([first] * 2 + [second] * 2)


def test_a_limit_of_one_queue_leaves_the_others_alone(builds: Builds) -> None:
    job_id = begun(builds, 2)
    limit(builds, max_running=1)
    parent = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.end((parent, succeeded(born=children(UNITS, 4))))
    done = builds.exchange((), ClaimWish(job_id, {SUB_CONCEPTS: 5, UNITS: 5}))
    assert [one.step.stage for one in done.claimed] == ["sub-concepts", *["knowledge-units"] * 4]


def test_no_more_steps_start_within_a_window_than_may(builds: Builds) -> None:
    job_id = begun(builds, 9)
    limit(builds, rate=3, window=HOUR)
    claimed = builds.claim(job_id, SUB_CONCEPTS, 2)
    assert len(claimed) == 2
    done = builds.exchange_and_claim(job_id, *((one, succeeded()) for one in claimed))
    assert len(done.claimed) == 1
    (closed,) = done.closed
    assert not closed.is_full
    assert HOUR * 0.9 < closed.seconds <= HOUR * 1.01


def test_the_window_opens_again(builds: Builds) -> None:
    job_id = begun(builds, 9)
    limit(builds, rate=3, window=HOUR)
    assert len(builds.claim(job_id, SUB_CONCEPTS, 9)) == 3
    _let_pass(builds, HOUR * 1.02)
    assert len(builds.claim(job_id, SUB_CONCEPTS, 9)) == 3


def test_a_step_that_was_interrupted_counts_again_as_it_calls_again(builds: Builds) -> None:
    job_id = begun(builds, 9)
    limit(builds, rate=3, window=HOUR)
    claimed = builds.claim(job_id, SUB_CONCEPTS, 2)
    builds.end(*((one, Interrupted("DRAINED")) for one in claimed))
    assert len(builds.claim(job_id, SUB_CONCEPTS, 9)) == 1


def test_many_that_claim_at_once_start_no_more_than_may(builds: Builds) -> None:
    job_ids = [begun(builds, 10, path_id=f"path-{number}") for number in range(4)]
    limit(builds, rate=7, window=HOUR, max_running=5)

    def claim(number: int) -> int:
        wish = ClaimWish(job_ids[number % 4], {SUB_CONCEPTS: 3})
        return len(builds.exchange((), wish).claimed)

    assert sum(together(8, claim)) == 5
    assert queue(builds).load.running == 5


def test_a_limit_may_be_changed_and_lifted_while_builds_run(builds: Builds) -> None:
    job_id = begun(builds, 9)
    limit(builds, max_running=1)
    builds.claim_one(job_id, SUB_CONCEPTS)
    limit(builds, max_running=3)
    assert len(builds.claim(job_id, SUB_CONCEPTS, 9)) == 2
    limit(builds, max_running=None)
    assert len(builds.claim(job_id, SUB_CONCEPTS, 9)) == 6


def test_nothing_of_a_paused_queue_is_claimed_and_what_runs_may_end(builds: Builds) -> None:
    job_id = begun(builds, 3)
    running = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.store.write(pause_queue, QUEUE, actor="ada", reason="the model is down")
    done = builds.exchange_and_claim(job_id, (running, succeeded()))
    assert done.claimed == ()
    assert done.accepted == {running.step.id}
    assert [one.queue for one in done.closed] == [QUEUE]
    assert QUEUE not in {one.queue for one in builds.store.read(read_demand)}
    paused = queue(builds)
    assert (paused.is_paused, paused.paused_by, paused.paused_reason) == (True, "ada", "the model is down")
    assert paused.paused_at is not None


def test_a_queue_that_is_resumed_hands_out_again_and_has_forgotten_who_paused_it(builds: Builds) -> None:
    job_id = begun(builds, 3)
    builds.store.write(pause_queue, QUEUE, actor="ada", reason="the model is down")
    builds.store.write(resume_queue, QUEUE, actor="ada", reason="")
    assert QUEUE in {one.queue for one in builds.store.read(read_demand)}
    assert len(builds.claim(job_id)) == 3
    assert (queue(builds).paused_by, queue(builds).paused_at) == ("", None)


def test_pausing_twice_keeps_the_first_reason(builds: Builds) -> None:
    for actor in ("ada", "bob"):
        builds.store.write(pause_queue, QUEUE, actor=actor, reason=f"{actor} says so")
    assert queue(builds).paused_reason == "ada says so"


def test_a_handler_that_is_told_to_wait_holds_a_queue_with_a_rate_for_everyone(builds: Builds) -> None:
    first, second = begun(builds, 3, path_id="a"), begun(builds, 3, path_id="b")
    limit(builds, rate=100, window=HOUR)
    told = builds.claim_one(first, SUB_CONCEPTS)
    done = builds.exchange(
        [outcome_of(told, failed(retry_after=30.0))], ClaimWish(second, {SUB_CONCEPTS: 3}), ClaimWish(first, {1: 3})
    )
    assert done.claimed == ()
    (closed,) = done.closed
    assert 29.0 < closed.seconds <= 30.0
    assert builds.claim(second) == ()
    assert QUEUE not in {one.queue for one in builds.store.read(read_demand)}
    builds.rewind(queues.c.held_until, timedelta(seconds=31))
    assert len(builds.claim(second)) == 3


def test_a_shorter_wait_does_not_shorten_a_hold(builds: Builds) -> None:
    job_id = begun(builds, 3)
    limit(builds, rate=100, window=HOUR)
    first, second = builds.claim(job_id, SUB_CONCEPTS, 2)
    builds.end((first, failed(retry_after=60.0)))
    held = queue(builds).held_until
    builds.end((second, failed(retry_after=1.0)))
    assert queue(builds).held_until == held


def test_without_a_rate_only_the_step_itself_waits(builds: Builds) -> None:
    job_id = begun(builds, 3)
    limit(builds, max_running=3)
    told = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.end((told, failed(retry_after=30.0)))
    assert queue(builds).held_until is None
    assert len(builds.claim(job_id)) == 2


def test_resuming_ends_a_hold(builds: Builds) -> None:
    job_id = begun(builds, 3)
    limit(builds, rate=100, window=HOUR)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed(retry_after=30.0)))
    builds.store.write(resume_queue, QUEUE, actor="ada", reason="")
    assert len(builds.claim(job_id)) == 2


def test_what_a_pipeline_declares_holds_until_an_operator_sets_something_else(builds: Builds) -> None:
    _declare(builds, QueueLimits(max_running=2))
    assert queue(builds).limits == QueueLimits(max_running=2)
    limit(builds, max_running=5)
    _declare(builds, QueueLimits(max_running=3))
    chosen = queue(builds)
    assert (chosen.limits.max_running, chosen.declared.max_running, chosen.is_chosen) == (5, 3, True)
    builds.store.write(limit_queue, QUEUE, None, actor="ada", reason="")
    assert queue(builds).limits == QueueLimits(max_running=3)


def test_a_pipeline_that_declares_nothing_any_more_lifts_its_own_limit(builds: Builds) -> None:
    _declare(builds, QueueLimits(max_running=1))
    builds.store.write(publish_pipeline, pipeline())
    assert len(builds.claim(begun(builds, 4))) == 4


def test_a_queue_tells_what_it_has_to_do(builds: Builds) -> None:
    slow = RetryPolicy(max_attempts=3, base=60.0)
    job_id = begun(builds, 5, pipeline=pipeline(retry=slow))
    running, backing_off, dead = builds.claim(job_id, SUB_CONCEPTS, 3)
    builds.end((backing_off, failed()), (dead, failed(is_final=True)))
    load = queue(builds).load
    assert (load.waiting, load.running, load.delayed, load.dead, load.workers) == (2, 1, 1, 1, 1)
    assert load.oldest_waiting is not None
    assert running.step.stage == "sub-concepts"


def test_queues_are_listed_by_name_page_by_page(builds: Builds) -> None:
    names = [one.name for one in builds.store.read(list_queues)]
    assert names == sorted(
        f"learning-path-{stage}" for stage in ("concepts", "sub-concepts", "knowledge-units", "finalize")
    )
    assert [one.name for one in builds.store.read(list_queues, after=names[1], limit=1)] == names[2:3]


def test_a_queue_that_no_pipeline_names_is_not_found(builds: Builds) -> None:
    change = {"actor": "ada", "reason": ""}
    for call in (
        lambda tx: pause_queue(tx, "nobody", **change),
        lambda tx: resume_queue(tx, "nobody", **change),
        lambda tx: limit_queue(tx, "nobody", {}, **change),
        lambda tx: get_queue(tx, "nobody"),
    ):
        with pytest.raises(QueueNotFound, match="there is no queue nobody"):
            builds.store.write(call)


def _declare(builds: Builds, limits: QueueLimits) -> None:
    builds.store.write(declare_queues, [replace(stages()[SUB_CONCEPTS], limits=limits)])


def _let_pass(builds: Builds, seconds: float) -> None:
    """Everything that the queue's log holds lies further back."""
    row = builds.store.read(lambda tx: tx.execute(queues.select().where(queues.c.name == QUEUE)).mappings().one())
    back = [[at - int(seconds * 1_000_000), count] for at, count in row["grants"]]
    builds.store.write(lambda tx: tx.execute(update(queues).where(queues.c.name == QUEUE).values(grants=back)))
