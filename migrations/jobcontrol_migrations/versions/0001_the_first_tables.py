"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | None = None
depends_on: str | None = None


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("payload", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
    )
    with op.batch_alter_table("alerts") as batch_op:
        batch_op.create_index(
            "ix_alerts_unsent",
            ["created_at"],
            unique=False,
            sqlite_where=sa.text("sent_at IS NULL"),
            postgresql_where=sa.text("sent_at IS NULL"),
        )

    op.create_table(
        "audit_events",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=128), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column(
            "resource",
            sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("request_id", sa.String(length=64), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("outcome", sa.String(length=64), nullable=False),
        sa.Column("peer", sa.String(length=255), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    with op.batch_alter_table("audit_events") as batch_op:
        batch_op.create_index("ix_audit_events_resource", ["resource"], unique=False)
        batch_op.create_index("ix_audit_events_tenant_created_at_id", ["tenant", "created_at", "id"], unique=False)

    op.create_table(
        "blobs",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_blobs")),
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("short_id", sa.String(length=8), nullable=False),
        sa.Column("tenant", sa.String(length=128), nullable=False),
        sa.Column("path_id", sa.String(length=128), nullable=False),
        sa.Column("title", sa.String(length=256), server_default="", nullable=False),
        sa.Column("pipeline", sa.String(length=63), nullable=False),
        sa.Column("pipeline_version", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("stopping_because", sa.String(length=12), nullable=True),
        sa.Column("waits_for", sa.String(length=36), nullable=True),
        sa.Column("status_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("status_actor", sa.String(length=128), server_default="", nullable=False),
        sa.Column("parameters", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("labels", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("document_sha256", sa.String(length=64), nullable=True),
        sa.Column("document_media_type", sa.String(length=128), nullable=True),
        sa.Column("document_name", sa.String(length=256), nullable=True),
        sa.Column("document_size", sa.Integer(), nullable=True),
        sa.Column("percent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("error_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reused_steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("results", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("triggered_by", sa.String(length=128), server_default="", nullable=False),
        sa.Column("retry_of", sa.String(length=36), nullable=True),
        sa.Column("first_job_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_sequence", sa.BigInteger(), nullable=False),
        sa.Column("revision", sa.Integer(), server_default="1", nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.Column("served_at", sa.BigInteger(), nullable=True),
        sa.Column("deadline_at", sa.BigInteger(), nullable=True),
        sa.Column("history_pruned_at", sa.BigInteger(), nullable=True),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
    )
    with op.batch_alter_table("jobs") as batch_op:
        batch_op.create_index(
            "ix_jobs_history",
            ["completed_at"],
            unique=False,
            sqlite_where=sa.text("completed_at IS NOT NULL AND history_pruned_at IS NULL"),
            postgresql_where=sa.text("completed_at IS NOT NULL AND history_pruned_at IS NULL"),
        )
        batch_op.create_index(
            "ix_jobs_deleted",
            ["id"],
            unique=False,
            sqlite_where=sa.text("deleted_at IS NOT NULL"),
            postgresql_where=sa.text("deleted_at IS NOT NULL"),
        )
        batch_op.create_index(
            "ix_jobs_kept",
            ["completed_at"],
            unique=False,
            sqlite_where=sa.text("completed_at IS NOT NULL AND deleted_at IS NULL"),
            postgresql_where=sa.text("completed_at IS NOT NULL AND deleted_at IS NULL"),
        )
        batch_op.create_index(
            "ix_jobs_active",
            ["id"],
            unique=False,
            sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING')"),
            postgresql_where=sa.text("status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING')"),
        )
        batch_op.create_index(
            "ix_jobs_completed",
            ["tenant", "pipeline", "pipeline_version", "completed_at"],
            unique=False,
            sqlite_where=sa.text("status = 'COMPLETED'"),
            postgresql_where=sa.text("status = 'COMPLETED'"),
        )
        batch_op.create_index(
            "ix_jobs_ended",
            ["tenant", "status", "completed_at"],
            unique=False,
            sqlite_where=sa.text("completed_at IS NOT NULL"),
            postgresql_where=sa.text("completed_at IS NOT NULL"),
        )
        batch_op.create_index("ix_jobs_retry_of", ["retry_of"], unique=False)
        batch_op.create_index("ix_jobs_tenant_created_at_id", ["tenant", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_jobs_tenant_path_id_created_at_id", ["tenant", "path_id", "created_at", "id"], unique=False
        )
        batch_op.create_index("ix_jobs_tenant_short_id", ["tenant", "short_id"], unique=False)
        batch_op.create_index(
            "ix_jobs_tenant_status_created_at_id", ["tenant", "status", "created_at", "id"], unique=False
        )
        batch_op.create_index(
            "uq_jobs_active_path",
            ["tenant", "path_id"],
            unique=True,
            sqlite_where=sa.text("status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING') AND waits_for IS NULL"),
            postgresql_where=sa.text(
                "status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING') AND waits_for IS NULL"
            ),
        )
        batch_op.create_index(
            "uq_jobs_waiting_path",
            ["tenant", "path_id"],
            unique=True,
            sqlite_where=sa.text(
                "status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING') AND waits_for IS NOT NULL"
            ),
            postgresql_where=sa.text(
                "status IN ('PENDING', 'PROCESSING', 'PAUSED', 'CANCELLING') AND waits_for IS NOT NULL"
            ),
        )

    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("holder", sa.String(length=160), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "pipelines",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("spec", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("sample", sa.LargeBinary(), nullable=True),
        sa.Column("published_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", "version", name=op.f("pk_pipelines")),
    )
    op.create_table(
        "queues",
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("is_paused", sa.Boolean(), nullable=False),
        sa.Column("paused_by", sa.String(length=128), server_default="", nullable=False),
        sa.Column("paused_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("declared", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("chosen", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("is_limited", sa.Boolean(), nullable=False),
        sa.Column("grants", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.Column("changed_by", sa.String(length=128), server_default="", nullable=False),
        sa.Column("changed_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("changed_at", sa.BigInteger(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_queues")),
    )
    op.create_table(
        "request_ids",
        sa.Column("tenant", sa.String(length=128), nullable=False),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=True),
        sa.Column("is_existing", sa.Boolean(), nullable=False),
        sa.Column("answer", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "request_id", name=op.f("pk_request_ids")),
    )
    with op.batch_alter_table("request_ids") as batch_op:
        batch_op.create_index("ix_request_ids_created_at", ["created_at"], unique=False)

    op.create_table(
        "requeues",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("tenant", sa.String(length=128), nullable=False),
        sa.Column("actor", sa.String(length=128), nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("message", sa.Text(), server_default="", nullable=False),
        sa.Column("canary_job_id", sa.String(length=36), nullable=True),
        sa.Column(
            "canary_position",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("per_second", sa.Float(), nullable=True),
        sa.Column("released_at", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requeues")),
    )
    with op.batch_alter_table("requeues") as batch_op:
        batch_op.create_index(
            "ix_requeues_running",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state IN ('CANARY', 'RELEASING')"),
            postgresql_where=sa.text("state IN ('CANARY', 'RELEASING')"),
        )

    op.create_table(
        "stage_stats",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("pipeline", sa.String(length=63), nullable=False),
        sa.Column("stage", sa.String(length=63), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("completed", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("run_micros", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("session_id", "pipeline", "stage", "minute", name=op.f("pk_stage_stats")),
    )
    with op.batch_alter_table("stage_stats") as batch_op:
        batch_op.create_index("ix_stage_stats_minute", ["minute"], unique=False)

    op.create_table(
        "workers",
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("supervisor", sa.String(length=160), nullable=False),
        sa.Column("host", sa.String(length=255), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("is_lone", sa.Boolean(), nullable=False),
        sa.Column("is_draining", sa.Boolean(), nullable=False),
        sa.Column("drain_asked_at", sa.BigInteger(), nullable=True),
        sa.Column("stages", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("renewed_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_because", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_workers")),
    )
    op.create_table(
        "dead_letters",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("step_id", sa.String(length=36), nullable=False),
        sa.Column("queue", sa.String(length=63), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("requeue_id", sa.String(length=36), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_dead_letters_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dead_letters")),
        sa.UniqueConstraint("step_id", name=op.f("uq_dead_letters_step_id")),
    )
    with op.batch_alter_table("dead_letters") as batch_op:
        batch_op.create_index("ix_dead_letters_fingerprint", ["fingerprint"], unique=False)
        batch_op.create_index("ix_dead_letters_job_id", ["job_id"], unique=False)
        batch_op.create_index("ix_dead_letters_queue_created_at_id", ["queue", "created_at", "id"], unique=False)
        batch_op.create_index(
            "ix_dead_letters_requeue_id",
            ["requeue_id", "id"],
            unique=False,
            sqlite_where=sa.text("requeue_id IS NOT NULL"),
            postgresql_where=sa.text("requeue_id IS NOT NULL"),
        )

    op.create_table(
        "job_blobs",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_blobs_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "sha256", name=op.f("pk_job_blobs")),
    )
    with op.batch_alter_table("job_blobs") as batch_op:
        batch_op.create_index("ix_job_blobs_sha256", ["sha256"], unique=False)

    op.create_table(
        "job_events",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_events_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "sequence", name=op.f("pk_job_events")),
    )
    op.create_table(
        "job_stages",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("stage_no", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=63), nullable=False),
        sa.Column("queue", sa.String(length=63), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("weight", sa.Float(), nullable=False),
        sa.Column("retry", sa.JSON(none_as_null=True), nullable=False),
        sa.Column("tolerated_share", sa.Float(), server_default="1", nullable=False),
        sa.Column("total", sa.Integer(), server_default="0", nullable=False),
        sa.Column("active", sa.Integer(), server_default="0", nullable=False),
        sa.Column("completed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failed", sa.Integer(), server_default="0", nullable=False),
        sa.Column("skipped", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items", sa.Integer(), server_default="0", nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_job_stages_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job_id", "stage_no", name=op.f("pk_job_stages")),
    )
    op.create_table(
        "step_attempts",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("step_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("used_a_try", sa.Boolean(), nullable=False),
        sa.Column("session_id", sa.String(length=36), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_step_attempts_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("step_id", "attempt", name=op.f("pk_step_attempts")),
    )
    with op.batch_alter_table("step_attempts") as batch_op:
        batch_op.create_index("ix_step_attempts_job_id", ["job_id"], unique=False)

    op.create_table(
        "step_checkpoints",
        sa.Column("step_id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name=op.f("fk_step_checkpoints_job_id_jobs"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_step_checkpoints")),
    )
    with op.batch_alter_table("step_checkpoints") as batch_op:
        batch_op.create_index("ix_step_checkpoints_job_id", ["job_id"], unique=False)

    op.create_table(
        "step_logs",
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("step_id", sa.String(length=36), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_step_logs_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("step_id", "attempt", "line", name=op.f("pk_step_logs")),
    )
    with op.batch_alter_table("step_logs") as batch_op:
        batch_op.create_index("ix_step_logs_job_id", ["job_id"], unique=False)

    op.create_table(
        "steps",
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("job_id", sa.String(length=36), nullable=False),
        sa.Column("stage_no", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=63), nullable=False),
        sa.Column("parent_id", sa.String(length=36), nullable=True),
        sa.Column("key", sa.String(length=512), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("key_path", sa.Text(), nullable=False),
        sa.Column(
            "position",
            sa.String(length=64).with_variant(sa.String(length=64, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("sibling_total", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.Column("attempt", sa.Integer(), server_default="0", nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("crashes", sa.Integer(), server_default="0", nullable=False),
        sa.Column("losses", sa.Integer(), server_default="0", nullable=False),
        sa.Column("is_due", sa.Boolean(), nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("session_id", sa.String(length=36), nullable=True),
        sa.Column("input", sa.Text(), nullable=True),
        sa.Column("input_sha256", sa.String(length=64), nullable=True),
        sa.Column("output", sa.Text(), nullable=True),
        sa.Column("output_sha256", sa.String(length=64), nullable=True),
        sa.Column("item_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("failure", sa.String(length=16), nullable=True),
        sa.Column("error", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("run_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("progress_fraction", sa.Float(), nullable=True),
        sa.Column("progress_note", sa.Text(), server_default="", nullable=False),
        sa.Column("stop_receipt", sa.String(length=12), nullable=True),
        sa.Column("reused_from", sa.String(length=36), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=True),
        sa.Column("completed_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name=op.f("fk_steps_job_id_jobs"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_steps")),
        sa.UniqueConstraint("job_id", "position", name=op.f("uq_steps_job_id_position")),
    )
    with op.batch_alter_table("steps") as batch_op:
        batch_op.create_index(
            "ix_steps_abandoned",
            ["session_id"],
            unique=False,
            sqlite_where=sa.text("stop_receipt = 'ABANDONED'"),
            postgresql_where=sa.text("stop_receipt = 'ABANDONED'"),
        )
        batch_op.create_index(
            "ix_steps_backing_off",
            ["next_attempt_at"],
            unique=False,
            sqlite_where=sa.text("status = 'PENDING' AND NOT is_due"),
            postgresql_where=sa.text("status = 'PENDING' AND NOT is_due"),
        )
        batch_op.create_index(
            "ix_steps_claimable",
            ["job_id", "stage_no", "status", "position"],
            unique=False,
            sqlite_where=sa.text("status = 'PENDING' AND is_due AND crashes = 0"),
            postgresql_where=sa.text("status = 'PENDING' AND is_due AND crashes = 0"),
        )
        batch_op.create_index(
            "ix_steps_suspect",
            ["job_id", "stage_no", "status"],
            unique=False,
            sqlite_where=sa.text("status = 'PENDING' AND is_due AND crashes > 0"),
            postgresql_where=sa.text("status = 'PENDING' AND is_due AND crashes > 0"),
        )
        batch_op.create_index(
            "ix_steps_failed",
            ["job_id", "stage_no", "position"],
            unique=False,
            sqlite_where=sa.text("status = 'FAILED'"),
            postgresql_where=sa.text("status = 'FAILED'"),
        )
        batch_op.create_index("ix_steps_job_id_stage_no_position", ["job_id", "stage_no", "position"], unique=False)
        batch_op.create_index(
            "ix_steps_running",
            ["session_id"],
            unique=False,
            sqlite_where=sa.text("status = 'PROCESSING'"),
            postgresql_where=sa.text("status = 'PROCESSING'"),
        )


def downgrade() -> None:
    op.drop_table("steps")
    op.drop_table("step_logs")
    op.drop_table("step_checkpoints")
    op.drop_table("step_attempts")
    op.drop_table("job_stages")
    op.drop_table("job_events")
    op.drop_table("job_blobs")
    op.drop_table("dead_letters")
    op.drop_table("workers")
    op.drop_table("stage_stats")
    op.drop_table("requeues")
    op.drop_table("request_ids")
    op.drop_table("queues")
    op.drop_table("pipelines")
    op.drop_table("leases")
    op.drop_table("jobs")
    op.drop_table("blobs")
    op.drop_table("audit_events")
    op.drop_table("alerts")
