"""Queues as operators see and steer them: paused, limited, and how much waits in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects import postgresql, sqlite

from jobcontrol_core.domain.errors import QueueNotFound
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.domain.values import StageSpec
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.loads import Load, read_loads
from jobcontrol_core.store.rows import Row, to_limits
from jobcontrol_core.store.tables import queues


@dataclass(frozen=True, slots=True)
class Queue:
    """One queue. `limits` are in force: an operator's if `is_chosen`, else what the pipelines `declared`.

    `changed_by` paused, resumed or limited it last.
    """

    name: str
    is_paused: bool
    paused_by: str
    paused_reason: str
    paused_at: datetime | None
    limits: QueueLimits
    declared: QueueLimits
    is_chosen: bool
    held_until: datetime | None
    changed_by: str
    changed_reason: str
    changed_at: datetime | None
    load: Load


def declare_queues(tx: Connection, stages: Sequence[StageSpec]) -> None:
    """Make the queues of these stages known with the limits that they ask for; an operator's choice stays."""
    now = read_now(tx)
    dialect = sqlite if tx.dialect.name == "sqlite" else postgresql
    wanted = {stage.queue: stage.limits for stage in sorted(stages, key=lambda one: one.limits.is_limited)}
    fresh = {"is_paused": False, "grants": [], "is_limited": False, "updated_at": now}
    for name in sorted(wanted):
        row = {"name": name, "declared": asdict(wanted[name]), **fresh}
        tx.execute(dialect.insert(queues).values(**row).on_conflict_do_nothing())
    known = tx.execute(select(queues).where(queues.c.name.in_(wanted)).order_by(queues.c.name).with_for_update())
    for found in known.mappings().all():
        declared = asdict(wanted[found["name"]])
        is_limited = to_limits({**found, "declared": declared}).is_limited
        if (declared, is_limited) != (found["declared"], found["is_limited"]):
            _write(tx, found, now, declared=declared, is_limited=is_limited)


def pause_queue(tx: Connection, name: str, *, actor: str, reason: str) -> None:
    """No step of the queue starts any more; those that run go on. Raises QueueNotFound."""
    row = _lock(tx, name)
    if not row["is_paused"]:
        now = read_now(tx)
        paused = {"paused_by": actor, "paused_reason": reason, "paused_at": now}
        _write(tx, row, now, is_paused=True, **paused, **_change(now, actor, reason))


def resume_queue(tx: Connection, name: str, *, actor: str, reason: str) -> None:
    """Its steps start again; a hold that a handler asked for ends as well. Raises QueueNotFound."""
    row = _lock(tx, name)
    if row["is_paused"] or row["held_until"] is not None:
        gone = {"paused_by": "", "paused_reason": "", "paused_at": None, "held_until": None}
        now = read_now(tx)
        _write(tx, row, now, is_paused=False, **gone, **_change(now, actor, reason))


def limit_queue(tx: Connection, name: str, changes: Mapping[str, Any] | None, *, actor: str, reason: str) -> None:
    """Set these of `max_running`, `rate` and `window`, from the next claim on; None = as the pipelines declare.

    Raises QueueNotFound.
    """
    row = _lock(tx, name)
    chosen = None if changes is None else {**asdict(to_limits(row)), **changes}
    is_limited = to_limits({**row, "chosen": chosen}).is_limited
    now = read_now(tx)
    _write(tx, row, now, chosen=chosen, is_limited=is_limited, **_change(now, actor, reason))


def list_queues(tx: Connection, *, after: str = "", limit: int = 100) -> list[Queue]:
    """Up to `limit` queues by name, after the name `after`."""
    page = select(queues).where(queues.c.name > after).order_by(queues.c.name).limit(limit)
    rows = tx.execute(page).mappings().all()
    loads = read_loads(tx, [row["name"] for row in rows])
    return [_to_queue(row, loads[row["name"]]) for row in rows]


def get_queue(tx: Connection, name: str) -> Queue:
    """The queue with this name. Raises QueueNotFound."""
    row = tx.execute(select(queues).where(queues.c.name == name)).mappings().one_or_none()
    if row is None:
        raise QueueNotFound(name)
    return _to_queue(row, read_loads(tx, [name])[name])


def _lock(tx: Connection, name: str) -> Row:
    row = tx.execute(select(queues).where(queues.c.name == name).with_for_update()).mappings().one_or_none()
    if row is None:
        raise QueueNotFound(name)
    return row


def _write(tx: Connection, row: Row, now: datetime, **values: Any) -> None:
    tx.execute(update(queues).where(queues.c.name == row["name"]).values(**values, updated_at=now))


def _change(now: datetime, actor: str, reason: str) -> dict[str, Any]:
    return {"changed_by": actor, "changed_reason": reason, "changed_at": now}


def _to_queue(row: Row, load: Load) -> Queue:
    return Queue(
        name=row["name"],
        is_paused=row["is_paused"],
        paused_by=row["paused_by"],
        paused_reason=row["paused_reason"],
        paused_at=row["paused_at"],
        limits=to_limits(row),
        declared=from_stored(QueueLimits, row["declared"]),
        is_chosen=row["chosen"] is not None,
        held_until=row["held_until"],
        changed_by=row["changed_by"],
        changed_reason=row["changed_reason"],
        changed_at=row["changed_at"],
        load=load,
    )
