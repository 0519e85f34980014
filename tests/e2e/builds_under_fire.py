"""A build of the primer that takes some seconds, watched from its first event, and the books that must balance."""

from collections import Counter
from dataclasses import dataclass

import grpc

from jobcontrol import v1 as pb
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.eventlog import read_events
from services.recorder import Recorder
from services.stack import Stack
from services.waiting import wait_until
from store.audit import audit_job

_SECONDS = 60.0
_EVENTS = 100_000


@dataclass
class WatchedBuild:
    """One job of a stack, and the recorder that has watched it from the start."""

    stack: Stack
    job_id: str
    recorder: Recorder

    def wait_for_steps(self, count: int) -> None:
        """Until so many steps have completed: the middle of the build."""
        wait_until(lambda: self.completed_steps() >= count, f"{count} steps have completed", timeout=_SECONDS)

    def completed_steps(self) -> int:
        told = [message for message in self.recorder.messages if message.HasField("changed")]
        return sum(stage.completed for stage in told[-1].changed.progress.stages) if told else 0

    def wait_for_end(self) -> None:
        wait_until(lambda: self.recorder.has_ended, "the watch has ended", timeout=_SECONDS)

    def assert_completed_once(self) -> None:
        """The job is COMPLETED, its stream was whole, its books balance, and every step had one effect."""
        self.recorder.assert_whole()
        finished = self.recorder.messages[-1].finished.job
        assert finished.status == pb.JOB_STATUS_COMPLETED
        assert finished.error_count == 0
        store = Store(self.stack.database_url)
        try:
            replay = store.read(audit_job, self.job_id)
            events = store.read(read_events, self.job_id, 0, _EVENTS)
        finally:
            store.close()
        effects = Counter(step.id for event in events for step in event.steps if step.status is StepStatus.COMPLETED)
        assert set(effects.values()) == {1}, "every step completed exactly once"
        assert replay.finalize_steps == 1
        assert self.recorder.last_sequence == replay.sequence


def start_watched_build(stack: Stack, *addresses: str, path_id: str = "primer", pace: float = 0.15) -> WatchedBuild:
    """Start the sample's build, slowed by `pace` seconds a step, and record it from its first event."""
    request = pb.StartBuildRequest(path_id=path_id, document=pb.Document(sample=True), request_id=f"start-{path_id}")
    request.parameters.update({"pace": pace})
    with grpc.insecure_channel(addresses[0]) as channel:
        job_id = pb.JobControlStub(channel).StartBuild(request, timeout=20).job.job_id
    return WatchedBuild(stack, job_id, Recorder(job_id, *addresses))
