"""StartBuild: a job, its stages, its first step and event 1, once per request and per path."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from jobcontrol_core.domain.errors import PathBuildActive, RequestIdReused
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.store.blobs import get_blob
from jobcontrol_core.store.builds import NewDocument, Started, start_build
from jobcontrol_core.store.requests import KEPT, prune_requests
from jobcontrol_core.store.tables import jobs, request_ids
from store.builds import Builds, tree
from store.factories import new_build, pipeline, request_key, stages
from store.threads import together


def count_jobs(builds: Builds) -> int:
    return builds.store.read(lambda tx: int(tx.execute(select(func.count()).select_from(jobs)).scalar_one()))


def test_a_start_leaves_a_pending_job_with_one_pending_step_and_event_1(builds: Builds) -> None:
    started = builds.ask()
    job = builds.job(started.job_id)
    assert (job.status, job.percent, job.last_sequence, job.triggered_by) == (JobStatus.PENDING, 0, 1, "ada")
    (root,) = builds.steps(job.id)
    assert (root.stage, root.status, root.key, root.label) == ("concepts", StepStatus.PENDING, "rust-101", "Rust")
    (event,) = builds.events(job.id)
    assert event.change is not None
    assert (event.sequence, event.change.previous, event.change.actor) == (1, None, "ada")
    assert [(one.job_id, one.sequence) for one in started.committed] == [(job.id, 1)]


def test_a_job_keeps_its_own_copy_of_the_stages(builds: Builds) -> None:
    slow = RetryPolicy(max_attempts=7, base=2.0, factor=3.0, max_delay=9.0)
    job_id = builds.start(pipeline=pipeline(stages=stages(slow, version=4, queue="q")))
    build = builds.build(job_id)
    assert [stage.name for stage in build.stages] == ["concepts", "sub-concepts", "knowledge-units", "finalize"]
    assert {(stage.retry, stage.version, stage.queue) for stage in build.stages} == {(slow, 4, "q")}


def test_a_job_keeps_what_it_was_started_with(builds: Builds) -> None:
    document = NewDocument(b"# Rust\n", "text/markdown", "rust.md")
    job_id = builds.start(parameters={"depth": 2}, labels={"team": "docs"}, document=document)
    job, build = builds.job(job_id), builds.build(job_id)
    assert (job.parameters, job.labels) == ({"depth": 2}, {"team": "docs"})
    assert (build.document, build.first_job_id, build.parameters) == (document.ref, job_id, {"depth": 2})
    assert builds.store.read(get_blob, document.ref.sha256) == b"# Rust\n"


def test_a_second_build_of_an_active_path_is_refused_naming_the_first(builds: Builds) -> None:
    job_id = builds.start()
    with pytest.raises(PathBuildActive) as refused:
        builds.start()
    assert refused.value.active_job_id == job_id
    assert count_jobs(builds) == 1


def test_a_refused_start_leaves_its_request_id_free(builds: Builds) -> None:
    first = builds.start()
    with pytest.raises(PathBuildActive):
        builds.start(key=request_key("r-2"))
    builds.cancel(first)
    assert not builds.ask(key=request_key("r-2")).is_existing


def test_use_existing_answers_with_the_active_job(builds: Builds) -> None:
    job_id = builds.start()
    again = builds.ask(use_existing=True, key=request_key("r-2"))
    assert again == Started(job_id, is_existing=True)
    assert builds.ask(use_existing=True, key=request_key("r-2")) == again
    assert builds.ask(use_existing=True) == again


def test_a_path_whose_build_has_ended_can_be_built_again(builds: Builds) -> None:
    first = builds.start()
    builds.run(first, tree(1, 1))
    assert builds.start() != first


def test_another_tenant_may_build_the_same_path(builds: Builds) -> None:
    assert builds.start() != builds.start(tenant="other", key=request_key(tenant="other"))


def test_the_same_request_gets_the_same_job(builds: Builds) -> None:
    first = builds.ask(key=request_key("r-1"))
    again = builds.ask(key=request_key("r-1"))
    assert again == Started(first.job_id, is_existing=False)
    assert count_jobs(builds) == 1


def test_the_same_request_gets_the_same_job_even_after_it_ended(builds: Builds) -> None:
    job_id = builds.start(key=request_key("r-1"))
    builds.cancel(job_id)
    assert builds.start(key=request_key("r-1")) == job_id


def test_a_request_id_of_another_request_is_refused(builds: Builds) -> None:
    builds.start(key=request_key("r-1", b"one"))
    with pytest.raises(RequestIdReused):
        builds.start(key=request_key("r-1", b"two"), path_id="other")
    assert count_jobs(builds) == 1


def test_a_request_id_belongs_to_its_tenant(builds: Builds) -> None:
    first = builds.start(key=request_key("r-1"))
    other = builds.start(tenant="other", key=request_key("r-1", b"other", tenant="other"))
    assert other != first


def test_a_request_id_is_free_again_after_24_hours(builds: Builds) -> None:
    first = builds.start(key=request_key("r-1"))
    builds.cancel(first)
    builds.rewind(request_ids.c.created_at, KEPT + timedelta(seconds=1))
    assert builds.start(key=request_key("r-1", b"another")) != first


def test_old_request_ids_are_forgotten(builds: Builds) -> None:
    builds.start(key=request_key("r-1"))
    now = builds.job(builds.start(path_id="other")).created_at
    assert builds.store.write(prune_requests, now) == 0
    assert builds.store.write(prune_requests, now + KEPT + timedelta(hours=1)) == 1


def test_many_concurrent_calls_of_one_request_make_one_job(builds: Builds) -> None:
    builds.is_audited = False
    answers = together(8, lambda _: builds.ask(key=request_key("r-1")))
    assert len({answer.job_id for answer in answers}) == 1
    assert sum(bool(answer.committed) for answer in answers) == 1
    assert count_jobs(builds) == 1
    builds.audit(answers[0].job_id)


def test_of_many_concurrent_builds_of_one_path_one_is_accepted(builds: Builds) -> None:
    builds.is_audited = False

    def start(_: int) -> str | None:
        try:
            return builds.start(key=request_key(new_id()))
        except PathBuildActive:
            return None

    accepted = [job_id for job_id in together(8, start) if job_id]
    assert len(accepted) == 1
    assert count_jobs(builds) == 1


def test_many_concurrent_builds_that_take_an_existing_one_share_it(builds: Builds) -> None:
    builds.is_audited = False
    answers = together(8, lambda _: builds.ask(use_existing=True, key=request_key(new_id())))
    assert len({answer.job_id for answer in answers}) == 1
    assert sum(not answer.is_existing for answer in answers) == 1


def test_starting_and_cancelling_one_path_from_many_threads_never_leaves_two_active(builds: Builds) -> None:
    builds.is_audited = False

    def start_and_cancel(_: int) -> None:
        for _ in range(4):
            try:
                builds.cancel(builds.start())
            except PathBuildActive:
                continue

    together(6, start_and_cancel)
    job_id = builds.start()
    active = builds.store.read(
        lambda tx: tx.execute(select(jobs.c.id).where(jobs.c.status.in_(["PENDING", "PROCESSING"]))).scalars().all()
    )
    assert active == [job_id]


def test_a_start_that_fails_half_way_leaves_nothing(builds: Builds) -> None:
    broken = new_build(pipeline=pipeline(stages=stages(queue=None)), key=request_key("r-1"))
    with pytest.raises(Exception, match=r"(?i)null"):
        builds.store.write(start_build, broken)
    assert count_jobs(builds) == 0
    assert builds.ask(key=request_key("r-1", b"another")).committed
