"""The tables. Times are `Moment`s, ids UUIDv7 text, JSON text is written by us and never queried into."""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from jobcontrol_core.store.clock import Moment

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = String(36)
#: None is SQL NULL, never the JSON text null.
Json = JSON(none_as_null=True)
Name = String(63)
#: Positions sort bytewise, whatever the database's language.
Position = String(64).with_variant(String(64, collation="C"), "postgresql")

_ACTIVE = "status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING')"


def _job_fk() -> ForeignKey:
    return ForeignKey("jobs.id", ondelete="CASCADE")


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
    Index("ix_jobs_tenant_created_at_id", "tenant", "created_at", "id"),
    Index("ix_jobs_tenant_status_created_at_id", "tenant", "status", "created_at", "id"),
    Index("ix_jobs_tenant_path_id_created_at_id", "tenant", "path_id", "created_at", "id"),
    Index("ix_jobs_tenant_short_id", "tenant", "short_id"),
    Index("ix_jobs_retry_of", "retry_of"),
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
    Column("job_id", Id, _job_fk(), nullable=False),
    Column("stage_no", Integer, nullable=False),
    Column("name", Name, nullable=False),
    Column("queue", Name, nullable=False),
    Column("version", Integer, nullable=False),
    Column("weight", Float, nullable=False),
    Column("retry", Json, nullable=False),
    Column("total", Integer, nullable=False, server_default="0"),
    Column("active", Integer, nullable=False, server_default="0"),
    Column("completed", Integer, nullable=False, server_default="0"),
    Column("failed", Integer, nullable=False, server_default="0"),
    Column("skipped", Integer, nullable=False, server_default="0"),
    Column("items", Integer, nullable=False, server_default="0"),
    PrimaryKeyConstraint("job_id", "stage_no"),
)

steps = Table(
    "steps",
    metadata,
    Column("id", Id, primary_key=True),
    Column("job_id", Id, _job_fk(), nullable=False),
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
    Column("reused_from", Id),
    Column("created_at", Moment, nullable=False),
    Column("started_at", Moment),
    Column("completed_at", Moment),
    UniqueConstraint("job_id", "position"),
    Index(
        "ix_steps_claimable",
        "job_id",
        "stage_no",
        "position",
        sqlite_where=text("status = 'PENDING' AND is_due"),
        postgresql_where=text("status = 'PENDING' AND is_due"),
    ),
    Index(
        "ix_steps_backing_off",
        "next_attempt_at",
        sqlite_where=text("status = 'PENDING' AND NOT is_due"),
        postgresql_where=text("status = 'PENDING' AND NOT is_due"),
    ),
    Index(
        "ix_steps_running",
        "session_id",
        sqlite_where=text("status = 'PROCESSING'"),
        postgresql_where=text("status = 'PROCESSING'"),
    ),
    Index("ix_steps_job_id_stage_no_position", "job_id", "stage_no", "position"),
)

step_attempts = Table(
    "step_attempts",
    metadata,
    Column("job_id", Id, _job_fk(), nullable=False),
    Column("step_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("error", Json),
    Column("used_a_try", Boolean, nullable=False),
    Column("session_id", Id, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment, nullable=False),
    PrimaryKeyConstraint("step_id", "attempt"),
    Index("ix_step_attempts_job_id", "job_id"),
)

job_events = Table(
    "job_events",
    metadata,
    Column("job_id", Id, _job_fk(), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("payload", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "sequence"),
)

step_logs = Table(
    "step_logs",
    metadata,
    Column("job_id", Id, _job_fk(), nullable=False),
    Column("step_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("step_id", "attempt", "line"),
    Index("ix_step_logs_job_id", "job_id"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

queues = Table(
    "queues",
    metadata,
    Column("name", Name, primary_key=True),
    Column("is_paused", Boolean, nullable=False),
    Column("paused_by", String(128), nullable=False, server_default=""),
    Column("paused_reason", Text, nullable=False, server_default=""),
    Column("updated_at", Moment, nullable=False),
)

limits = Table(
    "limits",
    metadata,
    Column("key", String(160), primary_key=True),
    Column("max_running", Integer),
    Column("in_use", Integer, nullable=False, server_default="0"),
    Column("rate", Integer),
    Column("window_micros", BigInteger),
    Column("grants", Json, nullable=False),
    Column("held_until", Moment),
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
    Column("job_id", Id, _job_fk(), nullable=False),
    Column("step_id", Id, nullable=False, unique=True),
    Column("queue", Name, nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("failure", String(16), nullable=False),
    Column("error", Json, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_dead_letters_job_id", "job_id"),
    Index("ix_dead_letters_queue_created_at_id", "queue", "created_at", "id"),
    Index("ix_dead_letters_fingerprint", "fingerprint"),
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
    Column("resource", String(255), nullable=False),
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
    Column("job_id", Id, nullable=False),
    Column("is_existing", Boolean, nullable=False),
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
