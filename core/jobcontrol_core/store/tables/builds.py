"""The tables of builds: jobs, their stages and steps."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from jobcontrol_core.store.clock import Moment
from jobcontrol_core.store.tables.columns import Id, Json, Name, Position, job_key, metadata

_ACTIVE = "status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING')"
_HISTORY = "completed_at IS NOT NULL AND history_pruned_at IS NULL"
_DELETED = "deleted_at IS NOT NULL"
_KEPT = "completed_at IS NOT NULL AND deleted_at IS NULL"
_CLAIMABLE = "status = 'PENDING' AND is_due AND crashes = 0"
_SUSPECT = "status = 'PENDING' AND is_due AND crashes > 0"
_BACKING_OFF = "status = 'PENDING' AND NOT is_due"

jobs = Table(
    "jobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("short_id", String(8), nullable=False),
    Column("tenant", String(128), nullable=False),
    Column("path_id", String(128), nullable=False),
    Column("title", String(256), nullable=False, server_default=""),
    Column("pipeline", Name, nullable=False),
    Column("pipeline_version", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    # Set from the commit that decides a job's end until no step is open: nothing is claimed any more.
    Column("stopping_because", String(12)),
    Column("waits_for", Id),
    Column("status_reason", Text, nullable=False, server_default=""),
    Column("status_actor", String(128), nullable=False, server_default=""),
    Column("parameters", Json, nullable=False),
    Column("labels", Json, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("document_sha256", String(64)),
    Column("document_media_type", String(128)),
    Column("document_name", String(256)),
    Column("document_size", Integer),
    Column("percent", Integer, nullable=False, server_default="0"),
    Column("error", Json),
    Column("error_count", Integer, nullable=False, server_default="0"),
    Column("reused_steps", Integer, nullable=False, server_default="0"),
    Column("results", Json, nullable=False),
    Column("triggered_by", String(128), nullable=False, server_default=""),
    Column("retry_of", Id),
    Column("first_job_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="1"),
    Column("last_sequence", BigInteger, nullable=False),
    Column("revision", Integer, nullable=False, server_default="1"),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    Column("served_at", Moment),
    Column("deadline_at", Moment),
    # Set when nothing of the job's history is left: events, logs, attempts, checkpoints.
    Column("history_pruned_at", Moment),
    # Set when nobody sees the job any more, whose rows then go little by little: see deletions.py.
    Column("deleted_at", Moment),
    Index("ix_jobs_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_jobs_tenant_status_created_at_id", "tenant", "status", "created_at", "id"),
    Index("ix_jobs_tenant_path_id_created_at_id", "tenant", "path_id", "created_at", "id"),
    Index("ix_jobs_tenant_short_id", "tenant", "short_id"),
    Index(
        "ix_jobs_ended",
        "tenant",
        "status",
        "completed_at",
        sqlite_where=text("completed_at IS NOT NULL"),
        postgresql_where=text("completed_at IS NOT NULL"),
    ),
    Index("ix_jobs_retry_of", "retry_of"),
    Index(
        "ix_jobs_completed",
        "tenant",
        "pipeline",
        "pipeline_version",
        "completed_at",
        sqlite_where=text("status = 'COMPLETED'"),
        postgresql_where=text("status = 'COMPLETED'"),
    ),
    Index("ix_jobs_history", "completed_at", sqlite_where=text(_HISTORY), postgresql_where=text(_HISTORY)),
    Index("ix_jobs_deleted", "id", sqlite_where=text(_DELETED), postgresql_where=text(_DELETED)),
    Index("ix_jobs_kept", "completed_at", sqlite_where=text(_KEPT), postgresql_where=text(_KEPT)),
    Index("ix_jobs_active", "id", sqlite_where=text(_ACTIVE), postgresql_where=text(_ACTIVE)),
    Index(
        "uq_jobs_active_path",
        "tenant",
        "path_id",
        unique=True,
        sqlite_where=text(f"{_ACTIVE} AND waits_for IS NULL"),
        postgresql_where=text(f"{_ACTIVE} AND waits_for IS NULL"),
    ),
    Index(
        "uq_jobs_waiting_path",
        "tenant",
        "path_id",
        unique=True,
        sqlite_where=text(f"{_ACTIVE} AND waits_for IS NOT NULL"),
        postgresql_where=text(f"{_ACTIVE} AND waits_for IS NOT NULL"),
    ),
)

job_stages = Table(
    "job_stages",
    metadata,
    Column("job_id", Id, job_key(), nullable=False),
    Column("stage_no", Integer, nullable=False),
    Column("name", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("weight", Float, nullable=False),
    Column("retry", Json, nullable=False),
    Column("tolerated_share", Float, nullable=False, server_default="1"),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("active", Integer, nullable=False, server_default="0"),
    Column("completed", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("items", Integer, nullable=False, server_default="0"),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    PrimaryKeyConstraint("job_id", "stage_no"),
)

_counted = job_stages.c
#: Steps of a stage that neither run nor have ended, by its counters.
PENDING_STEPS = _counted.total - _counted.active - _counted.completed - _counted.failed - _counted.skipped

steps = Table(
    "steps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, job_key(), nullable=False),
    Column("stage_no", Integer, nullable=False),
    Column("stage", Name, nullable=False),
    Column("parent_id", Id),
    Column("key", String(512), nullable=False),
    Column("label", Text, nullable=False),
    Column("key_path", Text, nullable=False),
    Column("position", Position, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("sibling_total", Integer, nullable=False),
    Column("status", String(12), nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("tries", Integer, nullable=False, server_default="0"),
    # Since its last attempt that ended by itself: ends of the process under it, and leases that ran out.
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("is_due", Boolean, nullable=False),
    Column("next_attempt_at", Moment),
    Column("session_id", Id),
    Column("input", Text),
    Column("input_sha256", String(64)),
    Column("output", Text),
    Column("output_sha256", String(64)),
    Column("item_count", Integer, nullable=False, server_default="0"),
    Column("failure", String(16)),
    Column("error", Json),
    Column("run_micros", BigInteger, nullable=False, server_default="0"),
    Column("progress_fraction", Float),
    Column("progress_note", Text, nullable=False, server_default=""),
    Column("stop_receipt", String(12)),
    Column("reused_from", Id),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    UniqueConstraint("job_id", "position"),
    Index(
        "ix_steps_claimable",
        "job_id",
        "stage_no",
        # Always PENDING, and only there to be named: SQLite takes the index of which a query names most columns.
        "status",
        "position",
        sqlite_where=text(_CLAIMABLE),
        postgresql_where=text(_CLAIMABLE),
    ),
    Index(
        "ix_steps_suspect",
        "job_id",
        "stage_no",
        "status",
        sqlite_where=text(_SUSPECT),
        postgresql_where=text(_SUSPECT),
    ),
    Index(
        "ix_steps_backing_off",
        "next_attempt_at",
        sqlite_where=text(_BACKING_OFF),
        postgresql_where=text(_BACKING_OFF),
    ),
    Index(
        "ix_steps_running",
        "session_id",
        sqlite_where=text("status = 'PROCESSING'"),
        postgresql_where=text("status = 'PROCESSING'"),
    ),
    Index(
        "ix_steps_abandoned",
        "session_id",
        sqlite_where=text("stop_receipt = 'ABANDONED'"),
        postgresql_where=text("stop_receipt = 'ABANDONED'"),
    ),
    Index(
        "ix_steps_failed",
        "job_id",
        "stage_no",
        "position",
        sqlite_where=text("status = 'FAILED'"),
        postgresql_where=text("status = 'FAILED'"),
    ),
    Index("ix_steps_job_id_stage_no_position", "job_id", "stage_no", "position"),
)

# A query that is to find its rows by one of the indexes above says the condition as the index does: SQLite takes
# neither "is_due = 1" for "is_due" nor a list of values for the same list of literals.
IS_ACTIVE = text(f"jobs.{_ACTIVE}")
HAS_HISTORY = text("jobs.completed_at IS NOT NULL AND jobs.history_pruned_at IS NULL")
IS_DELETED = text("jobs.deleted_at IS NOT NULL")
IS_KEPT = text("jobs.completed_at IS NOT NULL AND jobs.deleted_at IS NULL")
IS_CLAIMABLE = text("steps.status = 'PENDING' AND steps.is_due AND steps.crashes = 0")
#: Claimable by a lone process alone.
IS_SUSPECT = text("steps.status = 'PENDING' AND steps.is_due AND steps.crashes > 0")
IS_BACKING_OFF = text("steps.status = 'PENDING' AND NOT steps.is_due")
