"""Jobs and steps as they are read: by id, by the end of an id, in pages and by filter."""

from datetime import datetime

import pytest
from sqlalchemy import Connection, update

from jobcontrol_core.domain.errors import JobIdAmbiguous, JobNotFound, StepNotFound
from jobcontrol_core.domain.ids import new_id, short_id
from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_core.domain.values import ErrorInfo, Job
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.lookup import (
    MISSING,
    JobCursor,
    get_job,
    get_step,
    list_jobs,
    list_steps,
    read_build,
    read_outputs,
    resolve_job_id,
)
from jobcontrol_core.store.tables import job_events, job_stages, jobs, steps
from store.builds import Builds, tree
from store.factories import CONCEPTS, FINALIZE_NO, SUB_CONCEPTS, TENANT, failed, pipeline, succeeded

EVERY = JobFilter()


def resolve(builds: Builds, given: str, tenant: str = TENANT) -> str:
    return builds.store.read(resolve_job_id, tenant, given)


def rename(builds: Builds, job_id: str, full_id: str) -> None:
    """Give a job without steps another id, so that a test can choose how it ends."""
    values = {"id": full_id, "short_id": short_id(full_id)}
    builds.store.write(lambda tx: tx.execute(update(jobs).where(jobs.c.id == job_id).values(**values)))


def page(builds: Builds, wanted: JobFilter = EVERY, *, after: Job | None = None, limit: int = 100) -> list[Job]:
    cursor = JobCursor(after.created_at, after.id) if after else None
    return builds.store.read(list_jobs, TENANT, wanted, after=cursor, limit=limit)


@pytest.mark.parametrize("length", [4, 6, 8, 9, 12, 24, 36])
def test_a_job_is_found_by_any_ending_of_its_id(builds: Builds, length: int) -> None:
    job_id = builds.start()
    assert resolve(builds, job_id[-length:]) == job_id


@pytest.mark.parametrize("length", [4, 8, 12, 36])
def test_an_id_is_found_in_capitals_too(builds: Builds, length: int) -> None:
    job_id = builds.start()
    assert resolve(builds, job_id[-length:].upper()) == job_id


@pytest.mark.parametrize(
    "given", ["", "abc", "%%%%", "____", "\\\\\\\\", "x" * 36, "x" * 50, "01a20dc3-e5fa-7929-acee-9fe777a0a089"]
)
def test_what_ends_no_id_finds_nothing(builds: Builds, given: str) -> None:
    builds.start()
    with pytest.raises(JobNotFound):
        resolve(builds, given)


def test_the_job_of_another_tenant_is_not_found(builds: Builds) -> None:
    job_id = builds.start()
    for length in (4, 8, 12, 36):
        with pytest.raises(JobNotFound):
            resolve(builds, job_id[-length:], "other")


def test_an_ending_of_several_jobs_is_refused_naming_them(builds: Builds) -> None:
    ids = ["0198f000-0000-7000-8000-00000abc1234", "0198f000-0000-7000-8000-00000abd1234"]
    builds.is_audited = False
    for number, full_id in enumerate(ids):
        job_id = builds.start(path_id=f"path-{number}")
        builds.store.write(_forget_rows_of, job_id)
        rename(builds, job_id, full_id)
    with pytest.raises(JobIdAmbiguous) as refused:
        resolve(builds, "1234")
    assert set(refused.value.candidates) == set(ids)
    assert resolve(builds, "abd1234") == ids[1]


def test_a_job_that_is_not_there_is_told(builds: Builds) -> None:
    with pytest.raises(JobNotFound):
        builds.store.read(get_job, new_id())
    assert builds.store.read(read_build, new_id()) is None


def test_jobs_are_listed_newest_first_in_pages_while_others_are_added(builds: Builds) -> None:
    ids = [builds.start(path_id=f"path-{number}") for number in range(5)]
    seen: list[str] = []
    last: Job | None = None
    while found := page(builds, after=last, limit=2):
        seen += [job.id for job in found]
        last = found[-1]
        builds.start(path_id=f"late-{len(seen)}")
    assert set(seen) == set(ids)
    assert len(seen) == 5
    assert [(job.created_at, job.id) for job in page(builds)] == sorted(
        ((job.created_at, job.id) for job in page(builds)), reverse=True
    )


def test_jobs_of_the_same_moment_are_paged_without_loss(builds: Builds) -> None:
    ids = {builds.start(path_id=f"path-{number}") for number in range(4)}
    moment: datetime = builds.job(next(iter(ids))).created_at
    builds.store.write(lambda tx: tx.execute(update(jobs).values(created_at=moment)))
    first = page(builds, limit=3)
    assert {job.id for job in first + page(builds, after=first[-1])} == ids


def test_jobs_are_filtered_by_status_path_pipeline_and_failure(builds: Builds) -> None:
    done = builds.start(path_id="done")
    builds.run(done, tree())
    broken = builds.start(path_id="broken", pipeline=pipeline(name="other"))
    builds.end((builds.claim_one(broken), failed(is_final=True)))
    waiting = builds.start(path_id="waiting")

    def ids(wanted: JobFilter) -> set[str]:
        return {job.id for job in page(builds, wanted)}

    assert ids(JobFilter(statuses=(JobStatus.COMPLETED,))) == {done}
    assert ids(JobFilter(statuses=(JobStatus.FAILED, JobStatus.PENDING))) == {broken, waiting}
    assert ids(JobFilter(path_id="waiting")) == {waiting}
    assert ids(JobFilter(pipeline="other")) == {broken}
    assert ids(JobFilter(has_failed_steps=True)) == {broken}
    assert ids(JobFilter(has_failed_steps=False)) == {done, waiting}
    assert ids(JobFilter(path_id="done", statuses=(JobStatus.FAILED,))) == set()
    assert builds.store.read(list_jobs, "other", EVERY, after=None, limit=9) == []


def test_steps_are_listed_by_stage_then_document_order_in_pages(builds: Builds) -> None:
    job_id = builds.start()
    builds.run(job_id, tree(12, 2))
    seen: list[tuple[int, str]] = []
    after: tuple[int, str] | None = None
    while found := builds.store.read(list_steps, job_id, after=after, limit=5):
        seen += [(step.stage_no, step.position) for step in found]
        after = seen[-1]
    assert seen == sorted(seen)
    assert len(seen) == len(set(seen)) == 1 + 12 + 24 + 1


def test_steps_are_filtered_by_status_and_stage(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    builds.claim_one(job_id, SUB_CONCEPTS)
    pending = builds.store.read(list_steps, job_id, statuses=[StepStatus.PENDING], limit=9)
    running = builds.store.read(list_steps, job_id, statuses=[StepStatus.PROCESSING], stage="sub-concepts", limit=9)
    assert (len(pending), len(running)) == (2, 1)
    assert builds.store.read(list_steps, job_id, stage="finalize", limit=9) == []


def test_a_step_is_found_in_its_own_job_alone(builds: Builds) -> None:
    job_id, other = builds.start(), builds.start(path_id="other")
    (root,) = builds.steps(job_id)
    assert builds.store.read(get_step, job_id, root.id).step == root
    with pytest.raises(StepNotFound):
        builds.store.read(get_step, other, root.id)


def test_outputs_are_read_in_document_order_and_begin_with_the_root(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded(output='"root"')))
    assert [text for _, text in builds.store.read(read_outputs, job_id, CONCEPTS, after="", limit=5)] == ['"root"']


def test_outputs_are_paged_by_position_and_leave_out_what_did_not_complete(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 6)
    claimed = builds.claim(job_id)
    for one in reversed(claimed):
        builds.end((one, failed(is_final=True) if one.step.ordinal == 2 else succeeded(output=str(one.step.ordinal))))
    seen: list[str] = []
    after = ""
    while found := builds.store.read(read_outputs, job_id, SUB_CONCEPTS, after=after, limit=2):
        seen += [text for _, text in found]
        after = found[-1][0]
    assert seen == ["0", "1", "3", "4", "5"]
    assert builds.store.read(read_outputs, job_id, FINALIZE_NO, after="", limit=2) == []


def _forget_rows_of(tx: Connection, job_id: str) -> None:
    """Rows that point to the job would forbid its new id."""
    for table in (job_events, steps, job_stages):
        tx.execute(table.delete().where(table.c.job_id == job_id))


def test_a_step_is_found_by_an_ending_of_its_id(builds: Builds) -> None:
    job_id = builds.start()
    [root] = builds.steps(job_id)
    assert builds.store.read(get_step, job_id, root.id[-8:].upper()).step == root
    with pytest.raises(StepNotFound):
        builds.store.read(get_step, job_id, root.id[-3:])


def test_a_job_names_the_first_steps_that_it_lacks_in_document_order(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, MISSING + 3)
    first, *lost = builds.claim(job_id)
    builds.end(*[(step, failed(f"no {step.step.key}", is_final=True)) for step in reversed(lost)])
    assert builds.job(job_id).missing[0].error == ErrorInfo("ValueError", "no c1")
    builds.end((first, succeeded()))
    builds.end((builds.claim_one(job_id), succeeded()))

    job = builds.job(job_id)
    assert (job.status, job.error_count) == (JobStatus.COMPLETED, MISSING + 2)
    assert [step.key for step in job.missing] == [f"c{number}" for number in range(1, MISSING + 1)]
    assert {(step.stage, step.failure) for step in job.missing} == {("sub-concepts", FailureReason.HANDLER_ERROR)}
    every = builds.store.read(list_steps, job_id, statuses=[StepStatus.FAILED], limit=100)
    assert [step.key for step in every] == [step.step.key for step in lost]


def test_a_job_whose_steps_all_succeeded_lacks_nothing_and_lists_name_nothing(builds: Builds) -> None:
    whole, broken = builds.start(path_id="whole"), builds.start(path_id="broken")
    builds.run(whole, tree())
    builds.end((builds.claim_one(broken), failed(is_final=True)))
    assert builds.job(whole).missing == ()
    assert [step.stage for step in builds.job(broken).missing] == ["concepts"]
    assert [job.missing for job in page(builds)] == [(), ()]
