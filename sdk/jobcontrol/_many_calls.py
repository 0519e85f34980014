"""The calls about many jobs at once, written once for both clients."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from jobcontrol import v1 as pb
from jobcontrol._batches import BatchCalls, BatchRequest
from jobcontrol._calling import Calling
from jobcontrol._filters import Since, job_filter
from jobcontrol._operation import AnyBatch, batch_operation
from jobcontrol._plans import Plan
from jobcontrol._rpcs import BATCH_CANCEL, BATCH_RETRY, Rpc


class ManyCalls(Calling):
    """A part of Client and AsyncClient, which see."""

    _batch_kind: type[BatchCalls]

    @batch_operation
    def cancel_many(
        self,
        jobs: Iterable[str] = (),
        *,
        status: str | Iterable[str] | None = None,
        path_id: str = "",
        pipeline: str = "",
        has_failed_steps: bool | None = None,
        search: str = "",
        since: Since | None = None,
        labels: Mapping[str, str] | None = None,
        filter: str = "",
        reason: str = "",
        dry_run: bool = False,
    ) -> Plan[AnyBatch]:
        """Ask jobs to stop: by their ids, or all that meet the conditions of `jobs()` and can be cancelled.

        `dry_run` does nothing and counts them: `plan.count`, then `plan.apply()`. What kept single ones from it is
        in `failures`. Raises InvalidInput without ids and conditions.
        """
        wanted = job_filter(
            status=status,
            path_id=path_id,
            pipeline=pipeline,
            has_failed_steps=has_failed_steps,
            search=search,
            since=since,
            labels=labels,
            filter=filter,
        )
        request = pb.BatchCancelRequest(job_ids=_lowered(jobs), filter=_given(wanted), reason=reason)
        return (yield from self._batch(BATCH_CANCEL, request, dry_run))

    @batch_operation
    def retry_many(
        self,
        jobs: Iterable[str] = (),
        *,
        status: str | Iterable[str] | None = None,
        path_id: str = "",
        pipeline: str = "",
        has_failed_steps: bool | None = None,
        search: str = "",
        since: Since | None = None,
        labels: Mapping[str, str] | None = None,
        filter: str = "",
        all_steps: bool = False,
        reason: str = "",
        dry_run: bool = False,
    ) -> Plan[AnyBatch]:
        """Make new jobs that do again what failed or never came to be, or everything with `all_steps`.

        Of jobs by their ids, or of all that meet the conditions of `jobs()` and can be retried; of each path only
        of the newest job. `job_ids` are the new ones. For `dry_run`, `failures` and what it raises: see
        `cancel_many`.
        """
        wanted = job_filter(
            status=status,
            path_id=path_id,
            pipeline=pipeline,
            has_failed_steps=has_failed_steps,
            search=search,
            since=since,
            labels=labels,
            filter=filter,
        )
        mode = pb.RETRY_MODE_FROM_SCRATCH if all_steps else pb.RETRY_MODE_FAILED_STEPS
        request = pb.BatchRetryRequest(job_ids=_lowered(jobs), filter=_given(wanted), mode=mode, reason=reason)
        return (yield from self._batch(BATCH_RETRY, request, dry_run))

    def _batch(self, rpc: Rpc[Any, Any], request: BatchRequest, dry_run: bool) -> Plan[AnyBatch]:
        batch = self._batch_kind(self._connection, rpc, request, is_applied=not dry_run)
        yield from batch._preview() if dry_run else batch._run()
        return batch


def _lowered(jobs: Iterable[str]) -> list[str]:
    return [job.lower() for job in jobs]


def _given(wanted: pb.JobFilter) -> pb.JobFilter | None:
    return wanted if wanted.ListFields() else None
