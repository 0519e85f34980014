"""The tables of every release, step by step: brings any database to the schema of this one."""

from jobcontrol_migrations.schema import current, downgrade, head, is_current, upgrade

__all__ = ["current", "downgrade", "head", "is_current", "upgrade"]
