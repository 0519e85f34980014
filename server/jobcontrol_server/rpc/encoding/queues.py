"""Queues as messages."""

from __future__ import annotations

from datetime import timedelta

from jobcontrol import v1 as pb
from jobcontrol_core.domain.limits import QueueLimits
from jobcontrol_core.store.queues import Queue
from jobcontrol_server.rpc.encoding.plain import to_duration, to_timestamp


def to_queue(queue: Queue) -> pb.Queue:
    load = queue.load
    return pb.Queue(
        queue=queue.name,
        paused=queue.is_paused,
        paused_by=queue.paused_by,
        paused_reason=queue.paused_reason,
        paused_at=to_timestamp(queue.paused_at),
        limits=_to_limits(queue.limits),
        declared_limits=_to_limits(queue.declared),
        limits_set=queue.is_chosen,
        held_until=to_timestamp(queue.held_until),
        changed_by=queue.changed_by,
        changed_reason=queue.changed_reason,
        changed_at=to_timestamp(queue.changed_at),
        stats=pb.QueueStats(
            queue=queue.name,
            waiting=load.waiting,
            active=load.running,
            delayed=load.delayed,
            dead=load.dead,
            oldest_waiting_age=None if load.oldest_waiting is None else to_duration(load.oldest_waiting),
            workers=load.workers,
        ),
    )


def _to_limits(limits: QueueLimits) -> pb.QueueLimits:
    has_window = limits.rate is not None and limits.window is not None
    return pb.QueueLimits(
        max_running=limits.max_running,
        rate=limits.rate,
        rate_window=to_duration(timedelta(seconds=limits.window or 0)) if has_window else None,
    )
