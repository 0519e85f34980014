"""What a client can do about jobs, written once for both clients; see `Client` and `AsyncClient`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from copy import copy
from typing import Any, Generic, Self

from jobcontrol import v1 as pb
from jobcontrol._connection import Carrier, Link
from jobcontrol._decoding import to_job_state, to_pipeline
from jobcontrol._existing import with_existing_job
from jobcontrol._filters import Since, job_filter, list_request
from jobcontrol._job_calls import JobCalls
from jobcontrol._many_calls import ManyCalls
from jobcontrol._operation import AnyJob, job_listing, job_operation, operation
from jobcontrol._operator_calls import OperatorCalls
from jobcontrol._paging import Pager, everything
from jobcontrol._plans import Limits, Plan
from jobcontrol._profiles import find_target
from jobcontrol._requests import DocumentSource, IfRunning, start_request
from jobcontrol._rpcs import GET_JOB, LIST_JOBS, LIST_PIPELINES, START_BUILD
from jobcontrol._settings import Tls
from jobcontrol.pipeline.definition import Retry
from jobcontrol.values import JobState, PipelineInfo


class ClientCalls(ManyCalls, OperatorCalls, Generic[Carrier]):
    """A part of Client and AsyncClient, which see."""

    _connection_kind: type[Link[Carrier]]
    _job_kind: type[JobCalls]

    def __init__(
        self,
        server: str | None = None,
        *,
        token: str | None = None,
        tls: Tls | None = None,
        profile: str | None = None,
        timeout: float = 20.0,
        retries: int = 3,
        patience: float = 600.0,
        transport: Carrier | None = None,
    ) -> None:
        limits = Limits(timeout, retries, patience)
        self._connection = self._connection_kind(find_target(server, token, tls, profile), limits, transport)

    @property
    def server(self) -> str:
        """The address that it talks to."""
        address: str = self._connection.address
        return address

    def with_options(
        self, *, timeout: float | None = None, retries: int | None = None, patience: float | None = None
    ) -> Self:
        """A client of the same server over the same connection, with other limits where they are given."""
        limits = Limits(
            self._limits.timeout if timeout is None else timeout,
            self._limits.retries if retries is None else retries,
            self._limits.patience if patience is None else patience,
        )
        changed = copy(self)
        changed._connection = self._connection.with_limits(limits)
        return changed

    @job_operation
    def start(
        self,
        pipeline: str,
        path_id: str,
        *,
        document: DocumentSource | None = None,
        title: str = "",
        parameters: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        if_running: IfRunning = "fail",
        time_limit: float | None = None,
        priority: int = 0,
        retry: Retry | int | None = None,
        request_id: str | None = None,
    ) -> Plan[AnyJob]:
        """Start building `path_id`; when this returns, the job is on the server's disk.

        `document` is a file (Path), its bytes or text, or SAMPLE for the one that comes with the pipeline.
        If the path is being built already: "fail" raises AlreadyRunning, "attach" returns the job that is
        there, "replace" cancels that one, and the new job starts when it has ended. A job that has not ended
        after `time_limit` seconds fails. Steps of builds with a higher `priority` (0 to 9) are handed out first.
        `retry` is how often steps are tried, in every stage, instead of what the stages say: a number of tries,
        or all of it as a Retry. The same `request_id` with the same arguments returns the same job
        for 24 hours.
        """
        request = start_request(
            pipeline,
            path_id,
            document=document,
            title=title,
            parameters=parameters,
            labels=labels,
            if_running=if_running,
            time_limit=time_limit,
            priority=priority,
            retry=retry,
            request_id=request_id,
        )
        answer = yield from self._start(request)
        return self._to_job(to_job_state(answer.job), was_running=answer.existing)

    @operation
    def check(
        self,
        pipeline: str,
        path_id: str,
        *,
        document: DocumentSource | None = None,
        title: str = "",
        parameters: Mapping[str, Any] | None = None,
        labels: Mapping[str, str] | None = None,
        if_running: IfRunning = "fail",
        time_limit: float | None = None,
        priority: int = 0,
        retry: Retry | int | None = None,
    ) -> Plan[JobState]:
        """The job that `start` would start now, without an id, or the one that it would attach to; nothing is done.

        Raises what `start` would raise.
        """
        request = start_request(
            pipeline,
            path_id,
            document=document,
            title=title,
            parameters=parameters,
            labels=labels,
            if_running=if_running,
            time_limit=time_limit,
            priority=priority,
            retry=retry,
            request_id=None,
        )
        request.validate_only = True
        answer = yield from self._start(request)
        return to_job_state(answer.job)

    @job_operation
    def job(self, job_id: str) -> Plan[AnyJob]:
        """The job with this id, or with this unique ending (four characters or more). Raises NotFound."""
        answer = yield from self._call(GET_JOB, pb.GetJobRequest(job_id=job_id.lower()))
        return self._to_job(to_job_state(answer.job))

    @job_listing
    def jobs(
        self,
        *,
        status: str | Iterable[str] | None = None,
        path_id: str = "",
        pipeline: str = "",
        has_failed_steps: bool | None = None,
        search: str = "",
        since: Since | None = None,
        labels: Mapping[str, str] | None = None,
        filter: str = "",
        limit: int | None = None,
    ) -> Pager[AnyJob]:
        """Jobs that meet all conditions given, newest first; pages are fetched as they are needed.

        Every word of `search` occurs in the id, the path, the title or an error. `since` they were created: a
        moment, how long ago it was, or that in words ("24h"). `filter` compares, for example
        'priority > 3 AND labels.team != red'.
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
        return self._pager(LIST_JOBS, list_request(wanted), self._read_jobs, limit)

    @operation
    def pipelines(self) -> Plan[list[PipelineInfo]]:
        """What can be built, by name."""
        request = pb.ListPipelinesRequest()
        return (
            yield from everything(
                self._pager(LIST_PIPELINES, request, lambda answer: map(to_pipeline, answer.pipelines))
            )
        )

    def _start(self, request: pb.StartBuildRequest) -> Plan[pb.StartBuildResponse]:
        return with_existing_job(self._call(START_BUILD, request), self._limits, self._to_job)

    def _read_jobs(self, answer: pb.ListJobsResponse) -> Iterator[Any]:
        return (self._to_job(to_job_state(job)) for job in answer.jobs)

    def _to_job(self, state: JobState, *, was_running: bool = False) -> Any:
        return self._job_kind(self._connection, state, was_running=was_running)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.server}>"
