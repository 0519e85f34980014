"""Callers who start, steer, retry and read builds, each watched, and repeat whatever got no answer."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import grpc

from chaos.storm import LIMITED_QUEUE, PIPELINES
from jobcontrol import v1 as pb
from services.recorder import Recorder

CALLERS = 3
#: Builds that one caller has under way at most, and ended ones that it remembers.
MOST_ACTIVE, MOST_ENDED = 3, 20
#: Those that are paused now and then.
QUEUES = ("storm-reap", "gale-grow", LIMITED_QUEUE)
DEADLINE, PAUSE = 10.0, 0.3
LINK_LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
#: What a state that somebody else has changed in between may be answered with.
REFUSED = {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS, grpc.StatusCode.ABORTED}


class Caller:
    """One thread of calls. `violations` are answers that no promise allows."""

    def __init__(self, name: str, addresses: Sequence[str], rng: Random) -> None:
        self.calls: Counter[str] = Counter()
        self.violations: list[str] = []
        self.rng = rng
        self._name = name
        self._addresses = addresses
        self._recorders: dict[str, Recorder] = {}
        self._ended: deque[str] = deque(maxlen=MOST_ENDED)
        self._lock = threading.Lock()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls."""
        self._is_over.set()
        self._thread.join()

    def active(self) -> list[str]:
        """The jobs whose watch goes on."""
        with self._lock:
            return [job_id for job_id, recorder in self._recorders.items() if not recorder.has_ended]

    def known(self) -> list[str]:
        """Jobs that were accepted, some of them ended."""
        with self._lock:
            return [*self._recorders, *self._ended]

    def take_recorders(self, *, ended_only: bool) -> dict[str, Recorder]:
        """Hand over the recorders, each once."""
        with self._lock:
            taken = {name: one for name, one in self._recorders.items() if one.has_ended or not ended_only}
            for job_id in taken:
                del self._recorders[job_id]
                self._ended.append(job_id)
        return taken

    def watch(self, job_id: str) -> None:
        with self._lock:
            if job_id not in self._recorders and job_id not in self._ended:
                addresses = self.rng.sample(list(self._addresses), len(self._addresses))
                self._recorders[job_id] = Recorder(job_id, *addresses)

    def expect(self, is_so: object, sentence: str) -> None:
        if not is_so:
            self.violations.append(f"{self._name}: {sentence}")

    def call(self, method: str, request: Any) -> Any:
        """The answer, however often it takes to get one; None if the call was refused."""
        while True:
            address = self.rng.choice(list(self._addresses))
            self.calls[method] += 1
            try:
                with grpc.insecure_channel(address) as channel:
                    return getattr(pb.JobControlStub(channel), method)(request, timeout=DEADLINE)
            except grpc.RpcError as error:
                if not _is_link_lost(error):
                    self.expect(error.code() in REFUSED, f"{method}: {error.code().name} {error.details()}")
                    return None
                self.calls["unanswered"] += 1
                threading.Event().wait(PAUSE)

    def _run(self) -> None:
        number = 0
        while not self._is_over.wait(self.rng.uniform(0, 2 * PAUSE)):
            number += 1
            name = f"{self._name}-{number}"
            active = self.active()
            if len(active) < MOST_ACTIVE and (not active or self.rng.random() < 0.5):
                start(self, name)
            elif known := self.known():
                self.rng.choice(MOVES)(self, self.rng.choice(active or known), name)


def start(caller: Caller, name: str) -> None:
    path_id = caller.rng.choice([name, name, "shared"])
    request = pb.StartBuildRequest(path_id=path_id, pipeline=caller.rng.choice(PIPELINES), request_id=name)
    request.priority = caller.rng.randint(0, 9)
    request.conflict_policy = caller.rng.choice(pb.ConflictPolicy.values()[1:])
    if caller.rng.random() < 0.1:
        request.timeout.FromMilliseconds(caller.rng.randint(1_000, 4_000))
    if (answer := caller.call("StartBuild", request)) is None:
        return
    caller.watch(answer.job.job_id)
    again = caller.call("StartBuild", request)
    is_same = again is not None and again.job.job_id == answer.job.job_id
    caller.expect(is_same, f"StartBuild {name}: the same call again was answered with another job")


def try_out(caller: Caller, job_id: str, name: str) -> None:
    """`validate_only` starts nothing: its path stays free."""
    request = pb.StartBuildRequest(path_id=f"never-{name}", pipeline="storm", validate_only=True)
    caller.call("StartBuild", request)
    found = caller.call("ListJobs", pb.ListJobsRequest(path_id=request.path_id))
    caller.expect(found is not None and not found.jobs, f"a build of {request.path_id} was started by a trial")


def cancel(caller: Caller, job_id: str, name: str) -> None:
    request = pb.CancelRequest(job_id=job_id, request_id=name, reason="chaos", force=caller.rng.random() < 0.2)
    if caller.call("Cancel", request) is not None:
        again = caller.call("Cancel", request)
        caller.expect(again is not None and again.job.job_id == job_id, f"Cancel {name}: another answer again")


def pause(caller: Caller, job_id: str, name: str) -> None:
    job = caller.call("GetJob", pb.GetJobRequest(job_id=job_id)).job
    etag = caller.rng.choice(["", job.etag])
    answer = caller.call("Pause", pb.PauseRequest(job_id=job_id, reason="chaos", etag=etag))
    if answer is not None:
        is_paused = answer.job.status == pb.JOB_STATUS_PAUSED
        caller.expect(is_paused, f"Pause of {job_id} answered with {pb.JobStatus.Name(answer.job.status)}")


def resume(caller: Caller, job_id: str, name: str) -> None:
    caller.call("Resume", pb.ResumeRequest(job_id=job_id))


def retry(caller: Caller, job_id: str, name: str) -> None:
    ended = caller.rng.choice(caller.known())
    request = pb.RetryRequest(job_id=ended, request_id=name, mode=caller.rng.choice(pb.RetryMode.values()))
    if request.mode == pb.RETRY_MODE_FROM_SCRATCH and caller.rng.random() < 0.5:
        request.parameters.update({"season": "again"})
    request.validate_only = caller.rng.random() < 0.2
    if (answer := caller.call("Retry", request)) is None:
        return
    if request.validate_only:
        caller.expect(not answer.job_id, f"Retry {name}: a trial was answered with the job {answer.job_id}")
        return
    caller.watch(answer.job_id)
    again = caller.call("Retry", request)
    caller.expect(again is not None and again.job_id == answer.job_id, f"Retry {name}: another job again")


def requeue(caller: Caller, job_id: str, name: str) -> None:
    """The same call again requeues nothing twice: it has the same answer."""
    request = pb.RequeueDeadLettersRequest(request_id=name, reason="chaos", canary=caller.rng.random() < 0.5)
    request.filter.job_id = job_id
    if (answer := caller.call("RequeueDeadLetters", request)) is not None:
        again = caller.call("RequeueDeadLetters", request)
        caller.expect(again == answer, f"RequeueDeadLetters {name}: another answer again")


def discard(caller: Caller, job_id: str, name: str) -> None:
    request = pb.DiscardDeadLettersRequest(request_id=name, reason="chaos")
    request.filter.job_id = job_id
    caller.call("DiscardDeadLetters", request)


def steer_queue(caller: Caller, job_id: str, name: str) -> None:
    queue = caller.rng.choice(QUEUES)
    if caller.rng.random() < 0.3:
        caller.call("PauseQueue", pb.PauseQueueRequest(queue=queue, reason="chaos"))
    else:
        caller.call("ResumeQueue", pb.ResumeQueueRequest(queue=queue))


def read_steps(caller: Caller, job_id: str, name: str) -> None:
    """Every step is listed once, however the pages are cut and whatever happens meanwhile."""
    seen: list[str] = []
    request = pb.ListStepsRequest(job_id=job_id, page_size=caller.rng.choice([7, 20, 50]))
    while True:
        page = caller.call("ListSteps", request)
        seen += [step.step_id for step in page.steps]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    caller.expect(len(seen) == len(set(seen)), f"ListSteps of {job_id} gave a step twice")
    step_id = caller.rng.choice(seen)
    detail = caller.call("GetStep", pb.GetStepRequest(job_id=job_id, step_id=step_id))
    caller.expect(detail.step.step_id == step_id, f"GetStep of {step_id} answered with another step")


def look_around(caller: Caller, job_id: str, name: str) -> None:
    caller.call("ListJobs", pb.ListJobsRequest(page_size=20))
    caller.call("ListEvents", pb.ListEventsRequest(job_id=job_id, newest_first=True))
    caller.call("ListWorkers", pb.ListWorkersRequest())
    caller.call("ListQueues", pb.ListQueuesRequest())
    caller.call("ListDeadLetters", pb.ListDeadLettersRequest(page_size=20))


def resume_everything(caller: Caller) -> None:
    """Let every paused build and queue go on."""
    for queue in caller.call("ListQueues", pb.ListQueuesRequest(page_size=100)).queues:
        if queue.paused:
            caller.call("ResumeQueue", pb.ResumeQueueRequest(queue=queue.queue))
    for job_id in caller.active():
        caller.call("Resume", pb.ResumeRequest(job_id=job_id))


def _is_link_lost(error: Any) -> bool:
    # A server that is killed in mid-answer is told as INTERNAL or UNKNOWN, by the client's own transport.
    return error.code() in LINK_LOST or "RST_STREAM" in (error.details() or "")


Move = Callable[[Caller, str, str], None]
MOVES: Sequence[Move] = [
    cancel,
    pause,
    resume,
    resume,
    retry,
    try_out,
    requeue,
    requeue,
    discard,
    steer_queue,
    steer_queue,
    read_steps,
    look_around,
]
