"""A job as a caller holds it: its newest known state, and what can be done with it."""

from __future__ import annotations

from jobcontrol._connection import Awaiting, Blocking
from jobcontrol._job_calls import JobCalls

__all__ = ["AsyncJob", "Job"]


class Job(Blocking, JobCalls):
    """One job. What it says of itself is as of the last call, event or `refresh`: see `state`."""


class AsyncJob(Awaiting, JobCalls):
    """A `Job`, awaited: the same names and arguments."""
