"""Many threads on one job: no deadlock, no lost update, nothing done twice."""

import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from threading import Event

import pytest

from jobcontrol_core.domain.errors import JobTerminal, PathBuildActive
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Interrupted, Outcome
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.reaping import reap, release_session
from jobcontrol_core.store.stopping import read_stopping_jobs
from jobcontrol_core.store.tables import workers
from services.waiting import wait_until
from store.builds import Builds, outcome_of, tree
from store.factories import LEASE, SUB_CONCEPTS, UNITS, children, failed, succeeded
from store.threads import together

EVERY_STAGE = dict.fromkeys(range(4), 3)


@pytest.fixture(autouse=True)
def unaudited(builds: Builds) -> None:
    """An audit reads while others write; it comes at the end."""
    builds.is_audited = False


def work(builds: Builds, job_id: str, *, seed: int, until: Callable[[], bool] = bool) -> int:
    """Exchange as a worker process does until the job has ended; returns how many outcomes were accepted."""
    drawn = random.Random(seed)
    session_id = builds.open_session().id
    claimed: tuple[ClaimedStep, ...] = ()
    accepted = 0
    while not builds.job(job_id).status.has_ended and not until():
        outcomes = [outcome_of(one, _outcome(drawn, one)) for one in claimed]
        done = builds.exchange(outcomes, ClaimWish(job_id, EVERY_STAGE), session_id=session_id)
        accepted += len(done.accepted)
        claimed = done.claimed
    # What is left over is given back, as by a draining process: nobody else could end it.
    left = [outcome_of(one, Interrupted("DRAINED")) for one in claimed]
    return accepted + len(builds.exchange(left, session_id=session_id).accepted)


def test_no_two_claimers_ever_get_the_same_step(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 60)
    claimed = together(6, lambda _: [one.step.id for _ in range(12) for one in builds.claim(job_id, SUB_CONCEPTS, 2)])
    counted = Counter(step_id for of_one in claimed for step_id in of_one)
    assert set(counted.values()) == {1}
    assert len(counted) == 60
    assert builds.job(job_id).stages[1].counts.active == 60
    builds.audit(job_id)


def test_many_workers_build_one_job_with_every_step_done_once(builds: Builds) -> None:
    job_id = builds.start()
    accepted = together(5, lambda number: work(builds, job_id, seed=number))
    job = builds.job(job_id)
    assert job.status in (JobStatus.COMPLETED, JobStatus.FAILED)
    assert sum(accepted) == sum(step.attempt for step in builds.steps(job_id))
    assert builds.audit(job_id).finalize_steps <= 1


def test_workers_on_several_jobs_at_once_end_them_all(builds: Builds) -> None:
    jobs = [builds.start(path_id=f"path-{number}") for number in range(3)]

    def exchange_over_all(number: int) -> None:
        order = jobs[number % 3 :] + jobs[: number % 3]
        claimed: tuple[ClaimedStep, ...] = ()
        while not all(builds.job(job_id).status.has_ended for job_id in jobs):
            ends = [outcome_of(one, tree(4, 3)(one)) for one in claimed]
            claimed = builds.exchange(ends, *(ClaimWish(job_id, EVERY_STAGE) for job_id in order)).claimed

    together(4, exchange_over_all)
    for job_id in jobs:
        assert builds.job(job_id).stages[2].counts.completed == 12
        builds.audit(job_id)


def test_cancelling_while_many_work_ends_the_job_cancelled_and_nothing_starts_after_it(builds: Builds) -> None:
    for round_ in range(3):
        job_id = builds.start(path_id=f"path-{round_}")
        builds.fan_out(job_id, 40)

        def work_or_cancel(number: int, job_id: str = job_id, round_: int = round_) -> None:
            if number:
                work(builds, job_id, seed=number)
                return
            wait_until(lambda: builds.job(job_id).last_sequence >= 3 + 4 * round_, "others have begun")
            builds.cancel(job_id)
            while builds.store.read(read_stopping_jobs):
                builds.sweep(job_id)

        together(4, work_or_cancel)
        assert builds.job(job_id).status is JobStatus.CANCELLED
        builds.audit(job_id)
        assert _claims_after_the_cancel(builds, job_id) == []


def test_reapers_workers_sweeps_and_cancels_never_block_each_other(builds: Builds) -> None:
    jobs = [builds.start(path_id=f"path-{number}") for number in range(2)]
    for job_id in jobs:
        builds.fan_out(job_id, 30)
    done = Event()

    def disturb(number: int) -> None:
        drawn = random.Random(number)
        if number < 3:
            work(builds, jobs[number % 2], seed=number, until=done.is_set)
            return
        for _ in range(25):
            builds.store.write(reap)
            builds.rewind(workers.c.lease_until, LEASE * drawn.choice([0, 0, 0, 2]))
            builds.store.write(release_session, builds.session, "restart", Interrupted("DRAINED"))
            builds.store.write(make_due)
        with suppress(JobTerminal):
            builds.cancel(jobs[number % 2])
        done.set()

    together(5, disturb)
    builds.rewind(workers.c.lease_until, LEASE * 2)
    while stopping := builds.store.read(read_stopping_jobs):
        for job_id in stopping:
            builds.sweep(job_id)
    builds.write(reap)
    for job_id in jobs:
        assert builds.job(job_id).status.has_ended
        builds.audit(job_id)


def test_an_outcome_and_a_reaper_that_meet_leave_one_winner(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 24)
    claimed = builds.claim(job_id)
    builds.rewind(workers.c.lease_until, LEASE * 2)

    def end_or_reap(number: int) -> int:
        if number == 0:
            return len(builds.write(reap).accepted)
        mine = claimed[number - 1 :: 3]
        return len(builds.end(*((one, succeeded(born=children(UNITS, 1))) for one in mine)).accepted)

    assert sum(together(4, end_or_reap)) == 24
    ended = [step for step in builds.steps(job_id, "sub-concepts") if step.status is StepStatus.COMPLETED]
    assert len(builds.steps(job_id, "knowledge-units")) == len(ended)
    builds.audit(job_id)


def test_retries_cancels_and_starts_of_one_path_leave_at_most_one_active(builds: Builds) -> None:
    first = builds.start()
    builds.cancel(first)

    def quarrel(number: int) -> None:
        for _ in range(4):
            try:
                job_id = builds.retry(first).job_id if number % 2 else builds.start()
                builds.end(*((one, succeeded()) for one in builds.claim(job_id)))
                builds.cancel(job_id)
            except (PathBuildActive, JobTerminal):
                continue

    together(4, quarrel)
    last = builds.start()
    assert builds.run(last, tree(1)).status is JobStatus.COMPLETED


def _outcome(drawn: random.Random, claimed: ClaimedStep) -> Outcome:
    if drawn.random() < 0.1:
        return failed()
    if drawn.random() < 0.05:
        return Interrupted("DRAINED")
    return tree(6, 3)(claimed)


def _claims_after_the_cancel(builds: Builds, job_id: str) -> list[int]:
    events = builds.events(job_id)
    cancelled = next(event.sequence for event in events if event.change and event.change.actor == "bob")
    return [
        event.sequence
        for event in events
        if event.sequence >= cancelled
        # What runs at the cancel is told in its commit: with a receipt, which a claim has not.
        and any(step.status is StepStatus.PROCESSING and step.stop_receipt is None for step in event.steps)
    ]
