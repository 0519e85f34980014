"""What running attempts told of themselves, written in the exchange that also ends and claims."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql import bindparam

from jobcontrol_core.domain.events import Logged
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.reports import StepReport
from jobcontrol_core.store.ledger import Ledger
from jobcontrol_core.store.rows import Row, to_step
from jobcontrol_core.store.tables import step_checkpoints, step_logs, steps


@dataclass(frozen=True, slots=True)
class Reported:
    """A PROCESSING step, locked, and what the attempt that runs it has told."""

    row: Row
    report: StepReport


def write_reports(ledger: Ledger, reported: Sequence[Reported]) -> None:
    """Keep what was told. Progress and lines are events of the job, checkpoints are none."""
    _write_progress(ledger, [one for one in reported if one.report.progress is not None])
    _write_lines(ledger, [one for one in reported if one.report.lines])
    _write_checkpoints(ledger, [one.report for one in reported if one.report.checkpoint is not None])


def read_checkpoints(tx: Connection, rows: Sequence[Row]) -> Mapping[str, str]:
    """The checkpoints of those of these steps that have one, by step id. Only a step that was tried may have one."""
    tried = [row["id"] for row in rows if row["attempt"] > 0]
    if not tried:
        return {}
    found = tx.execute(select(step_checkpoints).where(step_checkpoints.c.step_id.in_(tried)))
    return {row.step_id: row.value for row in found}


def _write_progress(ledger: Ledger, reported: Sequence[Reported]) -> None:
    if not reported:
        return
    for one in reported:
        step = to_step({**one.row, **one.report.columns()})
        ledger.entries[step.job_id].tell_progress(step)
    ledger.tx.execute(
        update(steps).where(
            steps.c.id == bindparam("b_id"),
            steps.c.attempt == bindparam("b_attempt"),
            steps.c.status == StepStatus.PROCESSING,
        ),
        [{"b_id": one.row["id"], "b_attempt": one.row["attempt"], **one.report.columns()} for one in reported],
    )


def _write_lines(ledger: Ledger, reported: Sequence[Reported]) -> None:
    lines = [
        {
            "job_id": report.job_id,
            "step_id": report.step_id,
            "attempt": report.attempt,
            "line": line.number,
            "created_at": ledger.now,
            "message": line.message,
        }
        for report in (one.report for one in reported)
        for line in report.lines
    ]
    if not lines:
        return
    # A report whose commit was not answered is told again: what is there already was told by that commit.
    added = _insert(ledger.tx)(step_logs).on_conflict_do_nothing().returning(step_logs.c.step_id, step_logs.c.line)
    written: dict[str, list[int]] = {}
    for row in ledger.tx.execute(added, lines):
        written.setdefault(row.step_id, []).append(row.line)
    for one in reported:
        if numbers := written.get(one.row["id"]):
            logged = Logged(one.row["id"], one.row["stage"], one.row["attempt"], min(numbers), max(numbers))
            ledger.entries[one.row["job_id"]].tell_lines(logged)


def _write_checkpoints(ledger: Ledger, reports: Sequence[StepReport]) -> None:
    if not reports:
        return
    wish = _insert(ledger.tx)(step_checkpoints)
    newest = {name: wish.excluded[name] for name in ("attempt", "value", "created_at")}
    ledger.tx.execute(
        wish.on_conflict_do_update(index_elements=[step_checkpoints.c.step_id], set_=newest),
        [
            {
                "job_id": report.job_id,
                "step_id": report.step_id,
                "attempt": report.attempt,
                "value": report.checkpoint,
                "created_at": ledger.now,
            }
            for report in reports
        ],
    )


def _insert(tx: Connection) -> Any:
    return sqlite.insert if tx.dialect.name == "sqlite" else postgresql.insert
