"""What the next minor release does to a database that this one works on, too: more columns, values that say more."""

import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Table, select, text, update

from jobcontrol_core.store import tables as t

LATER: Mapping[str, Any] = {"later": {"than": "this release"}}
#: Columns that hold values of ours as JSON; what the others hold is the callers' own, by their own names.
OURS: tuple[Column[Any], ...] = (
    t.jobs.c.error,
    t.job_stages.c.retry,
    t.steps.c.error,
    t.step_attempts.c.error,
    t.dead_letters.c.error,
    t.workers.c.stages,
    t.pipelines.c.spec,
    t.queues.c.declared,
    t.queues.c.chosen,
    t.request_ids.c.answer,
)
#: A new member of what explains a state.
EXPLANATIONS: tuple[Column[Any], ...] = (t.steps.c.failure, t.steps.c.stop_receipt, t.dead_letters.c.failure)


def migrate(tx: Connection) -> None:
    """A column more in every table, as an expanding migration adds them."""
    for table in t.metadata.sorted_tables:
        tx.execute(text(f"ALTER TABLE {table.name} ADD COLUMN later_added VARCHAR(8) DEFAULT 'later' NOT NULL"))


def say_more(tx: Connection) -> None:
    """Every stored value of ours and every event says more than this release knows."""
    for column in OURS:
        _rewrite(tx, column, _more)
    _rewrite(tx, t.job_events.c.payload, lambda payload: json.dumps(_more_of_event(json.loads(payload))))


def explain_anew(tx: Connection) -> None:
    """Reasons and receipts that this release has no name for."""
    for column in EXPLANATIONS:
        tx.execute(update(column.table).where(column.is_not(None)).values({column.name: "LATER_ADDED"}))


def _more(stored: Any) -> Any:
    """Objects of ours have a field more, at every depth that has a kind of its own."""
    if isinstance(stored, list):
        return [_more(item) for item in stored]
    if not isinstance(stored, dict):
        return stored
    inner = {name: _more(stored[name]) for name in ("stages", "retry", "limits") if name in stored}
    return {**stored, **inner, **LATER}


def _more_of_event(payload: dict[str, Any]) -> dict[str, Any]:
    rows: dict[str, Any] = {
        name: [[*row, "later"] for row in payload[name]] for name in ("stages", "bulk", "logged") if name in payload
    }
    steps = {"steps": [{**step, **LATER} for step in payload["steps"]]} if "steps" in payload else {}
    change = {"change": [*payload["change"], "later"]} if "change" in payload else {}
    return {**payload, **rows, **steps, **change, **LATER}


def _rewrite(tx: Connection, column: Column[Any], change: Any) -> None:
    table: Any = column.table
    assert isinstance(table, Table)
    keys = list(table.primary_key)
    for *key, stored in tx.execute(select(*keys, column).where(column.is_not(None))).all():
        is_this = [one == value for one, value in zip(keys, key, strict=True)]
        tx.execute(update(table).where(*is_this).values({column.name: change(stored)}))
