"""Ends of attempts, written: step rows, attempt history, children, dead letters."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.sql import bindparam

from jobcontrol_core.domain.decisions import Decision, decide
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.moments import MICROSECOND
from jobcontrol_core.domain.outcomes import (
    MAX_JOB_STEPS,
    Failed,
    Outcome,
    StepOutcome,
    Succeeded,
    bad_result,
    storable_text,
)
from jobcontrol_core.domain.reports import StepReport
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.domain.suspicion import Suspicion
from jobcontrol_core.domain.values import JSON_MEDIA_TYPE, ErrorInfo
from jobcontrol_core.store.births import bear_children
from jobcontrol_core.store.failing import stop_intolerable
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.receipts import is_over
from jobcontrol_core.store.reports import Reported
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import alerts, dead_letters, step_attempts, steps

#: However long a handler wants its queue to be left alone: a day, in seconds.
LONGEST_HOLD = 86_400.0


_LOCK = (
    select(steps)
    .where(steps.c.id.in_(bindparam("step_ids", expanding=True)))
    .order_by(steps.c.job_id, steps.c.id)
    .with_for_update()
)
_END = update(steps).where(
    steps.c.id == bindparam("b_id"),
    steps.c.attempt == bindparam("b_attempt"),
    steps.c.status == StepStatus.PROCESSING,
)


@dataclass(frozen=True, slots=True)
class Ending:
    """A PROCESSING step, locked, and how its attempt ended."""

    row: Row
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Told:
    """What attempts told that counts: ends and reports of running ones, and of given-up ones that they are over."""

    endings: Sequence[Ending]
    reported: Sequence[Reported]
    over: Sequence[Row]

    def rows(self) -> Iterator[Row]:
        yield from (ending.row for ending in self.endings)
        yield from (one.row for one in self.reported)
        yield from self.over


def lock_running(tx: Connection, outcomes: Iterable[StepOutcome], reports: Iterable[StepReport] = ()) -> Told:
    """Lock the steps that these are about; only what concerns the attempt that runs each step now comes back.

    This is the fence: an outcome or a report of an attempt that was reaped, or claimed anew since, finds
    nothing. An ending comes back with the progress that its attempt reports along with it.
    """
    told = {(one.step_id, one.attempt): one for one in reports}
    ended = {(one.step_id, one.attempt): one for one in outcomes}
    step_ids = sorted({step_id for step_id, _ in [*told, *ended]})
    if not step_ids:
        return Told([], [], [])
    locked = tx.execute(_LOCK, {"step_ids": step_ids})
    rows = {(row["id"], row["attempt"]): row for row in locked.mappings()}
    running = {key: row for key, row in rows.items() if row["status"] == StepStatus.PROCESSING}
    reported = [Reported(row, told[key]) for key, row in running.items() if key in told]
    progress = {(one.row["id"], one.row["attempt"]): one.report.columns() for one in reported}
    endings = [
        Ending({**row, **progress.get(key, {})}, ended[key].outcome) for key, row in running.items() if key in ended
    ]
    over = [rows[key] for key, one in ended.items() if key in rows and is_over(rows[key], one.outcome)]
    return Told(endings, reported, over)


def write_endings(ledger: Ledger, endings: Sequence[Ending]) -> None:
    """Move each step by its outcome, under its job as the ledger found it; a stage may have failed too often by it."""
    if not endings:
        return
    updates, attempts = [], []
    for told in endings:
        entry = ledger.entries[told.row["job_id"]]
        ending = Ending(told.row, _within_limits(entry, told.outcome))
        decision = decide(
            ending.outcome,
            tries=ending.row["tries"],
            policy=entry.stages[ending.row["stage_no"]].retry,
            stopping=entry.stopping,
            suspicion=Suspicion(ending.row["crashes"], ending.row["losses"]),
        )
        updates.append(_write_ending(ledger, entry, ending, decision))
        if decision.attempt_outcome:
            attempts.append(_attempt_row(ledger.now, ending.row, decision))
    _update_steps(ledger.tx, updates)
    if attempts:
        ledger.tx.execute(insert(step_attempts), attempts)
    stop_intolerable(ledger)


def _within_limits(entry: Entry, outcome: Outcome) -> Outcome:
    """The outcome, unless its children are more than its job may still have."""
    if not isinstance(outcome, Succeeded) or not outcome.children:
        return outcome
    total = sum(counts.total for counts in entry.counts) + len(outcome.children)
    if total <= MAX_JOB_STEPS:
        return outcome
    return bad_result(f"with its children the job would have {total:,} steps; at most {MAX_JOB_STEPS:,} are allowed")


def _write_ending(ledger: Ledger, entry: Entry, ending: Ending, decision: Decision) -> dict[str, Any]:
    row, outcome = ending.row, ending.outcome
    succeeded = outcome if isinstance(outcome, Succeeded) else None
    is_pending = decision.status is StepStatus.PENDING
    delay = decision.delay or 0.0
    error = None if succeeded else (decision.error or _error_of(row))
    values = {
        "status": decision.status,
        "tries": decision.tries,
        **asdict(decision.suspicion),
        "failure": decision.failure,
        "stop_receipt": decision.receipt,
        # The traceback stays with the attempt.
        "error": _stored(replace(error, traceback="")) if error else None,
        "item_count": succeeded.item_count if succeeded else 0,
        "run_micros": row["run_micros"] + max(0, (ledger.now - row["started_at"]) // MICROSECOND),
        "completed_at": None if is_pending else ledger.now,
        "is_due": delay == 0.0,
        "next_attempt_at": ledger.now + timedelta(seconds=delay) if is_pending and delay else None,
        **ledger.spill.columns(entry.job_id, "output", succeeded.output if succeeded else None),
    }
    step = to_step({**row, **values})
    entry.tell_step(StepStatus.PROCESSING, step, items=step.item_count)
    if succeeded is not None:
        _write_success(ledger, entry, row, succeeded)
    if isinstance(outcome, Failed) and outcome.retry_after:
        ledger.hold(entry.stages[row["stage_no"]].queue, min(outcome.retry_after, LONGEST_HOLD))
    if decision.is_dead:
        _bury(ledger, entry, row, decision)
    return {"b_id": row["id"], "b_attempt": row["attempt"], **values}


def _write_success(ledger: Ledger, entry: Entry, row: Row, outcome: Succeeded) -> None:
    if outcome.children:
        born = StepStatus.PENDING if entry.stopping is None else entry.stopping.pending_step_status
        bear_children(ledger, entry, row, outcome.children, born)
    if row["stage_no"] == entry.finalize_no:
        results = {JSON_MEDIA_TYPE: outcome.output.encode(), **outcome.renderings}
        entry.values["results"] = {name: ledger.spill.keep(entry.job_id, data) for name, data in results.items()}


def _update_steps(tx: Connection, updates: Sequence[Mapping[str, Any]]) -> None:
    """The rows are locked and were looked at; the guard says once more what must be true of them."""
    tx.execute(_END, list(updates))


def _attempt_row(now: datetime, row: Row, decision: Decision) -> dict[str, Any]:
    return {
        "job_id": row["job_id"],
        "step_id": row["id"],
        "attempt": row["attempt"],
        "outcome": decision.attempt_outcome,
        "error": _stored(decision.error),
        "used_a_try": decision.used_a_try,
        "session_id": row["session_id"],
        "started_at": row["started_at"],
        "ended_at": now,
    }


def _bury(ledger: Ledger, entry: Entry, row: Row, decision: Decision) -> None:
    """The dead letter of a step that used up its tries, and the alert that tells of it, in one commit."""
    error = decision.error
    assert error is not None
    assert decision.failure is not None
    queue = entry.stages[row["stage_no"]].queue
    letter = {
        "id": new_id(),
        "job_id": entry.job_id,
        "step_id": row["id"],
        "queue": queue,
        "fingerprint": fingerprint_of(error),
        "failure": decision.failure,
        "error": _stored(error),
        "tries": decision.tries,
        "created_at": ledger.now,
    }
    ledger.tx.execute(insert(dead_letters), [letter])
    data = {"stage": row["stage"], "key": row["key"], "label": row["label"], "path_id": entry.row["path_id"]}
    payload = {
        "message": f"Step failed permanently: {row['label']}",
        "job": entry.job_id,
        "step": row["id"],
        "queue": queue,
        "error": f"{error.type}: {storable_text(error.message, 512)}",
        "data": data,
    }
    alert = {"id": new_id(), "job_id": entry.job_id, "payload": payload, "created_at": ledger.now}
    ledger.tx.execute(insert(alerts), [alert])


def fingerprint_of(error: ErrorInfo) -> str:
    """The same for errors that differ in numbers only, so that they can be told as one group."""
    plain = "".join("#" if character.isdigit() else character for character in error.message[:512])
    while "##" in plain:
        plain = plain.replace("##", "#")
    return hashlib.sha256(f"{error.type}\n{plain}".encode()).hexdigest()


def _error_of(row: Row) -> ErrorInfo | None:
    return from_stored(ErrorInfo, row["error"]) if row["error"] else None


def _stored(error: ErrorInfo | None) -> dict[str, str] | None:
    if error is None:
        return None
    return {name: storable_text(text) for name, text in asdict(error).items()}
