"""A job as a caller holds it: its newest known state, and what can be done with it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state, to_step, to_step_detail
from jobcontrol._operations_decoding import to_log_line
from jobcontrol._pages import read_pages
from jobcontrol._requests import DocumentSource, cancel_request, list_steps_request, retry_request
from jobcontrol._results import read_result
from jobcontrol._rpcs import CANCEL, GET_JOB, GET_STEP, LIST_EVENTS, LIST_STEPS, PAUSE, RESUME, RETRY
from jobcontrol._watching import DeadlinePassed, Outage, Position, Watch
from jobcontrol.errors import JobCancelled, JobFailed, JobPartiallyFailed, WaitTimeout
from jobcontrol.events import Event, LinkNotice, advance
from jobcontrol.operations import LogLine
from jobcontrol.values import Failure, JobState, JobStatus, RetryPlan, StageProgress, Step, StepDetail

if TYPE_CHECKING:
    from jobcontrol._transport import Transport
    from jobcontrol.client import Client

JSON = "application/json"
LinkListener = Callable[[LinkNotice], None]


class Job:
    """One job. What it says of itself is as of the last call, event or `refresh`: see `state`."""

    def __init__(self, client: Client, state: JobState, *, was_running: bool = False) -> None:
        self._client = client
        self.was_running = was_running
        """True if `start` found the path being built already and attached to this job."""
        self.state = state
        """Everything known of the job, as one frozen value."""

    @property
    def id(self) -> str:
        return self.state.job_id

    @property
    def short_id(self) -> str:
        """The last eight characters of the id, which people are shown."""
        return self.state.short_id

    @property
    def path_id(self) -> str:
        return self.state.path_id

    @property
    def title(self) -> str:
        return self.state.title

    @property
    def status(self) -> JobStatus:
        return self.state.status

    @property
    def has_ended(self) -> bool:
        return self.state.status.has_ended

    @property
    def percent(self) -> int:
        """0 to 100; it never falls, and is 100 only when the job is completed."""
        return self.state.percent

    @property
    def stages(self) -> tuple[StageProgress, ...]:
        return self.state.stages

    @property
    def error(self) -> Failure | None:
        """Why the job is failed, None unless it is."""
        return self.state.error

    @property
    def error_count(self) -> int:
        """How many of its steps failed, whatever its status."""
        return self.state.error_count

    @property
    def url(self) -> str:
        """Address of its page, empty where none is served."""
        return self.state.url

    def refresh(self) -> Job:
        """Read the state anew; returns the same object."""
        self.state = to_job_state(self._transport.call(GET_JOB, pb.GetJobRequest(job_id=self.id)).job)
        return self

    def watch(
        self,
        after: int | None = None,
        *,
        timeout: float | None = None,
        heartbeats: bool = False,
        on_link: LinkListener | None = None,
    ) -> Iterator[Event]:
        """Everything that happens to the job until it ends, each commit once and in order.

        Without `after` the first event is a snapshot; with it, what follows that sequence; 0 replays from the
        first commit. A lost link is taken up again where it broke, and `on_link` hears of it. Raises
        WaitTimeout after `timeout` seconds, and ConnectionFailed once the client's patience has ended.
        """
        watch = Watch(
            self._transport,
            Position(self.id, after),
            Outage(self._client._limits.patience),
            on_link or _ignore,
            deadline=None if timeout is None else time.monotonic() + timeout,
        )
        try:
            for event in watch.events():
                self.state = advance(self.state, event)
                if heartbeats or event.type != "heartbeat":
                    yield event
        except DeadlinePassed:
            raise self._wait_timeout(timeout or 0.0) from None

    def wait(self, *, timeout: float | None = None, progress: bool = False, strict: bool = False) -> Job:
        """Wait for the end; returns the same object if the job is completed.

        Raises JobFailed, JobCancelled, with `strict` JobPartiallyFailed if steps failed, and WaitTimeout
        after `timeout` seconds of waiting; the job goes on then. `progress` shows it on stderr: bars on a
        terminal, lines elsewhere.
        """
        if progress:
            from jobcontrol.display import follow

            follow(self, timeout=timeout)
        elif not self.has_ended:
            for _ in self.watch(self.state.last_sequence, timeout=timeout):
                pass
        return self.check(strict=strict)

    def check(self, *, strict: bool = False) -> Job:
        """The same object, or what `wait` would raise of a job that ended as this one did."""
        what = f"{self.path_id} ({self.short_id})"
        if self.status is JobStatus.FAILED:
            retry = "error.job.retry() runs the failed steps again"
            raise JobFailed(f"{what} failed: {self.error or 'no error was told'}", retry, job=self)
        if self.status is JobStatus.CANCELLED:
            why = f": {self.state.status_reason}" if self.state.status_reason else ""
            raise JobCancelled(f"{what} was cancelled by {self.state.status_actor or 'somebody'}{why}", job=self)
        if strict and self.error_count:
            hint = "error.job.failed_steps names them"
            raise JobPartiallyFailed(f"{what} completed, but {self.error_count} of its steps failed", hint, job=self)
        return self

    def cancel(
        self,
        reason: str = "",
        *,
        wait: bool = False,
        force: bool = False,
        if_unchanged: bool = False,
        request_id: str | None = None,
    ) -> Job:
        """Ask the job to stop; with `wait`, return when it has: then each step's `stop_receipt` says how it let go.

        `force` ends the running steps at once, whatever their handlers do. `if_unchanged`: only if its status is
        still what `state` says. Raises InvalidState if it had ended, or has changed.
        """
        etag = self._etag(if_unchanged)
        request = cancel_request(self.id, reason=reason, force=force, etag=etag, request_id=request_id)
        answer = self._transport.call(CANCEL, request)
        self.state = to_job_state(answer.job)
        if wait and not self.has_ended:
            for _ in self.watch(self.state.last_sequence):
                pass
        return self

    def pause(self, reason: str = "", *, if_unchanged: bool = False) -> Job:
        """Let no step of the job start; those that run may finish. On a paused job it does nothing.

        `if_unchanged`: only if its status is still what `state` says. Raises InvalidState if it is stopping,
        has ended, or has changed.
        """
        request = pb.PauseRequest(job_id=self.id, reason=reason, etag=self._etag(if_unchanged))
        self.state = to_job_state(self._transport.call(PAUSE, request).job)
        return self

    def resume(self, reason: str = "", *, if_unchanged: bool = False) -> Job:
        """Let the steps of a paused job start again. On one that is not paused it does nothing.

        `if_unchanged` and what it raises: see `pause`.
        """
        request = pb.ResumeRequest(job_id=self.id, reason=reason, etag=self._etag(if_unchanged))
        self.state = to_job_state(self._transport.call(RESUME, request).job)
        return self

    def retry(
        self,
        *,
        from_scratch: bool = False,
        parameters: Mapping[str, Any] | None = None,
        document: DocumentSource | None = None,
        reason: str = "",
        if_unchanged: bool = False,
        request_id: str | None = None,
    ) -> Job:
        """A new job that does again what failed or never came to be, or everything `from_scratch`.

        `parameters` and `document` take the place of the old job's, which needs `from_scratch`. Raises
        InvalidState if the job has not ended, has nothing to retry or, with `if_unchanged`, is not as `state`
        says any more; AlreadyRunning if the path is being built again already; InvalidInput.
        """
        request = retry_request(
            self.id,
            from_scratch=from_scratch,
            parameters=parameters,
            document=document,
            reason=reason,
            etag=self._etag(if_unchanged),
            request_id=request_id,
        )
        return Job(self._client, to_job_state(self._transport.call(RETRY, request).job))

    def retry_plan(
        self,
        *,
        from_scratch: bool = False,
        parameters: Mapping[str, Any] | None = None,
        document: DocumentSource | None = None,
    ) -> RetryPlan:
        """What `retry` would take over and do again now; nothing is done. Raises what `retry` would raise."""
        request = retry_request(self.id, from_scratch=from_scratch, parameters=parameters, document=document)
        request.validate_only = True
        plan = self._transport.call(RETRY, request).plan
        return RetryPlan(plan.reused_steps, plan.rerun_steps)

    def result(self, media_type: str = JSON) -> Any:
        """What was built: JSON as Python values, other text as str, anything else as bytes.

        Raises InvalidState unless the job is completed, InvalidInput for a media type that the result lacks.
        """
        found, content = read_result(self._transport, self.id, media_type)
        if found == JSON:
            return json.loads(content)
        return content.decode() if found.startswith("text/") else content

    def result_bytes(self, media_type: str = JSON) -> bytes:
        """What was built, byte for byte."""
        return read_result(self._transport, self.id, media_type)[1]

    def steps(self, *, status: str | Iterable[str] | None = None, stage: str = "") -> Iterator[Step]:
        """The steps, stage by stage in document order; pages are fetched as they are needed."""
        request = list_steps_request(self.id, status=status, stage=stage)
        pages = read_pages(self._transport, LIST_STEPS, request)
        return (to_step(step) for page in pages for step in page.steps)

    @property
    def failed_steps(self) -> list[Step]:
        """The steps that failed, asked for anew each time."""
        return list(self.steps(status="failed"))

    def step(self, step_id: str) -> StepDetail:
        """One step with its input, output and unsuccessful attempts, by its id or a unique ending of it."""
        return to_step_detail(self._transport.call(GET_STEP, pb.GetStepRequest(job_id=self.id, step_id=step_id)))

    def log(
        self, *, after: int = 0, step_id: str = "", errors_only: bool = False, newest_first: bool = False
    ) -> Iterator[LogLine]:
        """What happened, a line for each fact, oldest first unless told; pages are fetched as they are needed.

        `after` leaves out what this commit and those before it told.
        """
        request = pb.ListEventsRequest(
            job_id=self.id, after_sequence=after, step_id=step_id, errors_only=errors_only, newest_first=newest_first
        )
        pages = read_pages(self._transport, LIST_EVENTS, request)
        return (to_log_line(event) for page in pages for event in page.events)

    def __repr__(self) -> str:
        return f"<Job {self.short_id} {self.path_id} {self.status} {self.percent}%>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Job) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def _etag(self, if_unchanged: bool) -> str:
        return self.state.etag if if_unchanged else ""

    @property
    def _transport(self) -> Transport:
        return self._client._transport

    def _wait_timeout(self, seconds: float) -> WaitTimeout:
        message = f"{self.path_id} ({self.short_id}) has not ended after {seconds:g} s; it is at {self.percent}%"
        return WaitTimeout(message, "it goes on: wait again, or error.job.cancel()", job=self)


def _ignore(_: LinkNotice) -> None:
    return None
