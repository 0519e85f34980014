"""Which jobs a list shows: the conditions that the server answers, and those that are looked for in its answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice, takewhile

from jobcontrol.client import Client
from jobcontrol.values import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """All of these must hold: any of `statuses`; created at or `since`; every word of `text` somewhere in the job."""

    statuses: Sequence[str] = ()
    path_id: str = ""
    pipeline: str = ""
    has_errors: bool = False
    since: datetime | None = None
    text: str = ""


def find_jobs(client: Client, wanted: Wanted, *, limit: int | None) -> Iterator[JobState]:
    """The newest first, at most `limit`; pages are fetched as they are needed."""
    found = client.jobs(
        status=wanted.statuses or None,
        path_id=wanted.path_id,
        pipeline=wanted.pipeline,
        has_failed_steps=True if wanted.has_errors else None,
        # Of what the server finds, some may be left out here.
        limit=None if wanted.text else limit,
    )
    states: Iterator[JobState] = (job.state for job in found)
    if wanted.since is not None:
        since = wanted.since
        # The newest come first, so the first one that is older ends it.
        states = takewhile(lambda state: state.created_at is None or state.created_at >= since, states)
    if wanted.text:
        words = wanted.text.lower().split()
        states = (state for state in states if _holds(state, words))
    return islice(states, limit)


def _holds(state: JobState, words: Sequence[str]) -> bool:
    told = " ".join((state.job_id, state.path_id, state.title, str(state.error or ""))).lower()
    return all(word in told for word in words)
