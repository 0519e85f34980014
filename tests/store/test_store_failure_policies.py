"""Failure policies: what a step that used up its tries does to its job."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus, Stopping
from jobcontrol_core.domain.outcomes import Interrupted, Skipped
from jobcontrol_core.domain.tolerance import FAIL_FAST
from jobcontrol_core.domain.values import PipelineSpec
from jobcontrol_core.store.failing import TOO_MANY_FAILED
from jobcontrol_core.store.tables import dead_letters
from store.builds import Builds
from store.factories import CONCEPTS, SUB_CONCEPTS, UNITS, children, failed, pipeline, succeeded

FATAL = failed(is_final=True)


def tolerating(share: float, stage_no: int = SUB_CONCEPTS) -> PipelineSpec:
    """The learning path, with this share of one stage's steps allowed to fail."""
    plain = pipeline()
    stages = [replace(one, tolerated_share=share if one.number == stage_no else 1.0) for one in plain.stages]
    return replace(plain, stages=tuple(stages))


def begun(builds: Builds, share: float, count: int) -> str:
    """A job with `count` sub-concepts, of which `share` may fail."""
    job_id = builds.start(pipeline=tolerating(share))
    builds.fan_out(job_id, count)
    return job_id


def test_the_first_failed_step_of_a_stage_that_fails_fast_stops_the_job(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 5)
    doomed, sibling = builds.claim(job_id, SUB_CONCEPTS, 2)
    done = builds.end((doomed, failed("no such model", is_final=True)))
    assert done.stopping == (job_id,)
    job = builds.job(job_id)
    assert (job.status, job.stopping) == (JobStatus.PROCESSING, Stopping.FAILED)
    assert builds.claim(job_id) == ()
    builds.sweep(job_id)
    builds.end((sibling, Interrupted("STOPPED")))
    job = builds.job(job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.message, job.error.step_id, job.error.stage) == ("no such model", doomed.step.id, "sub-concepts")
    statuses = [step.status for step in builds.steps(job_id, "sub-concepts")]
    assert statuses == [StepStatus.FAILED, StepStatus.CANCELLED, *[StepStatus.SKIPPED] * 3]


def test_a_job_that_fails_fast_with_nothing_else_open_is_failed_by_the_same_commit(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 1)
    done = builds.end((builds.claim_one(job_id), FATAL))
    assert done.stopping == ()
    assert builds.job(job_id).status is JobStatus.FAILED


def test_a_step_with_tries_left_stops_nothing(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 2)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed()))
    assert builds.job(job_id).stopping is None


def test_nothing_of_the_job_is_claimed_by_the_exchange_that_stops_it(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 3)
    doomed = builds.claim_one(job_id, SUB_CONCEPTS)
    assert builds.exchange_and_claim(job_id, (doomed, FATAL)).claimed == ()


def test_what_ends_well_after_the_failure_is_kept_and_its_children_never_start(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 2)
    doomed, sibling = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((doomed, FATAL))
    builds.end((sibling, succeeded(born=children(UNITS, 2))))
    assert [step.status for step in builds.steps(job_id, "knowledge-units")] == [StepStatus.SKIPPED] * 2
    assert builds.job(job_id).status is JobStatus.FAILED


def test_only_the_step_that_failed_by_itself_leaves_a_dead_letter(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 2)
    doomed, sibling = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((doomed, FATAL))
    builds.end((sibling, FATAL))
    with builds.store.engine.connect() as connection:
        assert connection.execute(select(dead_letters.c.step_id)).scalars().all() == [doomed.step.id]


def test_a_paused_job_fails_fast_as_well(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 2)
    doomed = builds.claim_one(job_id, SUB_CONCEPTS)
    builds.pause(job_id)
    builds.end((doomed, FATAL))
    builds.sweep(job_id)
    assert builds.job(job_id).status is JobStatus.FAILED


def test_as_many_failures_as_are_tolerated_leave_the_build_to_complete(builds: Builds) -> None:
    job_id = begun(builds, 0.5, 4)
    first, second, *others = builds.claim(job_id)
    builds.end((first, FATAL), (second, FATAL), *((one, succeeded()) for one in others))
    builds.end((builds.claim_one(job_id), succeeded()))
    job = builds.job(job_id)
    assert (job.status, job.error_count, job.error) == (JobStatus.COMPLETED, 2, None)


def test_one_more_than_is_tolerated_stops_the_job_and_says_how_many(builds: Builds) -> None:
    job_id = begun(builds, 0.5, 5)
    claimed = builds.claim(job_id, SUB_CONCEPTS)
    builds.end(*((one, FATAL) for one in claimed[:2]))
    assert builds.job(job_id).stopping is None
    builds.end((claimed[2], FATAL))
    builds.end(*((one, Interrupted("STOPPED")) for one in claimed[3:]))
    job = builds.job(job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert job.error.type == TOO_MANY_FAILED
    assert job.error.message == (
        "3 of 5 steps of sub-concepts failed, more than the tolerated 0.5 of them; the first with ValueError: boom"
    )
    assert job.error.step_id == claimed[0].step.id


def test_a_share_is_decided_once_no_further_step_can_be_born(builds: Builds) -> None:
    job_id = builds.start(pipeline=tolerating(0.5, UNITS))
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded(born=children(UNITS, 1))))
    builds.end((builds.claim_one(job_id, UNITS), FATAL))
    assert builds.job(job_id).stopping is None
    builds.end((second, succeeded(born=children(UNITS, 1))))
    assert builds.job(job_id).stopping is None
    builds.end((builds.claim_one(job_id, UNITS), succeeded()))
    assert builds.claim_one(job_id).step.stage == "finalize"


def test_the_commit_that_ends_the_stage_before_decides_over_what_failed_already(builds: Builds) -> None:
    job_id = builds.start(pipeline=tolerating(0.5, UNITS))
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded(born=children(UNITS, 2))))
    builds.end(*((one, FATAL) for one in builds.claim(job_id, UNITS)))
    builds.end((second, succeeded()))
    assert builds.job(job_id).status is JobStatus.FAILED


def test_a_skipped_step_is_no_failure(builds: Builds) -> None:
    job_id = begun(builds, FAIL_FAST, 1)
    builds.end((builds.claim_one(job_id), Skipped("known already")))
    assert builds.claim_one(job_id).step.stage == "finalize"


@pytest.mark.parametrize("share", [FAIL_FAST, 0.25])
def test_a_retry_keeps_the_policy_and_its_failures_count_anew(builds: Builds, share: float) -> None:
    job_id = begun(builds, share, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded()), (second, FATAL))
    retry_id = builds.retry(job_id).job_id
    assert builds.build(retry_id).stages[SUB_CONCEPTS].tolerated_share == share
    again = builds.claim_one(retry_id)
    assert again.step.stage == "sub-concepts"
    builds.end((again, FATAL))
    assert builds.job(retry_id).status is JobStatus.FAILED


def test_a_failed_root_fails_the_job_whatever_the_policy(builds: Builds) -> None:
    job_id = builds.start(pipeline=tolerating(0.9, CONCEPTS))
    builds.end((builds.claim_one(job_id), FATAL))
    assert builds.job(job_id).status is JobStatus.FAILED
