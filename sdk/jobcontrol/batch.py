"""Many jobs cancelled or retried: counted first, or done."""

from __future__ import annotations

from jobcontrol._batches import BatchCalls
from jobcontrol._connection import Awaiting, Blocking

__all__ = ["AsyncBatch", "Batch"]


class Batch(Blocking, BatchCalls):
    """What `cancel_many` or `retry_many` has done or, with `dry_run`, would do: then `apply` does it."""


class AsyncBatch(Awaiting, BatchCalls):
    """A `Batch`, awaited: the same names and arguments."""
