"""What can be read of a job, written once for both clients: why it waits, its result, its steps, its log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from jobcontrol import v1 as pb
from jobcontrol._calling import Calling
from jobcontrol._decoding import to_step, to_step_detail
from jobcontrol._filters import list_steps_request
from jobcontrol._job_view import JobView
from jobcontrol._operation import listing, operation, read_property
from jobcontrol._operations_decoding import to_log_line, to_wait
from jobcontrol._paging import Pager, everything
from jobcontrol._plans import Plan
from jobcontrol._results import read_result
from jobcontrol._rpcs import EXPLAIN_JOB, GET_STEP, LIST_EVENTS, LIST_STEPS
from jobcontrol.operations import LogLine, Wait
from jobcontrol.values import Step, StepDetail

JSON = "application/json"


class JobReading(JobView, Calling):
    """A part of Job and AsyncJob, which see."""

    @operation
    def explain(self) -> Plan[list[Wait]]:
        """Why each thing of this job that waits is waiting; empty if nothing does."""
        answer = yield from self._call(EXPLAIN_JOB, pb.ExplainJobRequest(job_id=self.id))
        return [to_wait(waiting) for waiting in answer.waiting]

    @operation
    def result(self, media_type: str = JSON) -> Plan[Any]:
        """What was built: JSON as Python values, other text as str, anything else as bytes.

        Raises InvalidState unless the job is completed, InvalidInput for a media type that the result lacks.
        """
        found, content = yield from read_result(self.id, media_type, self._limits)
        if found == JSON:
            return json.loads(content)
        return content.decode() if found.startswith("text/") else content

    @operation
    def result_bytes(self, media_type: str = JSON) -> Plan[bytes]:
        """What was built, byte for byte."""
        _, content = yield from read_result(self.id, media_type, self._limits)
        return content

    @listing
    def steps(self, *, status: str | Iterable[str] | None = None, stage: str = "") -> Pager[Step]:
        """The steps, stage by stage in document order; pages are fetched as they are needed."""
        return self._steps_pager(status=status, stage=stage)

    @read_property
    def failed_steps(self) -> Plan[list[Step]]:
        """The steps that failed, asked for anew each time."""
        return (yield from everything(self._steps_pager(status="failed", stage="")))

    def _steps_pager(self, *, status: str | Iterable[str] | None, stage: str) -> Pager[Step]:
        request = list_steps_request(self.id, status=status, stage=stage)
        return self._pager(LIST_STEPS, request, lambda answer: map(to_step, answer.steps))

    @operation
    def step(self, step_id: str) -> Plan[StepDetail]:
        """One step with its input, output and unsuccessful attempts, by its id or a unique ending of it."""
        answer = yield from self._call(GET_STEP, pb.GetStepRequest(job_id=self.id, step_id=step_id))
        return to_step_detail(answer)

    @listing
    def log(
        self, *, after: int = 0, step_id: str = "", errors_only: bool = False, newest_first: bool = False
    ) -> Pager[LogLine]:
        """What happened, a line for each fact, oldest first unless told; pages are fetched as they are needed.

        `after` leaves out what this commit and those before it told.
        """
        request = pb.ListEventsRequest(
            job_id=self.id, after_sequence=after, step_id=step_id, errors_only=errors_only, newest_first=newest_first
        )
        return self._pager(LIST_EVENTS, request, lambda answer: map(to_log_line, answer.events))
