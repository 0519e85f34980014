"""The exchange: what ended and what is claimed next, in one commit."""

import pytest

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.claims import ClaimWish
from store.builds import Builds, outcome_of, tree
from store.factories import CONCEPTS, FINALIZE_NO, SUB_CONCEPTS, UNITS, children, failed, succeeded


def test_a_build_runs_through_all_stages_and_ends_completed(builds: Builds) -> None:
    job_id = builds.start()
    job = builds.run(job_id, tree(2, 3))
    assert job.status is JobStatus.COMPLETED
    assert job.percent == 100
    assert [(stage.name, stage.counts.completed, stage.counts.items) for stage in job.stages] == [
        ("concepts", 1, 2),
        ("sub-concepts", 2, 6),
        ("knowledge-units", 6, 6),
    ]
    assert job.started_at is not None
    assert job.completed_at is not None
    assert builds.audit(job_id).finalize_steps == 1


def test_the_first_claim_starts_the_job(builds: Builds) -> None:
    job_id = builds.start()
    assert builds.job(job_id).status is JobStatus.PENDING
    builds.claim_one(job_id)
    job = builds.job(job_id)
    assert (job.status, job.stages[0].counts.active) == (JobStatus.PROCESSING, 1)


def test_steps_are_claimed_in_document_order(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 40)
    claimed = [one.step.ordinal for _ in range(4) for one in builds.claim(job_id, SUB_CONCEPTS, 10)]
    assert claimed == list(range(40))


def test_the_units_of_the_first_concept_are_done_before_the_second_concept_is_decomposed(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded(born=children(UNITS, 3))))
    builds.end(*((unit, succeeded()) for unit in builds.claim(job_id, UNITS)))
    sub_concepts = builds.steps(job_id, "sub-concepts")
    assert [step.status for step in sub_concepts] == [StepStatus.COMPLETED, StepStatus.PENDING]
    assert {step.status for step in builds.steps(job_id, "knowledge-units")} == {StepStatus.COMPLETED}


def test_an_outcome_its_children_the_counters_and_the_next_claim_are_one_event(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    before = builds.job(job_id).last_sequence
    done = builds.exchange([outcome_of(root, succeeded(born=children(SUB_CONCEPTS, 2)))])
    assert [(one.job_id, one.sequence) for one in done.committed] == [(job_id, before + 1)]
    event = builds.events(job_id)[-1]
    assert [(step.stage, step.status) for step in event.steps] == [
        ("concepts", StepStatus.COMPLETED),
        ("sub-concepts", StepStatus.PENDING),
        ("sub-concepts", StepStatus.PENDING),
    ]
    assert (event.stages[1].counts.total, event.stages[0].counts.completed) == (2, 1)


def test_one_exchange_ends_steps_of_several_jobs_and_claims_in_others(builds: Builds) -> None:
    jobs = [builds.start(path_id=f"path-{number}") for number in range(3)]
    first, second = builds.claim_one(jobs[0]), builds.claim_one(jobs[1])
    outcomes = [outcome_of(first, succeeded()), outcome_of(second, failed())]
    done = builds.exchange(outcomes, *(ClaimWish(job_id, {CONCEPTS: 1, FINALIZE_NO: 1}) for job_id in jobs))
    assert done.accepted == {first.step.id, second.step.id}
    assert {one.job_id for one in done.committed} == set(jobs)
    # The first job's only concept has ended: with it its finalize step was born, and claimed.
    assert [(one.step.job_id, one.step.stage_no) for one in done.claimed] == [
        (jobs[2], CONCEPTS),
        (jobs[0], FINALIZE_NO),
    ]
    for job_id in jobs:
        builds.audit(job_id)


def test_children_are_claimed_in_the_transaction_that_brings_them_forth(builds: Builds) -> None:
    job_id = builds.start()
    parent = builds.claim_one(job_id)
    outcome = outcome_of(parent, succeeded(born=children(SUB_CONCEPTS, 3)))
    done = builds.exchange([outcome], ClaimWish(job_id, {CONCEPTS: 1, SUB_CONCEPTS: 2}))
    assert [one.step.ordinal for one in done.claimed] == [0, 1]
    event = builds.events(job_id)[-1]
    assert [(step.stage, step.status, step.attempt) for step in event.steps] == [
        ("concepts", StepStatus.COMPLETED, 1),
        ("sub-concepts", StepStatus.PROCESSING, 1),
        ("sub-concepts", StepStatus.PROCESSING, 1),
        ("sub-concepts", StepStatus.PENDING, 0),
    ]
    builds.audit(job_id)


def test_a_child_with_a_long_input_is_left_to_the_next_claim(builds: Builds) -> None:
    job_id = builds.start()
    parent = builds.claim_one(job_id)
    long = children(SUB_CONCEPTS, 1, input=f'"{"x" * 20_000}"')
    wish = ClaimWish(job_id, {SUB_CONCEPTS: 2})
    assert builds.exchange([outcome_of(parent, succeeded(born=long))], wish).claimed == ()
    assert [one.input for one in builds.exchange([], wish).claimed] == [long[0].input]


def test_children_under_a_paused_job_are_not_claimed(builds: Builds) -> None:
    job_id = builds.start()
    parent = builds.claim_one(job_id)
    builds.pause(job_id)
    done = builds.exchange(
        [outcome_of(parent, succeeded(born=children(SUB_CONCEPTS, 2)))], ClaimWish(job_id, {SUB_CONCEPTS: 2})
    )
    assert done.claimed == ()
    assert done.accepted == {parent.step.id}


def test_a_wish_for_more_than_there_is_claims_what_there_is(builds: Builds) -> None:
    job_id = builds.start()
    assert len(builds.claim(job_id, CONCEPTS, 50)) == 1
    assert builds.claim(job_id, CONCEPTS, 50) == ()


def test_a_wish_without_room_claims_nothing(builds: Builds) -> None:
    assert builds.claim(builds.start(), CONCEPTS, 0) == ()


def test_a_wish_for_a_job_that_does_not_exist_claims_nothing(builds: Builds) -> None:
    done = builds.exchange((), ClaimWish("00000000-0000-7000-8000-000000000000", {0: 1}))
    assert (done.claimed, done.committed, done.waiting) == ((), (), ())


def test_two_wishes_for_one_stage_in_one_exchange_claim_each_step_once(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    done = builds.exchange((), ClaimWish(job_id, {SUB_CONCEPTS: 2}), ClaimWish(job_id, {SUB_CONCEPTS: 3}))
    assert sorted(one.step.ordinal for one in done.claimed) == [0, 1, 2]


def test_an_outcome_of_an_attempt_that_was_never_claimed_is_refused(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    stale = outcome_of(root, succeeded())
    done = builds.exchange([type(stale)(job_id, stale.step_id, stale.attempt + 1, stale.outcome)])
    assert (done.accepted, done.committed) == (frozenset(), ())


def test_an_outcome_is_recorded_once(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    first = builds.end((root, succeeded(born=children(SUB_CONCEPTS, 2))))
    again = builds.end((root, succeeded(born=children(SUB_CONCEPTS, 2))))
    assert first.accepted == {root.step.id}
    assert again.accepted == frozenset()
    assert len(builds.steps(job_id, "sub-concepts")) == 2


def test_a_retried_step_is_claimed_with_a_higher_attempt_and_the_old_one_is_refused(builds: Builds) -> None:
    job_id = builds.start()
    first = builds.claim_one(job_id)
    builds.end((first, failed()))
    second = builds.claim_one(job_id)
    assert (first.step.attempt, second.step.attempt) == (1, 2)
    assert builds.end((first, succeeded())).accepted == frozenset()
    assert builds.step(second).status is StepStatus.PROCESSING


def test_the_exchange_says_which_queues_should_hold_a_ticket(builds: Builds) -> None:
    job_id = builds.start()
    done = builds.fan_out(job_id, 2)
    assert [(one.stage_no, one.queue) for one in done.waiting] == [(SUB_CONCEPTS, "learning-path-sub-concepts")]
    builds.claim(job_id)
    assert builds.exchange().waiting == ()


def test_a_claimed_step_brings_its_input_and_its_key_path(builds: Builds) -> None:
    job_id = builds.start()
    root = builds.claim_one(job_id)
    assert (root.input, root.key_path) == ("null", "")
    builds.end((root, succeeded(born=children(SUB_CONCEPTS, 1, key="a/b~c", input='{"title":"Owning"}'))))
    child = builds.claim_one(job_id, SUB_CONCEPTS)
    assert (child.input, child.key_path) == ('{"title":"Owning"}', "/a~1b~0c")


def test_more_children_than_one_event_tells_are_told_as_a_number(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 1_200)
    event = builds.events(job_id)[-1]
    assert [(bulk.stage, bulk.previous, bulk.status, bulk.count) for bulk in event.bulk] == [
        ("sub-concepts", None, StepStatus.PENDING, 1_200)
    ]
    assert [step.stage for step in event.steps] == ["concepts"]
    assert len(builds.steps(job_id, "sub-concepts")) == 1_200


@pytest.mark.parametrize("attempt", [1, 2])
def test_the_time_that_attempts_ran_adds_up(builds: Builds, attempt: int) -> None:
    job_id = builds.start()
    for _ in range(attempt - 1):
        builds.end((builds.claim_one(job_id), failed()))
    last = builds.claim_one(job_id)
    builds.end((last, succeeded()))
    step = builds.step(last)
    assert step.started_at is not None
    assert step.completed_at is not None
    assert step.run_time >= step.completed_at - step.started_at
