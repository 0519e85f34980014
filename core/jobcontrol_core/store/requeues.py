"""Dead letters given a fresh set of tries: in their own job while it can take them, else in a retry job."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, case, delete, or_, select, update

from jobcontrol_core.domain.batches import BatchFailure
from jobcontrol_core.domain.errors import DeadLetterNotRequeueable, JobNotFound, JobNotRetryable, PathBuildActive
from jobcontrol_core.domain.events import Requeue
from jobcontrol_core.domain.lifecycle import REPORTABLE_JOB, StepStatus
from jobcontrol_core.store.audit import Order, write_audit
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.exchange import Waiting, read_waiting
from jobcontrol_core.store.ledger import Committed, Entry, Ledger
from jobcontrol_core.store.requests import RequestKey
from jobcontrol_core.store.retries import NewRetry, retry_job
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import dead_letters, steps

REQUEUED = "RequeueDeadLetters"
#: Retry jobs that one transaction makes: each copies the steps of a whole job.
MOST_RETRIES = 20
_AT_ONCE = 1_000
#: What a step is that starts anew. Its attempts are still told one by one, and go on being counted.
_FRESH: Mapping[str, Any] = {
    "status": StepStatus.PENDING,
    "tries": 0,
    "failure": None,
    "error": None,
    "is_due": True,
    "next_attempt_at": None,
    "completed_at": None,
}
#: A step that ended processes goes on running alone, and may do so as often as at first.
_STILL_SUSPECT = case((steps.c.crashes > 0, 1), else_=0)


@dataclass(slots=True)
class Requeued:
    """What became of dead letters. `requeued` also holds those that a retry job took along unasked.

    Letters in none of the three are left for another call.
    """

    requeued: set[str] = field(default_factory=set)
    failures: list[BatchFailure] = field(default_factory=list)
    retry_job_ids: dict[str, str] = field(default_factory=dict)
    committed: tuple[Committed, ...] = ()
    waiting: tuple[Waiting, ...] = ()

    @property
    def count(self) -> int:
        return len(self.requeued)


class Hold:
    """Dead letters, locked with their steps and jobs, in Ledger's order and the letters last.

    A retry job runs every failed step of its job, so all letters of a job that has ended are held with one of
    them. Requeue through it once, and last in the transaction: that settles the ledger.
    """

    def __init__(self, tx: Connection, now: datetime, order: Order, letter_ids: Sequence[str]) -> None:
        self.tx, self.now, self.order = tx, now, order
        buried = tx.execute(select(dead_letters.c.step_id).where(dead_letters.c.id.in_(letter_ids))).scalars().all()
        locked = tx.execute(
            select(steps).where(steps.c.id.in_(buried)).order_by(steps.c.job_id, steps.c.id).with_for_update()
        )
        self.steps: dict[str, Row] = {row["id"]: row for row in locked.mappings()}
        self.ledger = Ledger.open(tx, now, {row["job_id"] for row in self.steps.values()})
        ended = [entry.job_id for entry in self.ledger.entries.values() if entry.status.has_ended]
        held = tx.execute(
            select(dead_letters.c.id, dead_letters.c.job_id, dead_letters.c.step_id)
            .where(or_(dead_letters.c.id.in_(letter_ids), dead_letters.c.job_id.in_(ended)))
            .order_by(dead_letters.c.id)
            .with_for_update()
        )
        self.letters: dict[str, Row] = {row["id"]: row for row in held.mappings()}

    def requeue(self, letter_ids: Iterable[str]) -> Requeued:
        """Requeue those of these letters that can be."""
        done = Requeued()
        by_job: dict[str, list[str]] = defaultdict(list)
        for letter_id in letter_ids:
            if letter_id in self.letters:
                by_job[self.letters[letter_id]["job_id"]].append(letter_id)
        # By path: two transactions that make retry jobs wait for each other in one order.
        for job_id in sorted(by_job, key=lambda one: (self.ledger.entries[one].row["path_id"], one)):
            self._requeue_of(self.ledger.entries[job_id], by_job[job_id], done)
        self._close(done)
        return done

    def requeue_first(self, letter_ids: Iterable[str]) -> tuple[Requeued, str]:
        """Requeue the first of these letters that can be, and name it; those before it are failures."""
        done = Requeued()
        for letter_id in letter_ids:
            self._requeue_of(self.ledger.entries[self.letters[letter_id]["job_id"]], [letter_id], done)
            if done.requeued:
                break
        self._close(done)
        return done, letter_id if done.requeued else ""

    def _requeue_of(self, entry: Entry, letter_ids: Sequence[str], done: Requeued) -> None:
        if takes_requeues(entry):
            self._requeue_here(entry, letter_ids)
            done.requeued.update(letter_ids)
        elif entry.status.has_ended:
            self._retry(entry, letter_ids, done)
        else:
            refusal = DeadLetterNotRequeueable(entry.job_id, entry.status)
            done.failures += [BatchFailure.because(one, refusal) for one in letter_ids]

    def _requeue_here(self, entry: Entry, letter_ids: Sequence[str]) -> None:
        rows = [self.steps[self.letters[letter_id]["step_id"]] for letter_id in letter_ids]
        self.tx.execute(
            update(steps)
            .where(steps.c.id.in_([row["id"] for row in rows]), steps.c.status == StepStatus.FAILED)
            .values(**_FRESH, losses=0, crashes=_STILL_SUSPECT)
        )
        entry.requeue = Requeue(self.order.actor, self.order.reason)
        for row in rows:
            entry.tell_step(StepStatus.FAILED, to_step({**row, **_FRESH}))

    def _retry(self, entry: Entry, letter_ids: Sequence[str], done: Requeued) -> None:
        if len(done.retry_job_ids) == MOST_RETRIES:
            return
        order = self.order
        key = RequestKey(order.tenant, "", "")
        retry = NewRetry(order.tenant, entry.job_id, key, order.actor, order.reason or "dead letters requeued")
        try:
            started = retry_job(self.tx, retry)
        except (PathBuildActive, JobNotRetryable, JobNotFound) as refusal:
            done.failures += [BatchFailure.because(one, refusal) for one in letter_ids]
            return
        done.retry_job_ids[entry.job_id] = started.job_id
        done.committed += started.committed
        done.requeued.update(one for one, letter in self.letters.items() if letter["job_id"] == entry.job_id)

    def _close(self, done: Requeued) -> None:
        gone = sorted(done.requeued)
        # The letters of a whole job may be more than a statement takes.
        for start in range(0, len(gone), _AT_ONCE):
            batch = gone[start : start + _AT_ONCE]
            self.tx.execute(delete(dead_letters).where(dead_letters.c.id.in_(batch)))
        write_audit(self.tx, self.now, self.order, REQUEUED, self.resources(gone))
        done.committed += self.ledger.settle()
        done.waiting = read_waiting(self.tx, [one.job_id for one in done.committed])

    def resources(self, letter_ids: Collection[str]) -> list[str]:
        """The steps of these letters, as the audit log names them."""
        letters = (self.letters[letter_id] for letter_id in letter_ids)
        return [f"jobs/{letter['job_id']}/steps/{letter['step_id']}" for letter in letters]


def requeue_letters(tx: Connection, order: Order, letter_ids: Sequence[str]) -> Requeued:
    """Give these letters, by their full ids, a fresh set of tries; what cannot be is told, and the others go on.

    While its job takes it, a step is PENDING again, in the commit in which its letter goes. The letters of a job
    that has ended go with one retry job for all. A letter that is gone by now is in none of the answer's parts.
    """
    return Hold(tx, read_now(tx), order, letter_ids).requeue(letter_ids)


def takes_requeues(entry: Entry) -> bool:
    """Whether failed steps of a job may start again: it hands out steps or is paused, and nothing decides its end."""
    return entry.status in REPORTABLE_JOB and entry.stopping is None and not entry.has_finalize_step
