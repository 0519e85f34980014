"""The audit log: who did what to which thing, written in the transaction that did it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, insert

from jobcontrol_core.domain.ids import new_id
from jobcontrol_core.store.tables import audit_events

DONE = "OK"


@dataclass(frozen=True, slots=True)
class Order:
    """Who wants something done, and why."""

    tenant: str
    actor: str
    reason: str = ""


def write_audit(tx: Connection, now: datetime, order: Order, action: str, resources: Iterable[str]) -> None:
    """One row for each resource that the order's action was done to."""
    rows = [
        {
            "id": new_id(),
            "tenant": order.tenant,
            "created_at": now,
            "actor": order.actor,
            "action": action,
            "resource": resource,
            "reason": order.reason,
            "outcome": DONE,
        }
        for resource in resources
    ]
    if rows:
        tx.execute(insert(audit_events), rows)
