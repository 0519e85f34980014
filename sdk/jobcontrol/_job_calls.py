"""What can be done with a job, written once for both clients: watch it, wait for it, steer it."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol._existing import with_existing_job
from jobcontrol._job_reading import JobReading
from jobcontrol._operation import AnyJob, job_operation, operation, watch_operation
from jobcontrol._plans import Plan
from jobcontrol._requests import DocumentSource, cancel_request, retry_request
from jobcontrol._rpcs import (
    CANCEL,
    DELETE_JOB,
    GET_JOB,
    PAUSE,
    RESUME,
    RETRY,
)
from jobcontrol._watching import Outage, Position, WatchedJob, Watching
from jobcontrol.errors import WaitTimeout
from jobcontrol.events import Event, LinkNotice, advance
from jobcontrol.values import JobState, RetryPlan

if TYPE_CHECKING:
    from jobcontrol.display import Display

LinkListener = Callable[[LinkNotice], None]


class JobCalls(JobReading):
    """A part of Job and AsyncJob, which see."""

    def __init__(self, connection: Any, state: JobState, *, was_running: bool = False) -> None:
        self._connection = connection
        self.state = state
        self.was_running = was_running

    @job_operation
    def refresh(self) -> Plan[AnyJob]:
        """Read the state anew; returns the same object."""
        answer = yield from self._call(GET_JOB, pb.GetJobRequest(job_id=self.id))
        return self._moved(answer.job)

    @watch_operation
    def watch(
        self,
        after: int | None = None,
        *,
        timeout: float | None = None,
        heartbeats: bool = False,
        on_link: LinkListener | None = None,
    ) -> WatchedJob:
        """Everything that happens to the job until it ends, each commit once and in order.

        Without `after` the first event is a snapshot; with it, what follows that sequence; 0 replays from the
        first commit. If that history has been trimmed, an event with `is_gap` stands for what is missing.
        A lost link is taken up again where it broke, and `on_link` hears of it. Raises
        WaitTimeout after `timeout` seconds, and ConnectionFailed once the client's patience has ended.
        """
        return self._watched(after, timeout=timeout, heartbeats=heartbeats, on_link=on_link)

    @job_operation
    def wait(self, *, timeout: float | None = None, progress: bool = False, strict: bool = False) -> Plan[AnyJob]:
        """Wait for the end; returns the same object if the job is completed.

        Raises JobFailed, JobCancelled, with `strict` JobPartiallyFailed if steps failed, and WaitTimeout
        after `timeout` seconds of waiting; the job goes on then. `progress` shows it on stderr: bars on a
        terminal, lines elsewhere; in a notebook, below the cell.
        """
        if progress:
            from jobcontrol.display import open_display

            with open_display(self.state, mode="auto", stream=sys.stderr) as display:
                yield from self._until_end(timeout, display)
        else:
            yield from self._until_end(timeout)
        return self.check(strict=strict)

    @job_operation
    def cancel(
        self,
        reason: str = "",
        *,
        wait: bool = False,
        force: bool = False,
        if_unchanged: bool = False,
        request_id: str | None = None,
    ) -> Plan[AnyJob]:
        """Ask the job to stop; with `wait`, return when it has: then each step's `stop_receipt` says how it let go.

        `force` ends the running steps at once, whatever their handlers do. `if_unchanged`: only if its status is
        still what `state` says. Raises InvalidState if it had ended, or has changed.
        """
        etag = self._etag(if_unchanged)
        request = cancel_request(self.id, reason=reason, force=force, etag=etag, request_id=request_id)
        answer = yield from self._call(CANCEL, request)
        self._moved(answer.job)
        if wait:
            yield from self._until_end()
        return self

    @job_operation
    def pause(self, reason: str = "", *, if_unchanged: bool = False) -> Plan[AnyJob]:
        """Let no step of the job start; those that run may finish. On a paused job it does nothing.

        `if_unchanged`: only if its status is still what `state` says. Raises InvalidState if it is stopping,
        has ended, or has changed.
        """
        request = pb.PauseRequest(job_id=self.id, reason=reason, etag=self._etag(if_unchanged))
        answer = yield from self._call(PAUSE, request)
        return self._moved(answer.job)

    @job_operation
    def resume(self, reason: str = "", *, if_unchanged: bool = False) -> Plan[AnyJob]:
        """Let the steps of a paused job start again. On one that is not paused it does nothing.

        `if_unchanged` and what it raises: see `pause`.
        """
        request = pb.ResumeRequest(job_id=self.id, reason=reason, etag=self._etag(if_unchanged))
        answer = yield from self._call(RESUME, request)
        return self._moved(answer.job)

    @job_operation
    def retry(
        self,
        *,
        all_steps: bool = False,
        parameters: Mapping[str, Any] | None = None,
        document: DocumentSource | None = None,
        reason: str = "",
        if_unchanged: bool = False,
        request_id: str | None = None,
    ) -> Plan[AnyJob]:
        """A new job that does again what failed or never came to be, or everything with `all_steps`.

        `parameters` and `document` take the place of the old job's, which needs `all_steps`. Raises
        InvalidState if the job has not ended, has nothing to retry or, with `if_unchanged`, is not as `state`
        says any more; AlreadyRunning if the path is being built again already; InvalidInput.
        """
        request = retry_request(
            self.id,
            all_steps=all_steps,
            parameters=parameters,
            document=document,
            reason=reason,
            etag=self._etag(if_unchanged),
            request_id=request_id,
        )
        retried = with_existing_job(self._call(RETRY, request), self._limits, self._another)
        answer = yield from retried
        return self._another(to_job_state(answer.job))

    @operation
    def retry_plan(
        self,
        *,
        all_steps: bool = False,
        parameters: Mapping[str, Any] | None = None,
        document: DocumentSource | None = None,
    ) -> Plan[RetryPlan]:
        """What `retry` would take over and do again now; nothing is done. Raises what `retry` would raise."""
        request = retry_request(self.id, all_steps=all_steps, parameters=parameters, document=document)
        request.validate_only = True
        answer = yield from with_existing_job(self._call(RETRY, request), self._limits, self._another)
        return RetryPlan(answer.plan.reused_steps, answer.plan.rerun_steps)

    @operation
    def delete(self, reason: str = "", *, if_unchanged: bool = False) -> Plan[None]:
        """Delete the job, which must have ended, with its steps, log, result and dead letters. Its retries stay.

        `if_unchanged`: only if its status is still what `state` says. Raises NotFound if it is gone already, and
        InvalidState if it has not ended, or has changed.
        """
        yield from self._call(
            DELETE_JOB, pb.DeleteJobRequest(job_id=self.id, reason=reason, etag=self._etag(if_unchanged))
        )

    def _watched(
        self,
        after: int | None,
        *,
        timeout: float | None = None,
        heartbeats: bool = False,
        on_link: LinkListener | None = None,
    ) -> WatchedJob:
        limits = self._limits
        watching = Watching(
            Position(self.id, after),
            Outage(limits.patience),
            limits,
            on_link or _ignore,
            deadline=None if timeout is None else time.monotonic() + timeout,
        )
        return WatchedJob(watching, self._advance, heartbeats, lambda: self._wait_timeout(timeout or 0.0))

    def _until_end(self, timeout: float | None = None, display: Display | None = None) -> Plan[None]:
        """Follow the job to its end, and show it on the way. Raises WaitTimeout."""
        if self.has_ended:
            return
        on_link = display.note_link if display else None
        watched = self._watched(
            self.state.last_sequence, timeout=timeout, heartbeats=display is not None, on_link=on_link
        )
        with closing(watched):
            while (event := (yield from watched.next_event())) is not None:
                if display is not None:
                    display.show(event, self.state)

    def _another(self, state: JobState) -> Any:
        return type(self)(self._connection, state)

    def _moved(self, job: pb.Job) -> Any:
        self.state = to_job_state(job)
        return self

    def _advance(self, event: Event) -> None:
        self.state = advance(self.state, event)

    def _etag(self, if_unchanged: bool) -> str:
        return self.state.etag if if_unchanged else ""

    def _wait_timeout(self, seconds: float) -> WaitTimeout:
        message = f"{self.path_id} ({self.short_id}) has not ended after {seconds:g} s; it is at {self.percent}%"
        return WaitTimeout(message, "it goes on: wait again, or error.job.cancel()", job=self)


def _ignore(_: LinkNotice) -> None:
    return None
