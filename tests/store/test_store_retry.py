"""Retry: a new job that takes over what an ended one completed."""

import uuid

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.errors import JobNotRetryable, PathBuildActive, RequestIdReused
from jobcontrol_core.domain.ids import new_id, short_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Outcome
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.builds import NewDocument
from jobcontrol_core.store.lookup import get_step, read_outputs
from jobcontrol_core.store.tables import steps
from store.builds import Builds, tree
from store.factories import CONCEPTS, FINALIZE_NO, SUB_CONCEPTS, UNITS, children, failed, request_key, succeeded
from store.threads import together


def two_concepts_one_failing(claimed: ClaimedStep) -> Outcome:
    if claimed.step.stage_no == SUB_CONCEPTS and claimed.step.ordinal == 1:
        return failed(is_final=True)
    return tree(2, 3)(claimed)


def completed_with_a_failed_step(builds: Builds) -> str:
    job_id = builds.start()
    assert builds.run(job_id, two_concepts_one_failing).error_count == 1
    return job_id


def test_a_retry_takes_over_completed_steps_and_runs_the_failed_ones(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    job = builds.job(new_job_id)
    assert (job.status, job.retry_of, job.attempt, job.reused_steps) == (JobStatus.PENDING, old_id, 2, 5)
    claimed = builds.claim_one(new_job_id, SUB_CONCEPTS)
    assert (claimed.step.ordinal, claimed.step.attempt) == (1, 1)
    builds.end((claimed, succeeded(born=children(UNITS, 1))))
    ended = builds.run(new_job_id, tree())
    assert (ended.status, ended.error_count) == (JobStatus.COMPLETED, 0)
    assert [stage.counts.completed for stage in ended.stages] == [1, 2, 4]
    assert [stage.counts.items for stage in ended.stages] == [2, 4, 4]


def test_a_reused_step_points_to_its_origin_and_keeps_its_output(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    originals = {step.position: step for step in builds.steps(old_id)}
    for step in builds.steps(new_job_id):
        origin = originals[step.position]
        if step.status is StepStatus.COMPLETED:
            assert step.reused_from == origin.id
            assert (step.started_at, step.completed_at) == (origin.started_at, origin.completed_at)
        else:
            assert (step.reused_from, step.failure, step.error, step.tries) == (None, None, None, 0)
    outputs = builds.store.read(read_outputs, new_job_id, UNITS, after="", limit=10)
    assert outputs == builds.store.read(read_outputs, old_id, UNITS, after="", limit=10)
    assert len(outputs) == 3


def test_the_ids_of_a_retry_are_new_uuids_of_version_7_with_the_same_tree(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    found = builds.steps(new_job_id)
    ids = {step.id for step in found}
    assert ids.isdisjoint(step.id for step in builds.steps(old_id))
    assert {uuid.UUID(step.id).version for step in found} == {7}
    parents = {step.id: step.position for step in found}
    for step in found:
        assert step.parent_id is None or step.position[:-4] == parents[step.parent_id]


def test_what_a_cancel_stopped_runs_in_the_retry(builds: Builds) -> None:
    old_id = builds.start()
    builds.fan_out(old_id, 3)
    running = builds.claim_one(old_id, SUB_CONCEPTS)
    builds.cancel(old_id)
    builds.end((running, succeeded(born=children(UNITS, 2))))
    new_job_id = builds.retry(old_id).job_id
    assert [step.status for step in builds.steps(new_job_id, "sub-concepts")] == [
        StepStatus.COMPLETED, StepStatus.PENDING, StepStatus.PENDING,
    ]  # fmt: skip
    assert [step.status for step in builds.steps(new_job_id, "knowledge-units")] == [StepStatus.PENDING] * 2
    assert builds.run(new_job_id, tree(0, 2)).stages[2].counts.completed == 6


def test_a_retry_of_a_build_that_failed_in_finalize_finalizes_again_and_nothing_else(builds: Builds) -> None:
    old_id = builds.start()
    builds.fan_out(old_id, 1)
    builds.end((builds.claim_one(old_id), succeeded()))
    builds.end((builds.claim_one(old_id, FINALIZE_NO), failed(is_final=True)))
    new_job_id = builds.retry(old_id).job_id
    assert builds.job(new_job_id).percent == 99
    assert [one.step.stage for one in builds.claim(new_job_id)] == ["finalize"]


def test_a_retry_from_scratch_runs_everything_again(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id, from_scratch=True).job_id
    job = builds.job(new_job_id)
    assert (job.retry_of, job.reused_steps, job.percent) == (old_id, 0, 0)
    assert [step.stage for step in builds.steps(new_job_id)] == ["concepts"]
    assert builds.run(new_job_id, tree(1, 1)).status is JobStatus.COMPLETED


def test_a_retry_of_a_build_that_never_began_begins(builds: Builds) -> None:
    old_id = builds.start()
    builds.cancel(old_id)
    new_job_id = builds.retry(old_id).job_id
    assert builds.claim_one(new_job_id, CONCEPTS).step.status is StepStatus.PROCESSING


def test_a_chain_of_retries_remembers_the_first_job_and_the_first_step(builds: Builds) -> None:
    first = completed_with_a_failed_step(builds)
    second = builds.retry(first).job_id
    builds.cancel(second)
    third = builds.retry(second).job_id
    assert builds.job(third).attempt == 3
    assert builds.build(third).first_job_id == first
    origins = {step.id for step in builds.steps(first)}
    reused = [step.reused_from for step in builds.steps(third) if step.reused_from]
    assert len(reused) == 5
    assert set(reused) <= origins


def test_a_retry_keeps_what_the_build_was_started_with(builds: Builds) -> None:
    document = NewDocument(b"# Rust", "text/markdown", "rust.md")
    old_id = builds.start(parameters={"depth": 2}, labels={"team": "docs"}, document=document)
    builds.cancel(old_id)
    new_job_id = builds.retry(old_id, actor="eve", reason="once more").job_id
    old, new = builds.job(old_id), builds.job(new_job_id)
    assert (new.parameters, new.labels, new.document, new.title) == (
        old.parameters, old.labels, old.document, old.title,
    )  # fmt: skip
    assert (new.triggered_by, new.status_actor, new.status_reason) == ("eve", "eve", "once more")
    assert builds.build(new_job_id).stages == builds.build(old_id).stages


def test_the_old_job_never_changes_again(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    before = (builds.job(old_id), builds.steps(old_id))
    builds.run(builds.retry(old_id).job_id, tree(0, 1))
    assert (builds.job(old_id), builds.steps(old_id)) == before


def test_attempts_of_the_old_job_are_not_those_of_the_new(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    (again,) = [step for step in builds.steps(new_job_id) if step.status is StepStatus.PENDING]
    assert builds.store.read(get_step, new_job_id, again.id).attempts == ()


@pytest.mark.parametrize("ending", ["running", "completed"])
def test_what_has_not_ended_or_has_nothing_to_retry_is_refused(builds: Builds, ending: str) -> None:
    job_id = builds.start()
    if ending == "completed":
        builds.run(job_id, tree(1, 1))
    with pytest.raises(JobNotRetryable):
        builds.retry(job_id)


def test_a_retry_is_refused_while_the_path_is_being_built(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    active = builds.start()
    with pytest.raises(PathBuildActive) as refused:
        builds.retry(old_id)
    assert refused.value.active_job_id == active


def test_the_same_retry_request_gets_the_same_job_even_after_it_ended(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    first = builds.retry(old_id, key=request_key("r-1"))
    builds.cancel(first.job_id)
    again = builds.retry(old_id, key=request_key("r-1"))
    assert (again.job_id, again.committed) == (first.job_id, ())
    with pytest.raises(RequestIdReused):
        builds.retry(old_id, key=request_key("r-1", b"another"))


def test_of_many_concurrent_retries_one_is_accepted(builds: Builds) -> None:
    builds.is_audited = False
    old_id = completed_with_a_failed_step(builds)

    def retry(_: int) -> str | None:
        try:
            return builds.retry(old_id, key=request_key(new_id())).job_id
        except PathBuildActive:
            return None

    accepted = [job_id for job_id in together(6, retry) if job_id]
    assert len(accepted) == 1
    builds.audit(accepted[0])


def test_the_reused_steps_are_counted_by_event_1(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    (event,) = builds.events(new_job_id)
    assert event.sequence == 1
    assert [(bulk.stage, bulk.status, bulk.count) for bulk in event.bulk] == [
        ("concepts", StepStatus.COMPLETED, 1),
        ("sub-concepts", StepStatus.COMPLETED, 1),
        ("sub-concepts", StepStatus.PENDING, 1),
        ("knowledge-units", StepStatus.COMPLETED, 3),
    ]
    assert event.percent == builds.job(new_job_id).percent > 0


def test_a_retry_has_a_short_id_of_its_own(builds: Builds) -> None:
    old_id = completed_with_a_failed_step(builds)
    new_job_id = builds.retry(old_id).job_id
    assert short_id(new_job_id) != short_id(old_id)
    rows = builds.store.read(lambda tx: tx.execute(select(steps.c.job_id).distinct()).scalars().all())
    assert set(rows) == {old_id, new_job_id}
