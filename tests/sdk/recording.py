"""The messages of a small build, as a server sends them: two stages, one step that fails."""

from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp

from jobcontrol import v1 as pb

JOB_ID = "0193f0a1-7c21-7abc-8def-00017f3a91c2"
SHORT_ID = "7f3a91c2"
BEGAN = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


def stamp(seconds: float) -> Timestamp:
    """A moment so many seconds after the job was created."""
    moment = Timestamp()
    moment.FromDatetime(BEGAN + timedelta(seconds=seconds))
    return moment


def stage(
    name: str,
    *,
    done: int = 0,
    failed: int = 0,
    active: int = 0,
    of: int,
    items: int = 0,
    expected: int = 0,
    final: bool = True,
    span: tuple[float, float | None] | None = None,
) -> pb.StageProgress:
    """Counters of a stage with `of` steps; `final` says that neither steps nor items are estimates.

    `span` is when it began and ended, in seconds after the job was created.
    """
    began, ended = span or (None, None)
    return pb.StageProgress(
        started_at=stamp(began) if began is not None else None,
        completed_at=stamp(ended) if ended is not None else None,
        stage=name,
        weight=0.5,
        total=of,
        total_expected=of,
        total_final=final,
        pending=of - done - failed - active,
        active=active,
        completed=done,
        failed=failed,
        items=items,
        items_expected=expected or items,
        items_final=final and done + failed == of,
    )


def job(
    status: str = "PROCESSING",
    *,
    percent: int = 0,
    at: int = 1,
    stages: tuple[pb.StageProgress, ...] = (),
    errors: int = 0,
    **more: object,
) -> pb.Job:
    """The job of the recording."""
    made = pb.Job(
        job_id=JOB_ID,
        path_id="rust-101",
        pipeline="learning-path",
        pipeline_version=1,
        status=pb.JobStatus.Value(f"JOB_STATUS_{status}"),
        progress=pb.JobProgress(percent=percent, stages=stages),
        error_count=errors,
        attempt=1,
        created_at=stamp(0),
        last_sequence=at,
        **more,  # type: ignore[arg-type]
    )
    if status in ("COMPLETED", "FAILED", "CANCELLED"):
        made.completed_at.CopyFrom(stamp(210))
    return made


def step(label: str, status: str, *, stage: str = "knowledge-units", error: str = "", **more: object) -> pb.StepChange:
    """A step that moved."""
    made = pb.Step(
        step_id=f"0193f0a1-7c21-7abc-8def-{label[:8].lower():0>12}",
        job_id=JOB_ID,
        stage=stage,
        key=label.lower(),
        label=label,
        status=pb.StepStatus.Value(f"STEP_STATUS_{status}"),
        **more,  # type: ignore[arg-type]
    )
    if error:
        kind, _, message = error.partition(": ")
        made.error.CopyFrom(pb.StepError(type=kind, message=message))
    return pb.StepChange(step=made)


def changes(
    percent: int, stages: tuple[pb.StageProgress, ...], *steps: pb.StepChange, errors: int = 0, status: str = ""
) -> pb.JobChanges:
    """What a commit changed."""
    made = pb.JobChanges(
        progress=pb.JobProgress(percent=percent, stages=stages),
        error_count=errors,
        steps=steps,
        current_stage="concepts",
    )
    if status:
        made.status_change.status = pb.JobStatus.Value(f"JOB_STATUS_{status}")
    return made


def changed(
    sequence: int, made: pb.JobChanges, *, first: int | None = None, kind: str = "progress"
) -> pb.WatchProgressResponse:
    """A message that tells commits `first`..`sequence`."""
    return pb.WatchProgressResponse(
        job_id=JOB_ID,
        first_sequence=sequence if first is None else first,
        sequence=sequence,
        event_time=stamp(sequence * 10),
        type=kind,
        changed=made,
    )


def snapshot(sequence: int, picture: pb.Job, *, reason: str = "INITIAL") -> pb.WatchProgressResponse:
    """The whole picture at a commit."""
    told = pb.JobSnapshot(job=picture, reason=pb.SnapshotReason.Value(f"SNAPSHOT_REASON_{reason}"))
    return pb.WatchProgressResponse(
        job_id=JOB_ID,
        first_sequence=sequence,
        sequence=sequence,
        event_time=stamp(sequence * 10),
        type="snapshot",
        snapshot=told,
    )


def heartbeat(sequence: int) -> pb.WatchProgressResponse:
    """A sign of life that has delivered everything up to `sequence`."""
    return pb.WatchProgressResponse(
        job_id=JOB_ID, first_sequence=sequence, sequence=sequence, type="heartbeat", heartbeat=pb.Heartbeat()
    )


def finished(sequence: int, end: pb.Job, made: pb.JobChanges | None = None) -> pb.WatchProgressResponse:
    """The end; `made` are the changes of the last commit."""
    kind = {"COMPLETED": "completed", "FAILED": "error", "CANCELLED": "cancelled"}
    word = pb.JobStatus.Name(end.status).removeprefix("JOB_STATUS_")
    return pb.WatchProgressResponse(
        job_id=JOB_ID,
        first_sequence=sequence,
        sequence=sequence,
        event_time=stamp(210),
        type=kind[word],
        finished=pb.JobFinished(job=end, changes=made),
    )


WAITING = (stage("concepts", of=1), stage("knowledge-units", of=0, final=False))
RUNNING = (stage("concepts", active=1, of=1), stage("knowledge-units", of=0, final=False))
FANNED_OUT = (
    stage("concepts", done=1, of=1, items=12, span=(20, 30)),
    stage("knowledge-units", active=2, of=12, expected=24, items=0),
)
HALF = (
    stage("concepts", done=1, of=1, items=12, span=(20, 30)),
    stage("knowledge-units", done=6, active=2, of=12, expected=24, items=12),
)
FAILING = (
    stage("concepts", done=1, of=1, items=12, span=(20, 30)),
    stage("knowledge-units", done=6, failed=1, active=2, of=12, expected=23, items=12),
)
DONE = (
    stage("concepts", done=1, of=1, items=12, span=(20, 30)),
    stage("knowledge-units", done=11, failed=1, of=12, items=22, span=(30, 210)),
)
LIFETIMES = step("Lifetimes", "FAILED", error="RateLimitError: 429 from model", tries=3, attempt=3)
END = job(
    "COMPLETED", percent=100, at=7, stages=DONE, errors=1, result_media_types=["application/json", "text/markdown"]
)


def partial_build() -> list[pb.WatchProgressResponse]:
    """The commits 1 to 7 of a build that completes with one failed step; 4 and 5 come as one message."""
    return [
        changed(1, changes(0, WAITING, step("concepts", "PENDING", stage="concepts"), status="PENDING")),
        changed(2, changes(0, RUNNING, step("concepts", "PROCESSING", stage="concepts"), status="PROCESSING")),
        changed(3, changes(50, FANNED_OUT, step("concepts", "COMPLETED", stage="concepts", item_count=12))),
        changed(5, changes(75, HALF, step("Moves", "COMPLETED", item_count=2)), first=4),
        changed(6, changes(79, FAILING, LIFETIMES, errors=1), kind="error"),
        finished(
            7, END, changes(100, DONE, step("finalize", "COMPLETED", stage="finalize"), errors=1, status="COMPLETED")
        ),
    ]
