"""Callers who start, cancel, pause, resume and retry builds, each watched, and repeat whatever got no answer."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import grpc

from jobcontrol import v1 as pb
from services.recorder import Recorder

CALLERS = 3
#: Builds that one caller has under way at most.
MOST_ACTIVE = 3
DEADLINE, PAUSE = 10.0, 0.3
LINK_LOST = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}
#: What a state that somebody else has changed in between may be answered with.
REFUSED = {grpc.StatusCode.FAILED_PRECONDITION, grpc.StatusCode.ALREADY_EXISTS}


class Caller:
    """One thread of calls. `violations` are answers that no promise allows."""

    def __init__(self, name: str, addresses: Sequence[str], rng: Random) -> None:
        self.recorders: dict[str, Recorder] = {}
        self.calls: Counter[str] = Counter()
        self.violations: list[str] = []
        self._name = name
        self._addresses = addresses
        self._rng = rng
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Make no more calls, then have every paused build go on."""
        self._is_over.set()
        self._thread.join()

    def resume_all(self) -> None:
        for job_id in self._active():
            self._call("Resume", pb.ResumeRequest(job_id=job_id))

    def _active(self) -> list[str]:
        return [job_id for job_id, recorder in self.recorders.items() if not recorder.has_ended]

    def _run(self) -> None:
        number = 0
        while not self._is_over.wait(self._rng.uniform(0, 2 * PAUSE)):
            number += 1
            active = self._active()
            if len(active) < MOST_ACTIVE and (not active or self._rng.random() < 0.5):
                self._start(f"{self._name}-{number}")
            else:
                self._rng.choice(STEERING)(self, self._rng.choice(list(self.recorders)), f"{self._name}-{number}")

    def _start(self, name: str) -> None:
        path_id = self._rng.choice([name, name, "shared"])
        request = pb.StartBuildRequest(path_id=path_id, pipeline="storm", request_id=name)
        request.conflict_policy = self._rng.choice([pb.CONFLICT_POLICY_FAIL, pb.CONFLICT_POLICY_USE_EXISTING])
        answer = self._call("StartBuild", request)
        if answer is None:
            return
        self._watch(answer.job.job_id)
        again = self._call("StartBuild", request)
        if again is None or again.job.job_id != answer.job.job_id:
            self.violations.append(f"StartBuild {name}: the same call again was answered with another job")

    def _cancel(self, job_id: str, name: str) -> None:
        self._call("Cancel", pb.CancelRequest(job_id=job_id, request_id=name, reason="chaos"))

    def _pause(self, job_id: str, _: str) -> None:
        self._call("Pause", pb.PauseRequest(job_id=job_id, reason="chaos"))

    def _resume(self, job_id: str, _: str) -> None:
        self._call("Resume", pb.ResumeRequest(job_id=job_id))

    def _retry(self, job_id: str, name: str) -> None:
        answer = self._call("Retry", pb.RetryRequest(job_id=job_id, request_id=name))
        if answer is not None:
            self._watch(answer.job.job_id)

    def _watch(self, job_id: str) -> None:
        if job_id not in self.recorders:
            addresses = self._rng.sample(list(self._addresses), len(self._addresses))
            self.recorders[job_id] = Recorder(job_id, *addresses)

    def _call(self, method: str, request: Any) -> Any:
        """The answer, however often it takes to get one; None if the call was refused."""
        while True:
            address = self._rng.choice(list(self._addresses))
            self.calls[method] += 1
            try:
                with grpc.insecure_channel(address) as channel:
                    return getattr(pb.JobControlStub(channel), method)(request, timeout=DEADLINE)
            except grpc.RpcError as error:
                if not _is_link_lost(error):
                    if error.code() not in REFUSED:
                        self.violations.append(f"{method}: {error.code().name} {error.details()}")
                    return None
                self.calls["unanswered"] += 1
                threading.Event().wait(PAUSE)


def _is_link_lost(error: Any) -> bool:
    # A server that is killed in mid-answer is told as INTERNAL or UNKNOWN, by the client's own transport.
    return error.code() in LINK_LOST or "RST_STREAM" in (error.details() or "")


STEERING: Sequence[Callable[[Caller, str, str], None]] = [
    Caller._cancel,
    Caller._pause,
    Caller._resume,
    Caller._resume,
    Caller._retry,
]
