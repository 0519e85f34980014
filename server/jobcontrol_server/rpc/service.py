"""The service of the contract: each method says what it reads or writes, and answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc.aio

from jobcontrol import v1 as pb
from jobcontrol_core.store.lookup import count_jobs, list_jobs
from jobcontrol_core.store.pipelines import list_pipelines
from jobcontrol_server.rpc.caller import caller_of
from jobcontrol_server.rpc.decoding import (
    job_key,
    step_key,
    to_job_cursor,
    to_listed,
    to_many_watch,
    to_place,
    to_step_cursor,
    to_watch,
)
from jobcontrol_server.rpc.encoding.batches import to_cancelled, to_retried
from jobcontrol_server.rpc.encoding.jobs import to_job
from jobcontrol_server.rpc.encoding.loglines import to_event
from jobcontrol_server.rpc.encoding.pipelines import to_pipeline
from jobcontrol_server.rpc.encoding.steps import to_step, to_step_detail
from jobcontrol_server.rpc.encoding.waits import to_waiting, to_waiting_job
from jobcontrol_server.rpc.operating import Operating, Writes
from jobcontrol_server.rpc.pages import PageTokens, page_size, tell_next_page
from jobcontrol_server.rpc.reads import (
    find_job_with_wait,
    find_log,
    find_result,
    find_step,
    find_steps,
    find_waits,
)
from jobcontrol_server.store_calls import StoreCalls
from jobcontrol_server.watch.hub import Hub

Context = grpc.aio.ServicerContext[Any, Any]

#: Bytes of a result in one message.
CHUNK = 256 << 10
JOBS_PAGE, STEPS_PAGE, EVENTS_PAGE, PIPELINES_PAGE = 50, 100, 100, 100
#: Where the count of a filtered list ends.
MOST_COUNTED = 1_000
STARTED, EXISTING = "Build job started", "This path is being built already"
VALID = "This build could be started; nothing was done"


class JobControl(Operating):
    """Requests reach it valid; what it raises is translated outside. See `guard`."""

    def __init__(self, calls: StoreCalls, writes: Writes, hub: Hub, tokens: PageTokens) -> None:
        self._calls = calls
        self._writes = writes
        self._hub = hub
        self._tokens = tokens

    async def StartBuild(self, request: pb.StartBuildRequest, context: Context) -> pb.StartBuildResponse:
        builds = self._writes.builds
        act, message = (builds.preview, VALID) if request.validate_only else (builds.start, STARTED)
        answer = await self._write(act, request, context)
        return pb.StartBuildResponse(
            job=to_job(answer.job),
            job_id=answer.job.id,
            message=EXISTING if answer.is_existing else message,
            existing=answer.is_existing,
        )

    async def Cancel(self, request: pb.CancelRequest, context: Context) -> pb.CancelResponse:
        job, running = await self._write(self._writes.builds.cancel, request, context)
        return pb.CancelResponse(job=to_job(job), success=True, running_steps=map(to_step, running))

    async def Retry(self, request: pb.RetryRequest, context: Context) -> pb.RetryResponse:
        act = self._writes.builds.preview_retry if request.validate_only else self._writes.builds.retry
        answer = await self._write(act, request, context)
        response = pb.RetryResponse(job=to_job(answer.job), job_id=answer.job.id)
        if answer.plan is not None:
            response.plan.reused_steps, response.plan.rerun_steps = answer.plan.reused_steps, answer.plan.rerun_steps
        return response

    async def Pause(self, request: pb.PauseRequest, context: Context) -> pb.PauseResponse:
        job = await self._write(self._writes.builds.pause, request, context)
        return pb.PauseResponse(job=to_job(job))

    async def Resume(self, request: pb.ResumeRequest, context: Context) -> pb.ResumeResponse:
        job = await self._write(self._writes.builds.resume, request, context)
        return pb.ResumeResponse(job=to_job(job))

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: Context) -> pb.DeleteJobResponse:
        await self._write(self._writes.builds.delete, request, context)
        return pb.DeleteJobResponse()

    async def BatchCancel(self, request: pb.BatchCancelRequest, context: Context) -> pb.BatchCancelResponse:
        return to_cancelled(await self._write(self._writes.batches.cancel, request, context))

    async def BatchRetry(self, request: pb.BatchRetryRequest, context: Context) -> pb.BatchRetryResponse:
        return to_retried(await self._write(self._writes.batches.retry, request, context))

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.GetJobResponse:
        job, standstill = await self._calls.read(find_job_with_wait, caller_of(context).tenant, request.job_id)
        return pb.GetJobResponse(job=to_waiting_job(job, standstill))

    async def ExplainJob(self, request: pb.ExplainJobRequest, context: Context) -> pb.ExplainJobResponse:
        waits = await self._calls.read(find_waits, caller_of(context).tenant, request.job_id)
        return pb.ExplainJobResponse(waiting=map(to_waiting, waits))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size or request.limit, JOBS_PAGE)
        after = to_job_cursor(self._tokens.read(request, tenant))
        wanted = to_listed(request)
        jobs = await self._calls.read(list_jobs, tenant, wanted, after=after, limit=size + 1)
        total = await self._calls.read(count_jobs, tenant, wanted, most=MOST_COUNTED) if request.with_count else None
        token = self._tokens.issue(request, tenant, job_key(jobs[size - 1])) if len(jobs) > size else ""
        tell_next_page(context, token)
        return pb.ListJobsResponse(jobs=map(to_job, jobs[:size]), next_page_token=token, total_count=total)

    async def ListSteps(self, request: pb.ListStepsRequest, context: Context) -> pb.ListStepsResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, STEPS_PAGE)
        after = to_step_cursor(self._tokens.read(request, tenant))
        steps = await self._calls.read(find_steps, tenant, request, after=after, limit=size + 1)
        token = self._tokens.issue(request, tenant, step_key(steps[size - 1])) if len(steps) > size else ""
        tell_next_page(context, token)
        return pb.ListStepsResponse(steps=map(to_step, steps[:size]), next_page_token=token)

    async def GetStep(self, request: pb.GetStepRequest, context: Context) -> pb.GetStepResponse:
        detail, job = await self._calls.read(find_step, caller_of(context).tenant, request)
        return to_step_detail(detail, job)

    async def ListEvents(self, request: pb.ListEventsRequest, context: Context) -> pb.ListEventsResponse:
        tenant = caller_of(context).tenant
        size = page_size(request.page_size, EVENTS_PAGE)
        after = to_place(self._tokens.read(request, tenant))
        page = await self._calls.read(find_log, tenant, request, after=after, limit=size)
        token = self._tokens.issue(request, tenant, list(page.resume_after)) if page.resume_after else ""
        tell_next_page(context, token)
        return pb.ListEventsResponse(events=map(to_event, page.lines), next_page_token=token)

    async def GetResult(self, request: pb.GetResultRequest, context: Context) -> AsyncIterator[pb.GetResultResponse]:
        media_type, result = await self._calls.read(find_result, caller_of(context).tenant, request)
        # An empty result is one empty part: the media type is told in any case.
        for start in range(0, max(len(result), 1), CHUNK):
            yield pb.GetResultResponse(media_type=media_type, chunk=result[start : start + CHUNK])

    async def ListPipelines(self, request: pb.ListPipelinesRequest, context: Context) -> pb.ListPipelinesResponse:
        size = page_size(request.page_size, PIPELINES_PAGE)
        (after,) = self._tokens.read(request, "") or [""]
        pipelines = await self._calls.read(list_pipelines, after=after, limit=size + 1)
        token = self._tokens.issue(request, "", [pipelines[size - 1].name]) if len(pipelines) > size else ""
        tell_next_page(context, token)
        return pb.ListPipelinesResponse(pipelines=map(to_pipeline, pipelines[:size]), next_page_token=token)

    def WatchProgress(self, request: pb.WatchProgressRequest, context: Context) -> AsyncIterator[bytes]:
        """Messages as bytes: the hub has encoded them, once for all watchers."""
        return self._hub.watch(to_watch(request, caller_of(context)))

    def WatchJobs(self, request: pb.WatchJobsRequest, context: Context) -> AsyncIterator[bytes]:
        """Messages as bytes, as above."""
        return self._hub.watch_many(to_many_watch(request, caller_of(context)))
