"""The audit log as messages."""

from __future__ import annotations

from jobcontrol import v1 as pb
from jobcontrol_core.store.audit import AuditEvent
from jobcontrol_server.rpc.encoding.plain import to_timestamp


def to_audit_event(event: AuditEvent) -> pb.AuditEvent:
    return pb.AuditEvent(
        audit_event_id=event.id,
        created_at=to_timestamp(event.created_at),
        actor=event.order.actor,
        action=event.action,
        resource=event.resource,
        request_id=event.order.request_id,
        reason=event.order.reason,
        outcome=event.outcome,
        peer=event.order.peer,
    )
