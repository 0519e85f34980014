"""Dead letters requeued little by little: one first, the rest when its step has completed, at a throttle.

What is under way is a row of `requeues` and the letters that point to it, so it goes on after any restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, func, insert, select, update

from jobcontrol_core.domain.batches import BatchFailure
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import ENDED_STEP, RUNNING_REQUEUE, JobStatus, RequeueState, StepStatus
from jobcontrol_core.store.audit import Order
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.requeues import Hold, Requeued, requeue_letters
from jobcontrol_core.store.rows import Row
from jobcontrol_core.store.tables import dead_letters, jobs, requeues, steps

#: Letters that one turn releases.
BATCH = 1_000
KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pace:
    """`canary` = one letter first; `per_second` = so many letters a second, 0 = all at once."""

    canary: bool = False
    per_second: float = 0.0

    @property
    def is_gradual(self) -> bool:
        return self.canary or self.per_second > 0


@dataclass(frozen=True, slots=True)
class Begun:
    """The requeue under way, empty if nothing is left to release; what went at once, and how many letters wait."""

    requeue_id: str
    at_once: Requeued
    waiting: int


def begin_requeue(tx: Connection, order: Order, letter_ids: Sequence[str], pace: Pace) -> Begun:
    """Requeue the first of these letters that can be, and leave the others to `advance_requeue`.

    With a throttle alone none goes at once. Letters that a running requeue is about to take are left to it, and
    told as failures.
    """
    now = read_now(tx)
    hold = Hold(tx, now, order, letter_ids)
    taken = _taken(tx, letter_ids)
    free = [one for one in letter_ids if one in hold.letters and one not in taken]
    done, first = hold.requeue_first(free) if pace.canary else (Requeued(), "")
    done.failures += [
        BatchFailure(one, "DEAD_LETTER_NOT_REQUEUEABLE", f"requeue {taken[one]} is about to take it") for one in taken
    ]
    left_alone = {one.id for one in done.failures}
    rest = [one for one in free if one not in done.requeued and one not in left_alone]
    if not rest or (pace.canary and not first):
        return Begun("", done, 0)
    requeue_id = new_id()
    tx.execute(insert(requeues), [_row(requeue_id, now, order, pace, _canary(hold, done, first))])
    tx.execute(update(dead_letters).where(dead_letters.c.id.in_(rest)).values(requeue_id=requeue_id))
    return Begun(requeue_id, done, len(rest))


def advance_requeue(tx: Connection, requeue_id: str) -> Requeued:
    """Do what is due for a running requeue: look at its canary, release the letters whose time has come."""
    now = read_now(tx)
    found = tx.execute(
        select(requeues)
        .where(requeues.c.id == requeue_id, requeues.c.state.in_(RUNNING_REQUEUE))
        .with_for_update(skip_locked=True)
    )
    rows = [dict(one) for one in found.mappings()]
    return _advance(tx, now, rows[0]) if rows else Requeued()


def read_running_requeues(tx: Connection) -> list[str]:
    """The requeues that `advance_requeue` has something to do for, now or later."""
    return list(
        tx.execute(select(requeues.c.id).where(requeues.c.state.in_(RUNNING_REQUEUE)).order_by(requeues.c.id)).scalars()
    )


def prune_requeues(tx: Connection, now: datetime) -> None:
    """Forget requeues that no letter points to, a day after they began."""
    is_named = select(dead_letters.c.id).where(dead_letters.c.requeue_id == requeues.c.id).exists()
    tx.execute(
        delete(requeues).where(requeues.c.created_at <= now - KEPT, requeues.c.state.not_in(RUNNING_REQUEUE), ~is_named)
    )


def _advance(tx: Connection, now: datetime, row: dict[str, Any]) -> Requeued:
    if row["state"] == RequeueState.CANARY:
        is_over, error = _look_at_canary(tx, row)
        if error:
            _set(tx, row, state=RequeueState.CANCELLED, message=error)
        if error or not is_over:
            return Requeued()
        _set(tx, row, state=RequeueState.RELEASING, message="", released_at=now)
        row["released_at"] = now
    return _release(tx, now, row)


def _taken(tx: Connection, letter_ids: Sequence[str]) -> dict[str, str]:
    """Which of these letters a running requeue is about to take, and which one."""
    found = tx.execute(
        select(dead_letters.c.id, dead_letters.c.requeue_id)
        .join(requeues, requeues.c.id == dead_letters.c.requeue_id)
        .where(dead_letters.c.id.in_(letter_ids), requeues.c.state.in_(RUNNING_REQUEUE))
        .order_by(dead_letters.c.id)
    )
    return {row.id: row.requeue_id for row in found}


def _canary(hold: Hold, done: Requeued, first: str) -> tuple[str, str] | None:
    """Where the first letter's step runs now: in its job, or in the retry job, which copies positions."""
    if not first:
        return None
    letter = hold.letters[first]
    job_id: str = letter["job_id"]
    return done.retry_job_ids.get(job_id, job_id), hold.steps[letter["step_id"]]["position"]


def _row(requeue_id: str, now: datetime, order: Order, pace: Pace, canary: tuple[str, str] | None) -> Mapping[str, Any]:
    job_id, position = canary or (None, None)
    return {
        "id": requeue_id,
        "tenant": order.tenant,
        "actor": order.actor,
        "reason": order.reason,
        "state": RequeueState.CANARY if canary else RequeueState.RELEASING,
        "canary_job_id": job_id,
        "canary_position": position,
        "per_second": pace.per_second or None,
        "released_at": now,
        "created_at": now,
    }


def _look_at_canary(tx: Connection, row: Row) -> tuple[bool, str]:
    """Whether the canary's step is over, and what is wrong if it did not complete."""
    job_id = row["canary_job_id"]
    status = tx.execute(select(jobs.c.status).where(jobs.c.id == job_id)).scalar_one_or_none()
    if status is None:
        return True, f"job {job_id}, whose step went first, is not kept any more"
    step = tx.execute(
        select(steps.c.status, steps.c.label).where(
            steps.c.job_id == job_id, steps.c.position == row["canary_position"]
        )
    ).one_or_none()
    if step is None:
        # A finalize step is born when all others are over.
        is_lost = JobStatus(status).has_ended
        return is_lost, f"job {job_id}, whose step was to go first, ended {status} without it" if is_lost else ""
    if StepStatus(step.status) not in ENDED_STEP:
        return False, ""
    if step.status == StepStatus.COMPLETED:
        return True, ""
    return True, f"{step.label}, which went first in job {job_id}, ended {step.status}"


def _release(tx: Connection, now: datetime, row: Row) -> Requeued:
    due, released_at = _due(now, row)
    if not due:
        return Requeued()
    marked = select(dead_letters.c.id).where(dead_letters.c.requeue_id == row["id"])
    letter_ids = tx.execute(marked.order_by(dead_letters.c.id).limit(due)).scalars().all()
    done = requeue_letters(tx, Order(row["tenant"], row["actor"], row["reason"]), letter_ids)
    for failure in done.failures:
        tx.execute(update(dead_letters).where(dead_letters.c.id == failure.id).values(requeue_id=None))
    left = tx.execute(select(func.count()).select_from(marked.subquery())).scalar_one()
    message = done.failures[-1].message if done.failures else row["message"]
    state = RequeueState.RELEASING if left else RequeueState.DONE
    _set(tx, row, state=state, message=message, released_at=released_at)
    return done


def _due(now: datetime, row: Row) -> tuple[int, datetime]:
    """How many letters may go now, and up to when that is paid for. What a pause held up does not come in a burst."""
    per_second = row["per_second"]
    if per_second is None:
        return BATCH, now
    due = int((now - row["released_at"]).total_seconds() * per_second)
    most = min(BATCH, max(1, round(per_second)))
    if due > most:
        return most, now
    return due, row["released_at"] + timedelta(seconds=due / per_second)


def _set(tx: Connection, row: Row, **values: Any) -> None:
    tx.execute(update(requeues).where(requeues.c.id == row["id"]).values(**values))
