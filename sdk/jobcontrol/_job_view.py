"""What a job in a caller's hands says of itself: its newest known state, for both clients the same."""

from __future__ import annotations

from typing import Self

from jobcontrol.errors import JobCancelled, JobFailed, JobPartiallyFailed
from jobcontrol.values import Failure, JobState, JobStatus, StageProgress


class JobView:
    """One job as of the last call, event or `refresh`: see `state`."""

    state: JobState
    """Everything known of the job, as one frozen value."""
    was_running: bool
    """True if `start` found the path being built already and attached to this job."""

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

    def check(self, *, strict: bool = False) -> Self:
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

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.short_id} {self.path_id} {self.status} {self.percent}%>"

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        from jobcontrol.display.html import job_html

        return job_html(self.state, remarks=(self.state.waiting_message,))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, JobView) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)
