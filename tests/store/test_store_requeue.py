"""Dead letters requeued and discarded: where their steps run again, and who wins when many want different things."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import pytest
from sqlalchemy import Connection, select, update

from jobcontrol_core.domain.errors import DomainError
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.loglines import lines_of
from jobcontrol_core.domain.tolerance import FAIL_FAST
from jobcontrol_core.domain.values import Step
from jobcontrol_core.store.discards import discard_letters
from jobcontrol_core.store.requeues import MOST_RETRIES
from jobcontrol_core.store.tables import audit_events, steps
from store.builds import Builds, tree
from store.burying import ORDER, bury, letter_ids, letters, requeue
from store.factories import FINALIZE_NO, SUB_CONCEPTS, children, failed, pipeline, stages, succeeded
from store.threads import together


def audited(tx: Connection) -> list[tuple[str, str, str, str]]:
    found = tx.execute(select(audit_events).order_by(audit_events.c.resource))
    return [(row.action, row.actor, row.reason, row.resource) for row in found]


def failed_step(builds: Builds, job_id: str) -> Step:
    return next(step for step in builds.steps(job_id, "sub-concepts") if step.status is StepStatus.FAILED)


def discard(builds: Builds, *ids: str) -> set[str]:
    return builds.store.write(discard_letters, ORDER, ids or letter_ids(builds))


def test_a_step_of_a_running_job_starts_again_with_a_fresh_set_of_tries(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    dead = failed_step(builds, job_id)
    done = requeue(builds)
    (again,) = [step for step in builds.steps(job_id) if step.id == dead.id]
    assert (done.count, done.failures, done.retry_job_ids) == (1, [], {})
    assert (again.status, again.tries, again.attempt) == (StepStatus.PENDING, 0, dead.attempt)
    assert letters(builds) == []
    assert builds.job(job_id).error_count == 0
    assert (job_id, SUB_CONCEPTS) in {(one.job_id, one.stage_no) for one in done.waiting}
    claimed = builds.claim(job_id, SUB_CONCEPTS)
    assert {one.step.attempt for one in claimed if one.step.id == dead.id} == {dead.attempt + 1}


def test_a_requeued_step_that_completes_leaves_nothing_of_its_failure(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    requeue(builds)
    job = builds.run(job_id, tree(2, 1))
    assert (job.status, job.error_count, job.percent) == (JobStatus.COMPLETED, 0, 100)


def test_a_requeued_step_that_fails_again_has_all_its_tries_and_then_a_new_letter(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    (old,) = letters(builds)
    requeue(builds)
    for _ in range(3):
        assert letters(builds) == []
        builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed("still none")))
    (new,) = letters(builds)
    assert (new.step.id, new.step.tries, new.step.attempt) == (old.step.id, 3, 4)
    assert new.id != old.id


def test_a_step_that_ended_processes_runs_alone_again_as_often_as_at_first(builds: Builds) -> None:
    job_id = bury(builds, "a", "poison")
    step_id = failed_step(builds, job_id).id
    builds.store.write(lambda tx: tx.execute(update(steps).where(steps.c.id == step_id).values(crashes=3, losses=4)))
    requeue(builds)
    counts = select(steps.c.crashes, steps.c.losses).where(steps.c.id == step_id)
    assert builds.store.read(lambda tx: tx.execute(counts).one()) == (1, 0)


def test_the_log_tells_who_requeued_what_and_why(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    requeue(builds)
    told = [(line.type, line.message) for event in builds.events(job_id)[-1:] for line in lines_of(event)]
    assert told == [
        ("job.requeued", "failed steps requeued by bob: the quota is back"),
        ("step.requeued", "Child 0 requeued"),
    ]


def test_the_audit_log_names_every_step(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    step_id = failed_step(builds, job_id).id
    requeue(builds)
    expected = ("RequeueDeadLetters", "bob", "the quota is back", f"jobs/{job_id}/steps/{step_id}")
    assert builds.store.read(audited) == [expected]


def test_a_paused_job_takes_its_steps_back_and_hands_them_out_when_it_goes_on(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    builds.pause(job_id)
    done = requeue(builds)
    assert (done.count, done.waiting, builds.claim(job_id)) == (1, (), ())
    builds.resume(job_id)
    assert len(builds.claim(job_id, SUB_CONCEPTS)) == 2


def ended(builds: Builds, path_id: str = "a", *messages: str) -> str:
    """A COMPLETED job with failed steps."""
    job_id = bury(builds, path_id, *(messages or ("no quota",)))
    assert builds.run(job_id, tree()).status is JobStatus.COMPLETED
    return job_id


def test_the_letters_of_a_job_that_has_ended_go_with_one_retry_job(builds: Builds) -> None:
    job_id = ended(builds, "a", "no quota", "no answer")
    chosen, _ = letter_ids(builds)
    done = requeue(builds, chosen)
    (new_id,) = done.retry_job_ids.values()
    new = builds.job(new_id)
    assert (new.retry_of, new.status_actor, new.status_reason) == (job_id, "bob", "the quota is back")
    assert (done.count, letters(builds)) == (2, []), "the retry runs the other failed step, too"
    assert builds.job(job_id).status is JobStatus.COMPLETED
    assert builds.run(new_id, tree(1, 1)).error_count == 0


def test_the_letter_of_a_finalize_step_goes_with_a_retry_job(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 0)
    builds.end((builds.claim_one(job_id, FINALIZE_NO), failed(is_final=True)))
    assert builds.job(job_id).status is JobStatus.FAILED
    (new_id,) = requeue(builds).retry_job_ids.values()
    assert builds.run(new_id, tree()).status is JobStatus.COMPLETED


def test_a_job_that_is_finalizing_keeps_its_letters_until_it_has_ended(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), succeeded()))
    done = requeue(builds)
    assert [failure.reason for failure in done.failures] == ["DEAD_LETTER_NOT_REQUEUEABLE"]
    assert failed_step(builds, job_id).status is StepStatus.FAILED
    builds.run(job_id, tree())
    assert len(requeue(builds).retry_job_ids) == 1


def test_a_job_that_is_being_cancelled_keeps_its_letters(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota")
    builds.claim_one(job_id, SUB_CONCEPTS)
    builds.cancel(job_id)
    assert [failure.reason for failure in requeue(builds).failures] == ["DEAD_LETTER_NOT_REQUEUEABLE"]
    assert len(letters(builds)) == 1


def test_a_path_that_is_being_built_keeps_its_letters_and_the_others_go_on(builds: Builds) -> None:
    ended(builds, "a")
    ended(builds, "b")
    active = builds.start(path_id="a")
    done = requeue(builds)
    (failure,) = done.failures
    assert (failure.reason, active in failure.message) == ("PATH_BUILD_ACTIVE", True)
    assert [builds.job(new_id).path_id for new_id in done.retry_job_ids.values()] == ["b"]
    assert [letter.id for letter in letters(builds)] == [failure.id]


def test_one_call_makes_so_many_retry_jobs_and_leaves_the_rest_to_the_next(builds: Builds) -> None:
    for number in range(MOST_RETRIES + 1):
        ended(builds, f"path-{number:02}")
    assert [len(requeue(builds).retry_job_ids) for _ in range(2)] == [MOST_RETRIES, 1]
    assert letters(builds) == []


def test_a_discarded_letter_is_gone_and_its_step_stays_failed(builds: Builds) -> None:
    job_id = bury(builds, "a", "no quota", "no answer")
    kept, gone = letter_ids(builds)
    assert discard(builds, gone) == {gone}
    assert discard(builds, gone) == set()
    assert [letter.id for letter in letters(builds)] == [kept]
    assert [step.status for step in builds.steps(job_id, "sub-concepts")].count(StepStatus.FAILED) == 2
    assert builds.job(job_id).error_count == 2
    ((action, actor, _, resource),) = builds.store.read(audited)
    assert (action, actor) == ("DiscardDeadLetters", "bob")
    assert resource.startswith(f"jobs/{job_id}/steps/")


Rival = Callable[[Builds, str], object]


def cancel(builds: Builds, job_id: str) -> object:
    return builds.cancel(job_id)


def requeue_too(builds: Builds, job_id: str) -> object:
    return requeue(builds)


def discard_too(builds: Builds, job_id: str) -> object:
    return discard(builds)


def end_the_rest(builds: Builds, job_id: str) -> object:
    """The last open step ends, so the finalize step is born, or the stage has failed too often."""
    return [builds.end((one, failed(is_final=True))) for one in builds.claim(job_id, SUB_CONCEPTS)]


def complete_the_rest(builds: Builds, job_id: str) -> object:
    return [builds.end((one, succeeded(born=children(2, 1)))) for one in builds.claim(job_id, SUB_CONCEPTS)]


@pytest.mark.parametrize("rival", [cancel, requeue_too, discard_too, end_the_rest, complete_the_rest])
@pytest.mark.parametrize("share", [1.0, FAIL_FAST])
def test_of_a_requeue_and_whatever_races_with_it_one_is_first_and_the_books_are_right(
    builds: Builds, rival: Rival, share: float
) -> None:
    builds.is_audited = False
    for turn in range(6):
        spec = pipeline(stages=tuple(stages(tolerated_share=share)))
        job_id = builds.start(path_id=f"path-{turn}", pipeline=spec)
        builds.fan_out(job_id, 4)
        running = builds.claim(job_id, SUB_CONCEPTS, 3)
        builds.end(*((one, failed(is_final=True)) for one in running[:2]))
        race(builds, job_id, [partial(requeue, builds, *letter_ids(builds)), partial(rival, builds, job_id)])


def race(builds: Builds, job_id: str, moves: Sequence[Callable[[], object]]) -> None:
    """Make these moves at one moment; who comes too late may be refused."""

    def move(number: int) -> None:
        with suppress(DomainError):
            moves[number]()

    together(len(moves), move)
    builds.audit(job_id)


def test_of_two_who_requeue_the_same_letters_each_letter_has_one(builds: Builds) -> None:
    builds.is_audited = False
    job_id = bury(builds, "a", *(f"no {number}" for number in range(12)))
    ids = letter_ids(builds)
    counts = together(4, lambda _: requeue(builds, *ids).count)
    assert (sum(counts), letters(builds), builds.job(job_id).error_count) == (12, [], 0)
    builds.audit(job_id)
