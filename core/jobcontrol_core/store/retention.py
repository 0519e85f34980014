"""Records that have served their purpose are deleted."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import Connection

from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.requests import prune_requests
from jobcontrol_core.store.sessions import prune_sessions

SESSIONS_KEPT = timedelta(days=1)


def prune(tx: Connection) -> None:
    """Forget request ids after 24 hours, and worker sessions a day after their end."""
    now = read_now(tx)
    prune_requests(tx, now)
    prune_sessions(tx, now - SESSIONS_KEPT)
