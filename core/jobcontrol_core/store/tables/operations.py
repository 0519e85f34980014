"""The tables around builds: pipelines, queues, workers, requests, letters and records."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    text,
)

from jobcontrol_core.store.clock import Moment
from jobcontrol_core.store.tables.columns import Id, Json, Name, Position, Resource, job_key, metadata

pipelines = Table(
    "pipelines",
    metadata,
    Column("name", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("spec", Json, nullable=False),
    Column("sample", LargeBinary),
    Column("published_at", Moment, nullable=False),
    PrimaryKeyConstraint("name", "version"),
)

# A row from the first publication of a pipeline that names the queue; the queue's tickets are in Redis.
queues = Table(
    "queues",
    metadata,
    Column("name", Name, primary_key=True),
    Column("is_paused", Boolean, nullable=False),
    Column("paused_by", String(128), nullable=False, server_default=""),
    Column("paused_reason", Text, nullable=False, server_default=""),
    Column("paused_at", Moment),
    # {max_running, rate, window}: what the pipelines ask for, and what an operator has set over it.
    Column("declared", Json, nullable=False),
    Column("chosen", Json),
    # True if any limit holds: claims of other queues never look at the rest.
    Column("is_limited", Boolean, nullable=False),
    # [[microseconds, steps]]: the starts of the window.
    Column("grants", Json, nullable=False),
    Column("held_until", Moment),
    # Who paused, resumed or limited it last. `updated_at` is also of what the engine writes.
    Column("changed_by", String(128), nullable=False, server_default=""),
    Column("changed_reason", Text, nullable=False, server_default=""),
    Column("changed_at", Moment),
    Column("updated_at", Moment, nullable=False),
)

workers = Table(
    "workers",
    metadata,
    Column("session_id", Id, primary_key=True),
    Column("supervisor", String(160), nullable=False),
    Column("host", String(255), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("release", String(32), nullable=False),
    Column("slots", Integer, nullable=False),
    # It runs suspects, one at a time, and takes no tickets.
    Column("is_lone", Boolean, nullable=False),
    Column("is_draining", Boolean, nullable=False),
    # When somebody asked it to end.
    Column("drain_asked_at", Moment),
    # [{pipeline, pipeline_version, stage, version, queue, concurrency}]
    Column("stages", Json, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("renewed_at", Moment, nullable=False),
    Column("lease_until", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("ended_because", String(64)),
)

dead_letters = Table(
    "dead_letters",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, job_key(), nullable=False),
    Column("step_id", Id, nullable=False, unique=True),
    Column("queue", Name, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("failure", String(16), nullable=False),
    Column("error", Json, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    # The newest row of `requeues` that was to take this letter along, and has not yet.
    Column("requeue_id", Id),
    Index("ix_dead_letters_job_id", "job_id"),
    Index(
        "ix_dead_letters_requeue_id",
        "requeue_id",
        "id",
        sqlite_where=text("requeue_id IS NOT NULL"),
        postgresql_where=text("requeue_id IS NOT NULL"),
    ),
    Index("ix_dead_letters_queue_created_at_id", "queue", "created_at", "id"),
    Index("ix_dead_letters_fingerprint", "fingerprint"),
)

# Dead letters that are requeued little by little: one first, the rest when its step has completed.
requeues = Table(
    "requeues",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant", String(128), nullable=False),
    Column("actor", String(128), nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("state", String(12), nullable=False),
    Column("message", Text, nullable=False, server_default=""),
    # The step that goes first, as it is named in a job that may be a copy of its own.
    Column("canary_job_id", Id),
    Column("canary_position", Position),
    Column("per_second", Float),
    Column("released_at", Moment, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index(
        "ix_requeues_running",
        "id",
        sqlite_where=text("state IN ('CANARY', 'RELEASING')"),
        postgresql_where=text("state IN ('CANARY', 'RELEASING')"),
    ),
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, nullable=False),
    Column("payload", Json, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("sent_at", Moment),
    Index(
        "ix_alerts_unsent", "created_at", sqlite_where=text("sent_at IS NULL"), postgresql_where=text("sent_at IS NULL")
    ),
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("id", Id, primary_key=True),
    Column("tenant", String(128), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("actor", String(128), nullable=False),
    Column("action", String(64), nullable=False),
    Column("resource", Resource, nullable=False),
    Column("request_id", String(64), nullable=False, server_default=""),
    Column("reason", Text, nullable=False, server_default=""),
    Column("outcome", String(64), nullable=False),
    Column("peer", String(255), nullable=False, server_default=""),
    Index("ix_audit_events_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_audit_events_resource", "resource"),
)

request_ids = Table(
    "request_ids",
    metadata,
    Column("tenant", String(128), nullable=False),
    Column("request_id", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    # A request is answered with a job, or, if it is about many things, with what is kept here.
    Column("job_id", Id),
    Column("is_existing", Boolean, nullable=False),
    Column("answer", Json),
    Column("created_at", Moment, nullable=False),
    PrimaryKeyConstraint("tenant", "request_id"),
    Index("ix_request_ids_created_at", "created_at"),
)

stage_stats = Table(
    "stage_stats",
    metadata,
    Column("session_id", Id, nullable=False),
    Column("pipeline", Name, nullable=False),
    Column("stage", Name, nullable=False),
    Column("minute", Moment, nullable=False),
    Column("completed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("run_micros", BigInteger, nullable=False),
    PrimaryKeyConstraint("session_id", "pipeline", "stage", "minute"),
    Index("ix_stage_stats_minute", "minute"),
)

leases = Table(
    "leases",
    metadata,
    Column("name", Name, primary_key=True),
    Column("holder", String(160), nullable=False),
    Column("until", Moment, nullable=False),
)
