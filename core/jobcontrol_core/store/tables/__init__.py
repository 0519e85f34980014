"""The tables. Times are `Moment`s, ids UUIDv7 text, JSON text is written by us and never queried into."""

from jobcontrol_core.store.tables.builds import (
    HAS_HISTORY,
    IS_ACTIVE,
    IS_BACKING_OFF,
    IS_CLAIMABLE,
    blobs,
    job_events,
    job_stages,
    jobs,
    step_attempts,
    step_checkpoints,
    step_logs,
    steps,
)
from jobcontrol_core.store.tables.columns import metadata
from jobcontrol_core.store.tables.operations import (
    alerts,
    audit_events,
    dead_letters,
    leases,
    pipelines,
    queues,
    request_ids,
    stage_stats,
    workers,
)

__all__ = [
    "HAS_HISTORY",
    "IS_ACTIVE",
    "IS_BACKING_OFF",
    "IS_CLAIMABLE",
    "alerts",
    "audit_events",
    "blobs",
    "dead_letters",
    "job_events",
    "job_stages",
    "jobs",
    "leases",
    "metadata",
    "pipelines",
    "queues",
    "request_ids",
    "stage_stats",
    "step_attempts",
    "step_checkpoints",
    "step_logs",
    "steps",
    "workers",
]
