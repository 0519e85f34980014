"""The tables of what builds leave behind: attempts, events, logs, checkpoints, large values."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from jobcontrol_core.store.clock import Moment
from jobcontrol_core.store.tables.columns import Id, Json, job_key, metadata

step_attempts = Table(
    "step_attempts",
    metadata,
    Column("job_id", Id, job_key(), nullable=False),
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
    Column("job_id", Id, job_key(), nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("payload", Text, nullable=False),
    PrimaryKeyConstraint("job_id", "sequence"),
)

step_logs = Table(
    "step_logs",
    metadata,
    Column("job_id", Id, job_key(), nullable=False),
    Column("step_id", Id, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("line", Integer, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("message", Text, nullable=False),
    PrimaryKeyConstraint("step_id", "attempt", "line"),
    Index("ix_step_logs_job_id", "job_id"),
)

# The newest checkpoint of a step, whichever of its attempts made it.
step_checkpoints = Table(
    "step_checkpoints",
    metadata,
    Column("step_id", Id, primary_key=True),
    Column("job_id", Id, job_key(), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("value", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Index("ix_step_checkpoints_job_id", "job_id"),
)

blobs = Table(
    "blobs",
    metadata,
    Column("sha256", String(64), primary_key=True),
    Column("data", LargeBinary, nullable=False),
    Column("created_at", Moment, nullable=False),
)

# Which jobs name which of these values in their rows: what no job names goes with the last that did.
job_blobs = Table(
    "job_blobs",
    metadata,
    Column("job_id", Id, job_key(), nullable=False),
    Column("sha256", String(64), nullable=False),
    PrimaryKeyConstraint("job_id", "sha256"),
    Index("ix_job_blobs_sha256", "sha256"),
)
