"""What all tables share: the naming of constraints, and the types of columns."""

from __future__ import annotations

from sqlalchemy import JSON, ForeignKey, MetaData, String

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
#: So do names of things, of which one may lie below another.
Resource = String(255).with_variant(String(255, collation="C"), "postgresql")


def job_key() -> ForeignKey:
    """Rows that go with their job."""
    return ForeignKey("jobs.id", ondelete="CASCADE")
