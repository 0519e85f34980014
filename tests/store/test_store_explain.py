"""Why a job waits: every reason, provoked."""

from typing import Any

import pytest

from jobcontrol_core.domain.outcomes import Crashed
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.waiting import Wait, WaitingReason
from jobcontrol_core.store.explain import explain_job, explain_standstill
from jobcontrol_core.store.pipelines import publish_pipeline
from jobcontrol_core.store.queues import limit_queue, pause_queue
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.tables import workers
from store.builds import Builds, tree
from store.factories import LEASE, SUB_CONCEPTS, failed, pipeline, served_stages, stages

QUEUE = "learning-path-sub-concepts"


@pytest.fixture
def builds(builds: Builds) -> Builds:
    """With the learning path's queues known, and one process of three steps a stage."""
    builds.store.write(publish_pipeline, pipeline())
    return builds


def explained(builds: Builds, job_id: str) -> list[Wait]:
    """What is waited for, but for the result, which waits for everything."""
    found = builds.store.read(explain_job, job_id)
    return [wait for wait in found if wait.reason is not WaitingReason.OTHER_STEPS]


def only(builds: Builds, job_id: str) -> Wait:
    (wait,) = explained(builds, job_id)
    return wait


def fanned_out(builds: Builds, count: int = 5, **overrides: Any) -> str:
    job_id = builds.start(**overrides)
    builds.fan_out(job_id, count)
    return job_id


def limit(builds: Builds, **changes: Any) -> None:
    builds.store.write(limit_queue, QUEUE, changes, actor="ada", reason="")


def test_no_worker_runs_the_stage_in_that_version(builds: Builds) -> None:
    job_id = builds.start(pipeline=pipeline(stages=stages(version=2)))
    wait = only(builds, job_id)
    assert (wait.reason, wait.stage, wait.steps) == (WaitingReason.NO_WORKER, "concepts", 1)
    assert wait.message == (
        "no live worker runs concepts of learning-path in version 2, queue learning-path-concepts; alive are versions 1"
    )


def test_no_worker_is_alive_any_more(builds: Builds) -> None:
    job_id = builds.start()
    builds.rewind(workers.c.lease_until, 2 * LEASE)
    wait = only(builds, job_id)
    assert (wait.reason, "alive" in wait.message.partition(";")[2]) == (WaitingReason.NO_WORKER, False)


def test_the_workers_are_busy_with_what_they_run(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.claim(job_id, SUB_CONCEPTS, 3)
    wait = only(builds, job_id)
    assert (wait.reason, wait.stage, wait.steps) == (WaitingReason.WORKERS_BUSY, "sub-concepts", 2)
    assert wait.message == "all processes that run sub-concepts (1) are busy with Child 0, Child 1, Child 2"


def test_a_process_without_a_free_slot_is_busy_whatever_runs_in_it(builds: Builds) -> None:
    builds.rewind(workers.c.lease_until, 2 * LEASE)
    small = builds.open_session(served=served_stages(concurrency=5), slots=1).id
    job_id = fanned_out(builds, 2)
    builds.claim(job_id, SUB_CONCEPTS, 1, session_id=small)
    assert only(builds, job_id).reason is WaitingReason.WORKERS_BUSY


def test_a_busy_worker_is_not_told_what_others_run(builds: Builds) -> None:
    other = fanned_out(builds, tenant="somebody-else")
    builds.claim(other, SUB_CONCEPTS, 3)
    job_id = fanned_out(builds)
    wait = only(builds, job_id)
    assert (wait.reason, "Child" in wait.message) == (WaitingReason.WORKERS_BUSY, False)


def test_a_job_is_paused_by_somebody(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.pause(job_id, reason="too hot")
    wait = only(builds, job_id)
    assert (wait.reason, wait.message, wait.steps) == (WaitingReason.JOB_PAUSED, "is paused by bob: too hot", 5)


def test_a_queue_is_paused_by_somebody(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.store.write(pause_queue, QUEUE, actor="ada", reason="the model is down")
    wait = only(builds, job_id)
    assert (wait.reason, wait.steps) == (WaitingReason.QUEUE_PAUSED, 5)
    assert wait.message == f"queue {QUEUE} is paused by ada: the model is down"


def test_as_many_steps_run_as_may(builds: Builds) -> None:
    job_id = fanned_out(builds)
    limit(builds, max_running=1)
    builds.claim(job_id, SUB_CONCEPTS)
    wait = only(builds, job_id)
    assert (wait.reason, wait.steps, wait.until) == (WaitingReason.LIMIT_REACHED, 4, None)
    assert wait.message == f"as many steps of queue {QUEUE} run as may"


def test_the_rate_is_used_up_until_a_moment(builds: Builds) -> None:
    job_id = fanned_out(builds)
    limit(builds, rate=2, window=3600.0)
    builds.claim(job_id, SUB_CONCEPTS)
    wait = only(builds, job_id)
    assert (wait.reason, wait.steps) == (WaitingReason.LIMIT_REACHED, 3)
    assert wait.until is not None
    assert wait.message == f"the rate of queue {QUEUE} is used up until {wait.until:%H:%M:%S} UTC"


def test_a_handler_put_the_queue_on_hold(builds: Builds) -> None:
    job_id = fanned_out(builds)
    limit(builds, rate=10, window=60.0)
    (step,) = builds.claim(job_id, SUB_CONCEPTS, 1)
    builds.end((step, failed("429", retry_after=3600.0)))
    backoff, held = explained(builds, job_id)
    assert (backoff.reason, held.reason) == (WaitingReason.BACKOFF, WaitingReason.LIMIT_REACHED)
    assert held.message.startswith(f"a handler put queue {QUEUE} on hold until ")
    assert (held.until is not None, held.steps) == (True, 4)


def test_a_failed_try_backs_off(builds: Builds) -> None:
    retry = RetryPolicy(max_attempts=4, base=30.0)
    job_id = fanned_out(builds, 1, pipeline=pipeline(retry=retry))
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed("429 from model")))
    wait = only(builds, job_id)
    assert (wait.reason, wait.stage, wait.steps) == (WaitingReason.BACKOFF, "sub-concepts", 1)
    assert wait.until is not None
    assert wait.message == (
        f"Child 0 is tried again at {wait.until:%H:%M:%S} UTC, try 2 of 4 after ValueError: 429 from model"
    )


def test_an_earlier_job_of_the_path_must_end_first(builds: Builds) -> None:
    first = builds.start()
    builds.claim_one(first)
    second = builds.ask(replaces_existing=True).job_id
    wait = only(builds, second)
    assert (wait.reason, first in wait.message) == (WaitingReason.EARLIER_JOB, True)


def test_a_stopping_job_waits_for_steps_to_let_go(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.claim(job_id, SUB_CONCEPTS, 2)
    builds.cancel(job_id)
    wait = only(builds, job_id)
    assert (wait.reason, wait.steps) == (WaitingReason.STOPPING, 2)
    assert wait.message == "is being stopped; running steps that have yet to let go: Child 0, Child 1"


def test_others_come_first_on_the_queue(builds: Builds) -> None:
    ids = [builds.start(path_id=path_id) for path_id in ("a", "b")]
    told = {job_id: only(builds, job_id) for job_id in ids}
    assert {wait.reason for wait in told.values()} == {WaitingReason.IN_TURN}
    assert [told[job_id].message for job_id in ids] == [
        "is next on queue learning-path-concepts",
        "is number 2 on queue learning-path-concepts",
    ]


def test_the_result_waits_for_so_many_of_so_many_steps(builds: Builds) -> None:
    job_id = fanned_out(builds, 3)
    told = builds.store.read(explain_job, job_id)[-1]
    assert (told.reason, told.stage) == (WaitingReason.OTHER_STEPS, "finalize")
    assert told.message == "the result waits for 3 of 4 steps"


def test_a_job_that_has_ended_waits_for_nothing(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.run(job_id, tree())
    assert builds.store.read(explain_job, job_id) == []


def standstill(builds: Builds, job_id: str) -> Wait | None:
    return builds.store.read(explain_standstill, builds.job(job_id))


def test_a_job_stands_still_only_while_nothing_of_it_runs(builds: Builds) -> None:
    job_id = fanned_out(builds)
    builds.store.write(pause_queue, QUEUE, actor="ada", reason="")
    found = standstill(builds, job_id)
    assert found is not None
    assert found.reason is WaitingReason.QUEUE_PAUSED
    running = fanned_out(builds, path_id="b", pipeline=pipeline(stages=stages(queue="other")))
    builds.claim(running, SUB_CONCEPTS, 1)
    assert standstill(builds, running) is None
    builds.run(running, tree())
    assert standstill(builds, running) is None


def test_a_step_whose_process_ended_runs_alone_next(builds: Builds) -> None:
    job_id = fanned_out(builds, 1)
    gone = builds.open_session().id
    builds.claim(job_id, SUB_CONCEPTS, 1, session_id=gone)
    builds.write(release_session, gone, "signal 11", Crashed("killed by SIGSEGV"))
    wait = only(builds, job_id)
    assert (wait.reason, wait.stage, wait.steps) == (WaitingReason.SUSPECT, "sub-concepts", 1)
    assert wait.message.endswith("run alone, one after the other, in a process that is kept for that")
