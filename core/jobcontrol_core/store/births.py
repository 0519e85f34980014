"""New steps: the root, the children of a completed step, and the one that finalizes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import insert

from jobcontrol_core.domain.events import MAX_STEPS
from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.outcomes import NewChild
from jobcontrol_core.domain.positions import FINALIZE_POSITION, ROOT, child_position
from jobcontrol_core.domain.values import StageSpec
from jobcontrol_core.store.ledger import Entry, Ledger
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import steps

MAX_LABEL = 256
_INSERT_CHUNK = 1_000


def bear_root(ledger: Ledger, entry: Entry) -> None:
    """The one step of the first stage. Its input is the job's parameters, read by the worker."""
    _bear(ledger, entry, [_lone_row(ledger, entry, entry.stages[0], ROOT)])


def bear_finalize(ledger: Ledger, entry: Entry) -> None:
    """The step that ends the build: born when no other step is open, once per job by its position."""
    _bear(ledger, entry, [_lone_row(ledger, entry, entry.stages[-1], FINALIZE_POSITION)])


def bear_children(ledger: Ledger, entry: Entry, parent: Row, children: Sequence[NewChild], status: StepStatus) -> None:
    """The children of a step that completes in this transaction, born with `status`."""
    rows = [
        _row(
            ledger,
            entry.stages[child.stage_no],
            job_id=entry.job_id,
            parent_id=parent["id"],
            key=child.key,
            label=child.label[:MAX_LABEL],
            key_path=f"{parent['key_path']}/{_escape(child.key)}",
            position=child_position(parent["position"], index),
            ordinal=index,
            sibling_total=len(children),
            status=status,
            **ledger.spill.columns(entry.job_id, "input", child.input),
        )
        for index, child in enumerate(children)
    ]
    _bear(ledger, entry, rows)


def _bear(ledger: Ledger, entry: Entry, rows: Sequence[dict[str, Any]]) -> None:
    for start in range(0, len(rows), _INSERT_CHUNK):
        ledger.tx.execute(insert(steps), rows[start : start + _INSERT_CHUNK])
    if len(rows) <= MAX_STEPS:
        ledger.newborn += [row for row in rows if row["status"] is StepStatus.PENDING]
        for row in rows:
            entry.tell_step(None, to_step(row))
        return
    for stage_no in sorted({row["stage_no"] for row in rows}):
        born = [row for row in rows if row["stage_no"] == stage_no]
        entry.tell_steps_in_bulk(stage_no, None, StepStatus(born[0]["status"]), count=len(born))


def _lone_row(ledger: Ledger, entry: Entry, stage: StageSpec, position: str) -> dict[str, Any]:
    path_id, title = entry.row["path_id"], entry.row["title"]
    return _row(
        ledger,
        stage,
        job_id=entry.job_id,
        parent_id=None,
        key=path_id,
        label=title or path_id,
        key_path="",
        position=position,
        ordinal=0,
        sibling_total=1,
        status=StepStatus.PENDING,
        input=None,
        input_sha256=None,
    )


def _row(ledger: Ledger, stage: StageSpec, *, status: StepStatus, **values: Any) -> dict[str, Any]:
    return {
        "id": new_id(),
        "stage_no": stage.number,
        "stage": stage.name,
        "status": status,
        "is_due": True,
        "attempt": 0,
        "tries": 0,
        "failure": None,
        "error": None,
        "item_count": 0,
        "run_micros": 0,
        "progress_fraction": None,
        "progress_note": "",
        "stop_receipt": None,
        "reused_from": None,
        "created_at": ledger.now,
        "started_at": None,
        "completed_at": None if status is StepStatus.PENDING else ledger.now,
        "next_attempt_at": None,
        **values,
    }


def _escape(key: str) -> str:
    """One part of a key path, escaped as in a JSON pointer (RFC 6901), so that paths stay unambiguous."""
    return key.replace("~", "~0").replace("/", "~1")
