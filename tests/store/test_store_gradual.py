"""Gradual requeues: a canary first, the rest when its step has completed, at a throttle."""

from datetime import timedelta

from jobcontrol_core.domain.lifecycle import JobStatus, RequeueState, StepStatus
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.gradual import KEPT, prune_requeues, read_running_requeues
from jobcontrol_core.store.tables import requeues
from store.builds import Builds, tree
from store.burying import advance, begin, bury, letter_ids, letters, requeue
from store.factories import FINALIZE_NO, SUB_CONCEPTS, failed, succeeded


def state_of(builds: Builds) -> RequeueState | None:
    """What the newest letter tells of the requeue that it waits for."""
    (found,) = {letter.requeue.state if letter.requeue else None for letter in letters(builds)}
    return found


def pending(builds: Builds, job_id: str) -> int:
    return [step.status for step in builds.steps(job_id, "sub-concepts")].count(StepStatus.PENDING)


def test_the_others_wait_until_the_step_of_the_first_has_completed(builds: Builds) -> None:
    job_id = bury(builds, "a", "one", "two", "three")
    begun = begin(builds, canary=True)
    assert (begun.at_once.count, begun.waiting, pending(builds, job_id)) == (1, 2, 2)
    assert (advance(builds, begun.requeue_id).count, state_of(builds)) == (0, RequeueState.CANARY)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), succeeded()))
    assert (advance(builds, begun.requeue_id).count, letters(builds)) == (2, [])
    assert builds.store.read(read_running_requeues) == []
    assert builds.run(job_id, tree()).error_count == 0


def test_nothing_more_goes_when_the_first_fails_again(builds: Builds) -> None:
    job_id = bury(builds, "a", "one", "two")
    begun = begin(builds, canary=True)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed("still bad", is_final=True)))
    assert advance(builds, begun.requeue_id).count == 0
    told = [letter.requeue for letter in letters(builds)]
    assert [one.state if one else None for one in told] == [None, RequeueState.CANCELLED]
    assert told[1] is not None
    assert told[1].message == f"Child 0, which went first in job {job_id}, ended FAILED"
    assert builds.store.read(read_running_requeues) == []


def test_nothing_more_goes_when_the_first_ones_job_is_cancelled(builds: Builds) -> None:
    job_id = bury(builds, "a", "one", "two")
    begun = begin(builds, canary=True)
    builds.cancel(job_id)
    advance(builds, begun.requeue_id)
    assert state_of(builds) is RequeueState.CANCELLED


def test_what_was_called_off_may_be_begun_again(builds: Builds) -> None:
    job_id = bury(builds, "a", "one", "two")
    begun = begin(builds, canary=True)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed("still bad", is_final=True)))
    advance(builds, begun.requeue_id)
    again = begin(builds, canary=True)
    assert (again.at_once.count, again.at_once.failures, again.waiting) == (1, [], 1)


def test_the_first_may_go_in_a_retry_job(builds: Builds) -> None:
    old_ids = [bury(builds, path_id, "one") for path_id in ("a", "b", "c")]
    for old_id in old_ids:
        builds.run(old_id, tree())
    begun = begin(builds, canary=True)
    (first,) = begun.at_once.retry_job_ids.values()
    assert (builds.job(first).path_id, begun.waiting) == ("a", 2)
    builds.end((builds.claim_one(first, SUB_CONCEPTS), succeeded()))
    done = advance(builds, begun.requeue_id)
    assert sorted(builds.job(job_id).path_id for job_id in done.retry_job_ids.values()) == ["b", "c"]


def test_the_first_may_be_a_finalize_step_which_is_born_late(builds: Builds) -> None:
    for path_id in ("a", "b"):
        job_id = builds.start(path_id=path_id)
        builds.fan_out(job_id, 1)
        builds.end((builds.claim_one(job_id, SUB_CONCEPTS), succeeded()))
        builds.end((builds.claim_one(job_id, FINALIZE_NO), failed(is_final=True)))
    begun = begin(builds, canary=True)
    (first,) = begun.at_once.retry_job_ids.values()
    assert advance(builds, begun.requeue_id).count == 0
    assert builds.run(first, tree()).status is JobStatus.COMPLETED
    assert advance(builds, begun.requeue_id).count == 1


def test_letters_whose_job_refuses_are_passed_over_for_the_first(builds: Builds) -> None:
    stuck = bury(builds, "a", "one")
    builds.end((builds.claim_one(stuck, SUB_CONCEPTS), succeeded()))
    bury(builds, "b", "two", "three")
    begun = begin(builds, canary=True)
    assert ([failure.reason for failure in begun.at_once.failures], begun.waiting) == (
        ["DEAD_LETTER_NOT_REQUEUEABLE"],
        1,
    )


def test_a_throttle_releases_so_many_a_second(builds: Builds) -> None:
    job_id = bury(builds, "a", *(f"no {number}" for number in range(6)))
    begun = begin(builds, per_second=2)
    assert (begun.at_once.count, begun.waiting) == (0, 6)
    # Turns come as they come: what is due is reckoned from the moments that the row keeps.
    assert advance(builds, begun.requeue_id).count in (0, 1, 2)
    builds.rewind(requeues.c.released_at, timedelta(seconds=1))
    assert advance(builds, begun.requeue_id).count == 2
    builds.rewind(requeues.c.released_at, timedelta(hours=1))
    assert advance(builds, begun.requeue_id).count == 2, "what an outage held up does not come in a burst"
    while builds.store.read(read_running_requeues):
        builds.rewind(requeues.c.released_at, timedelta(seconds=1))
        advance(builds, begun.requeue_id)
    assert (letters(builds), pending(builds, job_id)) == ([], 7)


def test_what_a_running_requeue_is_about_to_take_is_left_to_it_unless_it_is_to_go_at_once(builds: Builds) -> None:
    job_id = bury(builds, "a", "one", "two", "three")
    first = begin(builds, canary=True)
    second = begin(builds, canary=True)
    assert (second.requeue_id, second.waiting) == ("", 0)
    assert all(first.requeue_id in failure.message for failure in second.at_once.failures)
    assert letter_ids(builds, is_free=True) == []
    assert requeue(builds).count == 2
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), succeeded()))
    assert advance(builds, first.requeue_id).count == 0
    assert builds.store.read(read_running_requeues) == []


def test_requeues_that_no_letter_waits_for_are_forgotten_after_a_day(builds: Builds) -> None:
    bury(builds, "a", "one", "two")
    begin(builds, per_second=1)
    requeue_ids = builds.store.read(read_running_requeues)
    builds.rewind(requeues.c.created_at, 2 * KEPT)
    builds.store.write(lambda tx: prune_requeues(tx, read_now(tx)))
    assert builds.store.read(read_running_requeues) == requeue_ids
    requeue(builds)
    advance(builds, requeue_ids[0])
    builds.rewind(requeues.c.released_at, timedelta(seconds=1))
    advance(builds, requeue_ids[0])
    builds.store.write(lambda tx: prune_requeues(tx, read_now(tx)))
    assert builds.store.read(lambda tx: tx.execute(requeues.select()).all()) == []
