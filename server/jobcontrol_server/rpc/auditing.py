"""Changes that were refused: noted in the audit log after the fact, beside those that were made."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf.message import Message
from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import DomainError, JobIdAmbiguous, JobNotFound, WrongState
from jobcontrol_core.store.audit import AuditCursor, AuditEvent, list_audit_events, write_audit
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.lookup import resolve_job_id
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of, to_audit_filter

#: What a request is about, by the field that names it; the first one that it has counts.
KINDS = {
    "job_id": "jobs",
    "queue": "queues",
    "worker_id": "workers",
    "path_id": "paths",
    "dead_letter_ids": "deadLetters",
}


class Refusals:
    """Writes down which changes were asked for and refused."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, request: Any, caller: Caller, refusal: DomainError) -> None:
        """Add a row, unless the change was only tried out."""
        if not getattr(request, "validate_only", False):
            self._store.write(_note, request, caller, refusal)


def resource_of(request: Message, refusal: DomainError) -> str:
    """What a refused request was about, as the audit log names it; an id is whole where the refusal knows it."""
    if isinstance(refusal, WrongState):
        return f"jobs/{refusal.job_id}"
    for field, kind in KINDS.items():
        if field in request.DESCRIPTOR.fields_by_name:
            given = getattr(request, field)
            return f"{kind}/{given}" if isinstance(given, str) else kind
    return "jobs"


def find_audit_events(
    tx: Connection, tenant: str, request: pb.ListAuditEventsRequest, *, after: AuditCursor | None, limit: int
) -> list[AuditEvent]:
    """Up to `limit` events that the request asks for; a job may be named by the end of its id, while it is there."""
    wanted = to_audit_filter(request)
    kind, _, rest = wanted.resource.partition("/")
    if kind == "jobs" and rest:
        given, slash, below = rest.partition("/")
        wanted = replace(wanted, resource=f"jobs/{_whole(tx, tenant, given)}{slash}{below}")
    return list_audit_events(tx, tenant, wanted, after=after, limit=limit)


def _whole(tx: Connection, tenant: str, given: str) -> str:
    try:
        return resolve_job_id(tx, tenant, given)
    except JobNotFound:
        # Of one that was deleted there are events all the same.
        return given


def _note(tx: Connection, request: Any, caller: Caller, refusal: DomainError) -> None:
    resource = resource_of(request, refusal)
    if resource.startswith("jobs/") and not isinstance(refusal, JobIdAmbiguous):
        resource = f"jobs/{_whole(tx, caller.tenant, resource.removeprefix('jobs/'))}"
    action = request.DESCRIPTOR.name.removesuffix("Request")
    write_audit(tx, read_now(tx), order_of(request, caller), action, [resource], outcome=refusal.reason)
