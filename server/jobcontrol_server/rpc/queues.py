"""Steering queues: they are shared by all jobs of all tenants."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import FieldInvalid, Violation
from jobcontrol_core.store.audit import write_audit
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.queues import Queue, get_queue, limit_queue, pause_queue, resume_queue
from jobcontrol_server.rpc.caller import Caller
from jobcontrol_server.rpc.decoding import order_of

DEFAULT_WINDOW = 60.0


class Queues:
    """Each change answers with the queue as it is then. All raise QueueNotFound."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def pause(self, request: pb.PauseQueueRequest, caller: Caller) -> Queue:
        return self._store.write(_pause, request, caller)

    def resume(self, request: pb.ResumeQueueRequest, caller: Caller) -> Queue:
        return self._store.write(_resume, request, caller)

    def update(self, request: pb.UpdateQueueRequest, caller: Caller) -> Queue:
        return self._store.write(_update, request, caller)


def _pause(tx: Connection, request: pb.PauseQueueRequest, caller: Caller) -> Queue:
    pause_queue(tx, request.queue, actor=caller.actor, reason=request.reason)
    write_audit(tx, read_now(tx), order_of(request, caller), "PauseQueue", [f"queues/{request.queue}"])
    return get_queue(tx, request.queue)


def _resume(tx: Connection, request: pb.ResumeQueueRequest, caller: Caller) -> Queue:
    resume_queue(tx, request.queue, actor=caller.actor, reason=request.reason)
    write_audit(tx, read_now(tx), order_of(request, caller), "ResumeQueue", [f"queues/{request.queue}"])
    return get_queue(tx, request.queue)


def _update(tx: Connection, request: pb.UpdateQueueRequest, caller: Caller) -> Queue:
    changes = None if request.use_declared else to_changes(request)
    if changes == {}:
        raise FieldInvalid([Violation("limits", "names no limit: set one, or name it in update_mask to lift it")])
    limit_queue(tx, request.queue, changes, actor=caller.actor, reason=request.reason)
    write_audit(tx, read_now(tx), order_of(request, caller), "UpdateQueue", [f"queues/{request.queue}"])
    return get_queue(tx, request.queue)


def to_changes(request: pb.UpdateQueueRequest) -> dict[str, Any]:
    """The limits that the request names, by their names in the engine; None lifts one.

    A rate without a window is one a minute, unless a mask says that the rate alone is to change.
    """
    given = {field.name for field, _ in request.limits.ListFields()}
    named = set(request.update_mask.paths) or given
    limits = request.limits
    changes: dict[str, Any] = {}
    for name in ("max_running", "rate"):
        if name in named:
            changes[name] = getattr(limits, name) if name in given else None
    if "rate_window" in given:
        changes["window"] = limits.rate_window.ToTimedelta().total_seconds()
    elif "rate_window" in named or ("rate" in named and not request.update_mask.paths):
        changes["window"] = DEFAULT_WINDOW
    return changes
