"""The client: one object per server, from which jobs are started, found and listed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state, to_pipeline
from jobcontrol._grpc_transport import GrpcTransport
from jobcontrol._operator_calls import OperatorCalls
from jobcontrol._pages import PAGE_SIZE, read_pages
from jobcontrol._requests import (
    DocumentSource,
    IfRunning,
    list_jobs_request,
    start_request,
)
from jobcontrol._rpcs import (
    GET_JOB,
    LIST_JOBS,
    LIST_PIPELINES,
    START_BUILD,
)
from jobcontrol._settings import read_settings
from jobcontrol._transport import Transport
from jobcontrol.errors import AlreadyRunning
from jobcontrol.job import Job
from jobcontrol.pipeline.definition import Retry
from jobcontrol.values import JobState, PipelineInfo


@dataclass(frozen=True, slots=True)
class Limits:
    """How long a client waits, in seconds."""

    timeout: float = 20.0
    """For one answer, all tries together."""
    patience: float = 600.0
    """For a watch whose server has gone, until it gives up."""


class Client(OperatorCalls):
    """Talks to one server; connects with the first call. Threads may share it.

    `server` is host:port of gRPC, by default JOBCONTROL_SERVER or localhost:50051; `token` is by default
    JOBCONTROL_TOKEN. Calls that may be sent twice are tried again while the server is out of reach, for about
    a second. Every method raises ConnectionFailed, RequestTimeout or an ApiError of `jobcontrol.errors`.
    """

    def __init__(
        self,
        server: str | None = None,
        *,
        token: str | None = None,
        timeout: float = 20.0,
        patience: float = 600.0,
        transport: Transport | None = None,
    ) -> None:
        settings = read_settings()
        self._limits = Limits(timeout, patience)
        self._token = settings.token if token is None else token
        self._transport: Transport = transport or GrpcTransport(
            server or settings.server, token=self._token, timeout=timeout
        )

    @property
    def server(self) -> str:
        """The address that it talks to."""
        return self._transport.address

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
    ) -> Job:
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
        try:
            answer = self._transport.call(START_BUILD, request)
        except AlreadyRunning as error:
            error._client = self
            raise
        return Job(self, to_job_state(answer.job), was_running=answer.existing)

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
    ) -> JobState:
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
        return to_job_state(self._transport.call(START_BUILD, request).job)

    def job(self, job_id: str) -> Job:
        """The job with this id, or with this unique ending (four characters or more). Raises NotFound."""
        answer = self._transport.call(GET_JOB, pb.GetJobRequest(job_id=job_id.lower()))
        return self._handle(answer.job)

    def jobs(
        self,
        *,
        status: str | Iterable[str] | None = None,
        path_id: str = "",
        pipeline: str = "",
        has_failed_steps: bool | None = None,
        limit: int | None = None,
    ) -> Iterator[Job]:
        """Jobs that meet all conditions given, newest first; pages are fetched as they are needed."""
        request = list_jobs_request(
            status=status, path_id=path_id, pipeline=pipeline, has_failed_steps=has_failed_steps
        )
        pages = read_pages(self._transport, LIST_JOBS, request, size=PAGE_SIZE if limit is None else limit)
        return islice((self._handle(job) for page in pages for job in page.jobs), limit)

    def pipelines(self) -> list[PipelineInfo]:
        """What can be built, by name."""
        pages = read_pages(self._transport, LIST_PIPELINES, pb.ListPipelinesRequest())
        return [to_pipeline(pipeline) for page in pages for pipeline in page.pipelines]

    def close(self) -> None:
        """Give the connection back. The client stays usable: its next call connects anew."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<Client {self.server}>"

    def __getstate__(self) -> dict[str, Any]:
        # No token: a pickle may lie about, and whoever reads it has a token of his own.
        return {"server": self.server, "timeout": self._limits.timeout, "patience": self._limits.patience}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(state["server"], timeout=state["timeout"], patience=state["patience"])  # type: ignore[misc]

    def _handle(self, job: pb.Job) -> Job:
        return Job(self, to_job_state(job))
