"""The audit log: who did what to which thing, written in the transaction that did it, or after one that was refused."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select

from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.store.tables import audit_events

DONE = "OK"
_MOST_RESOURCE = 255


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants something done, why, from where, and under which request id."""

    tenant: str
    actor: str
    reason: str = ""
    request_id: str = ""
    peer: str = ""


@dataclass(frozen=True, slots=True)
class AuditEvent:
    """What somebody wanted done to a thing. `outcome` is OK, or the reason of the refusal."""

    id: str
    created_at: datetime
    action: str
    resource: str
    outcome: str
    order: Order


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """Which events; all given conditions must hold, an empty one is not given. `until` is exclusive.

    `resource` also stands for what is below it.
    """

    resource: str = ""
    actor: str = ""
    actions: tuple[str, ...] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class AuditCursor:
    """The last event of the page before: lists are newest first."""

    created_at: datetime
    id: str


def write_audit(
    tx: Connection, now: datetime, order: Order, action: str, resources: Iterable[str], *, outcome: str = DONE
) -> None:
    """One row for each resource that the order's action was done to, or refused for."""
    rows = [
        {
            "id": new_id(),
            "tenant": order.tenant,
            "created_at": now,
            "actor": order.actor,
            "action": action,
            "resource": resource[:_MOST_RESOURCE],
            "request_id": order.request_id,
            "reason": order.reason,
            "outcome": outcome,
            "peer": order.peer[:_MOST_RESOURCE],
        }
        for resource in resources
    ]
    if rows:
        tx.execute(insert(audit_events), rows)


def list_audit_events(
    tx: Connection, tenant: str, wanted: AuditFilter, *, after: AuditCursor | None, limit: int
) -> list[AuditEvent]:
    """Up to `limit` of the tenant's events, newest first, after the cursor."""
    event = audit_events.c
    query = select(audit_events).where(event.tenant == tenant, *_conditions(wanted))
    if after is not None:
        older = and_(event.created_at == after.created_at, event.id < after.id)
        query = query.where(or_(event.created_at < after.created_at, older))
    page = query.order_by(event.created_at.desc(), event.id.desc()).limit(limit)
    return [
        AuditEvent(
            row.id,
            row.created_at,
            row.action,
            row.resource,
            row.outcome,
            Order(row.tenant, row.actor, row.reason, row.request_id, row.peer),
        )
        for row in tx.execute(page)
    ]


def _conditions(wanted: AuditFilter) -> list[ColumnElement[bool]]:
    event = audit_events.c
    conditions: list[ColumnElement[bool]] = []
    if wanted.resource:
        # What is below it, as a range of the index: names sort bytewise, and "0" comes right after "/".
        is_below = and_(event.resource > f"{wanted.resource}/", event.resource < f"{wanted.resource}0")
        conditions.append(or_(event.resource == wanted.resource, is_below))
    if wanted.actor:
        conditions.append(event.actor == wanted.actor)
    if wanted.actions:
        conditions.append(event.action.in_(wanted.actions))
    if wanted.since is not None:
        conditions.append(event.created_at >= wanted.since)
    if wanted.until is not None:
        conditions.append(event.created_at < wanted.until)
    return conditions
