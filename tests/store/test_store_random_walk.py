"""A store in any order of operations: a seeded walk, in which every job is audited after every commit."""

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest

from jobcontrol_core.domain.errors import DomainError, JobNotRetryable, JobNotTerminal, JobTerminal, PathBuildActive
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.outcomes import Crashed, Interrupted, Outcome, Skipped
from jobcontrol_core.domain.retry import RetryPolicy
from jobcontrol_core.domain.tolerance import CONTINUE, FAIL_FAST
from jobcontrol_core.domain.values import ClaimedStep, StageSpec
from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.deletions import delete_job, purge
from jobcontrol_core.store.discards import discard_letters
from jobcontrol_core.store.gradual import read_running_requeues
from jobcontrol_core.store.reaping import reap, release_session
from jobcontrol_core.store.stopping import abandon_running
from jobcontrol_core.store.tables import steps, workers
from store.audit import rows_left
from store.builds import Builds, outcome_of
from store.burying import ORDER, advance, begin, letter_ids, requeue
from store.factories import LEASE, UNITS, children, failed, pipeline, request_key, stages, succeeded

PATHS = ("rust-101", "go-101")
REFUSALS: tuple[type[DomainError], ...] = (PathBuildActive, JobTerminal, JobNotTerminal, JobNotRetryable)


class Walk:
    """Does at random what users, workers and the dispatcher do; `held` are attempts that somebody believes to run."""

    def __init__(self, builds: Builds, seed: int) -> None:
        self.builds = builds
        self.random = random.Random(seed)
        self.jobs: list[str] = []
        self.held: list[ClaimedStep] = []
        self.sessions = [builds.open_session().id for _ in range(3)]

    def step(self) -> None:
        actions: list[tuple[Callable[[], None], int]] = [
            (self.start, 3), (self.exchange, 30), (self.cancel, 2), (self.retry, 4), (self.expire, 1),
            (self.release, 3), (self.reap, 2), (self.make_due, 4), (self.sweep, 3), (self.abandon, 1),
            (self.requeue, 3), (self.discard, 1), (self.delete, 2), (self.purge, 4),
        ]  # fmt: skip
        (do,) = self.random.choices([action for action, _ in actions], [weight for _, weight in actions])
        try:
            do()
        except REFUSALS:
            return

    def start(self) -> None:
        backing_off = RetryPolicy(max_attempts=2, base=self.random.choice([0.0, 5.0]))
        self.jobs.append(
            self.builds.start(
                path_id=self.random.choice(PATHS),
                pipeline=pipeline(stages=tuple(self.tolerating(one) for one in stages(backing_off))),
                key=request_key(new_id()),
                use_existing=False,
            )
        )

    def tolerating(self, stage: StageSpec) -> StageSpec:
        return replace(stage, tolerated_share=self.random.choice([CONTINUE, CONTINUE, 0.5, FAIL_FAST]))

    def exchange(self) -> None:
        """End some attempts, old ones and strangers' among them, and claim in some jobs."""
        self.random.shuffle(self.held)
        ending, self.held = self.held[: self.random.randrange(4)], self.held[self.random.randrange(4) :]
        wishes = [
            ClaimWish(
                job_id,
                {stage_no: self.random.randrange(4) for stage_no in self.random.sample(range(4), 4)},
                is_for_suspects=self.random.random() < 0.4,
            )
            for job_id in self.random.sample(self.jobs, min(2, len(self.jobs)))
        ]
        outcomes = [outcome_of(one, self.outcome(one)) for one in ending]
        done = self.builds.exchange(outcomes, *wishes, session_id=self.random.choice(self.sessions))
        self.held += done.claimed

    def outcome(self, claimed: ClaimedStep) -> Outcome:
        drawn = self.random.random()
        if drawn < 0.15:
            return failed(is_final=self.random.random() < 0.3)
        if drawn < 0.2:
            return Interrupted("DRAINED")
        if drawn < 0.25:
            return Skipped("known")
        stage_no = claimed.step.stage_no
        return succeeded(born=children(stage_no + 1, self.random.randrange(4)) if stage_no < UNITS else ())

    def cancel(self) -> None:
        if self.jobs:
            self.builds.cancel(self.random.choice(self.jobs))

    def retry(self) -> None:
        if self.jobs:
            old = self.random.choice(self.jobs)
            self.jobs.append(self.builds.retry(old, from_scratch=self.random.random() < 0.2).job_id)

    def requeue(self) -> None:
        """Some letters at once, or all of them little by little, as the dispatcher goes on with it."""
        found = letter_ids(self.builds)
        if found and self.random.random() < 0.5:
            done = requeue(self.builds, *self.random.sample(found, self.random.randint(1, len(found))))
            self.jobs += done.retry_job_ids.values()
        else:
            self.jobs += begin(self.builds, canary=True).at_once.retry_job_ids.values()
        for requeue_id in self.builds.store.read(read_running_requeues):
            self.jobs += advance(self.builds, requeue_id).retry_job_ids.values()

    def discard(self) -> None:
        found = letter_ids(self.builds)
        self.builds.store.write(discard_letters, ORDER, self.random.sample(found, min(1, len(found))))

    def delete(self) -> None:
        """A job that has ended; from then on nobody speaks of it, but for attempts that somebody still believes in."""
        if self.jobs:
            gone = self.random.choice(self.jobs)
            self.builds.store.write(delete_job, gone, ORDER)
            self.jobs.remove(gone)

    def purge(self) -> None:
        self.builds.store.write(purge)

    def expire(self) -> None:
        self.builds.rewind(workers.c.lease_until, LEASE * 2)
        self.sessions = [self.builds.open_session().id for _ in range(3)]

    def release(self) -> None:
        gone = self.sessions.pop(self.random.randrange(3))
        self.sessions.append(self.builds.open_session().id)
        self.builds.write(
            release_session, gone, "gone", self.random.choice([Crashed("signal 9"), Interrupted("DRAINED")])
        )

    def reap(self) -> None:
        self.builds.write(reap)

    def make_due(self) -> None:
        self.builds.rewind(steps.c.next_attempt_at, timedelta(seconds=10))
        self.builds.store.write(make_due)

    def sweep(self) -> None:
        if self.jobs:
            self.builds.sweep(self.random.choice(self.jobs))

    def sweep_whole(self, job_id: str) -> None:
        while self.builds.sweep(job_id):
            pass

    def abandon(self) -> None:
        if self.jobs:
            self.builds.write(abandon_running, self.random.choice(self.jobs))

    def run_dry(self) -> None:
        """Let every job end: nothing is lost, nothing is stuck."""
        self.held.clear()
        self.expire()
        self.reap()
        for job_id in self.jobs:
            while not self.builds.job(job_id).status.has_ended:
                self.make_due()
                self.sweep_whole(job_id)
                claimed = self.builds.claim(job_id) + self.builds.claim_suspects(job_id)
                has_ended = self.builds.job(job_id).status.has_ended
                assert claimed or has_ended, f"job {job_id} is stuck: {self.builds.job(job_id)}"
                self.builds.end(*((one, self.outcome(one)) for one in claimed))


@pytest.mark.parametrize("seed", range(4))
def test_whatever_happens_in_whatever_order_the_books_are_right_and_every_job_ends(builds: Builds, seed: int) -> None:
    walk = Walk(builds, seed)
    for _ in range(150):
        walk.step()
    walk.run_dry()
    for job_id in walk.jobs:
        assert builds.audit(job_id).finalize_steps <= 1
    for job_id in list(walk.jobs):
        builds.store.write(delete_job, job_id, ORDER)
    while builds.store.write(purge):
        pass
    assert builds.store.read(rows_left) == {}
