"""What a watcher must be told of a slice of the log: said a second time, from the rows, without the encoders."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import Connection, select

from jobcontrol import v1 as pb
from jobcontrol_core.domain.moments import to_micros
from jobcontrol_core.domain.progress import StageCounts, project_stages
from jobcontrol_core.store.lookup import get_job
from jobcontrol_core.store.tables import job_events
from jobcontrol_server.rpc.encoding.jobs import to_job

Payload = Mapping[str, Any]
_ENDS = {"COMPLETED": "completed", "FAILED": "error", "CANCELLED": "cancelled"}


def differences(tx: Connection, job_id: str, messages: Sequence[pb.WatchProgressResponse]) -> Iterator[str]:
    """Every message of a stream from 1 to its end that is not, field by field, what the log says of its commits."""
    log = _read_log(tx, job_id)
    for told in messages:
        if told.HasField("heartbeat"):
            continue
        span = f"{told.first_sequence}..{told.sequence}"
        if any(number not in log for number in range(told.first_sequence, told.sequence + 1)):
            yield f"{span} is not in the log"
            continue
        due = _message(tx, job_id, log, told.first_sequence, told.sequence)
        if told != due:
            yield f"{span}: told {_short(told)} instead of {_short(due)}"


def _read_log(tx: Connection, job_id: str) -> dict[int, tuple[int, Payload]]:
    """The commits of a job by sequence: when, in microseconds, and what."""
    rows = tx.execute(select(job_events).where(job_events.c.job_id == job_id)).all()
    return {row.sequence: (to_micros(row.created_at), json.loads(row.payload)) for row in rows}


def _message(
    tx: Connection, job_id: str, log: Mapping[int, tuple[int, Payload]], first: int, last: int
) -> pb.WatchProgressResponse:
    commits = [log[number][1] for number in range(first, last + 1)]
    at, final = log[last]
    changes = _changes(job_id, commits)
    message = pb.WatchProgressResponse(job_id=job_id, first_sequence=first, sequence=last, event_time=_moment(at))
    if final["status"] in _ENDS:
        job = to_job(get_job(tx, job_id))
        # A failed finalize step counts, too, and no stage has it.
        changes.error_count = job.error_count
        message.type = _ENDS[final["status"]]
        message.finished.CopyFrom(pb.JobFinished(job=job, changes=changes))
    else:
        moved = [step["status"] for step in _last_of_each(commits).values()]
        moved += [bulk[2] for commit in commits for bulk in commit.get("bulk", ())]
        message.type = "error" if "FAILED" in moved else "progress"
        message.changed.CopyFrom(changes)
    return message


def _changes(job_id: str, commits: Sequence[Payload]) -> pb.JobChanges:
    """The counters of the last commit, the last word on each step, counts added up, one move from first to last."""
    last = commits[-1]
    stages = last["stages"]
    current = next(
        (name for name, _, total, _, done, failed, skipped, *_ in stages if total > done + failed + skipped), ""
    )
    has_ended = last["status"] in _ENDS
    bulk: dict[tuple[str, str | None, str], int] = {}
    for commit in commits:
        for stage, before, after, count in commit.get("bulk", ()):
            bulk[stage, before, after] = bulk.get((stage, before, after), 0) + count
    return pb.JobChanges(
        progress=_progress(last),
        current_stage="" if has_ended else current or "finalize",
        error_count=sum(stage[5] for stage in stages),
        status_change=_move([commit["change"] for commit in commits if "change" in commit]),
        steps=[_step_change(job_id, step) for step in _last_of_each(commits).values()],
        bulk=[
            pb.BulkStepChange(
                stage=stage, previous_status=_step_status(before), status=_step_status(after), count=count
            )
            for (stage, before, after), count in bulk.items()
        ],
    )


def _last_of_each(commits: Sequence[Payload]) -> dict[str, Payload]:
    steps: dict[str, Payload] = {}
    for commit in commits:
        for step in commit.get("steps", ()):
            steps[step["id"]] = step
    return steps


def _move(moves: Sequence[Sequence[str]]) -> pb.JobStatusChange | None:
    if not moves:
        return None
    return pb.JobStatusChange(
        previous_status=_job_status(moves[0][0]),
        status=_job_status(moves[-1][1]),
        actor=moves[-1][2],
        reason=moves[-1][3],
    )


def _progress(commit: Payload) -> pb.JobProgress:
    expected = project_stages([(name, weight, StageCounts(*told[:6])) for name, weight, *told in commit["stages"]])
    progress = pb.JobProgress(percent=commit["percent"])
    for (name, weight, total, active, done, failed, skipped, items, *times), forecast in zip(
        commit["stages"], expected, strict=True
    ):
        progress.stages.add(
            stage=name,
            weight=weight,
            total=total,
            total_expected=forecast.steps_expected,
            total_final=forecast.is_total_final,
            pending=total - active - done - failed - skipped,
            active=active,
            completed=done,
            failed=failed,
            skipped=skipped,
            items=items,
            items_expected=forecast.items_expected,
            items_final=forecast.are_items_final,
            **{field: _moment(micros) for field, micros in zip(("started_at", "completed_at"), times, strict=False)},
        )
    return progress


def _step_change(job_id: str, step: Payload) -> pb.StepChange:
    error = step.get("error")
    is_skipped = step["status"] == "SKIPPED"
    run = Duration()
    run.FromMicroseconds(step.get("run", 0))
    told = pb.Step(
        step_id=step["id"],
        job_id=job_id,
        stage=step["stage"],
        parent_step_id=step.get("parent", ""),
        key=step.get("key", ""),
        label=step.get("label", ""),
        ordinal=step.get("ordinal", 0) + 1,
        sibling_total=step.get("siblings", 0),
        status=_step_status(step["status"]),
        attempt=step.get("attempt", 0),
        tries=step.get("tries", 0),
        item_count=step.get("items", 0),
        progress_note=step.get("note", ""),
        progress_fraction=step.get("fraction"),
        reused_from=step.get("reused_from", ""),
        failure_reason=pb.StepFailureReason.Value(f"STEP_FAILURE_REASON_{step.get('failure', 'UNSPECIFIED')}"),
        error=pb.StepError(type=error[0], message=error[1]) if error and not is_skipped else None,
        skip_reason=error[1] if error and is_skipped else "",
        stop_receipt=pb.StopReceipt.Value(f"STOP_RECEIPT_{step.get('receipt', 'UNSPECIFIED')}"),
        created_at=_moment(step["created"]),
        started_at=_moment(step.get("started")),
        completed_at=_moment(step.get("completed")),
        next_attempt_at=_moment(step.get("next")),
        run_duration=run,
    )
    is_waiting = step["status"] == "PENDING" and step.get("tries", 0) > 0 and error is not None
    return pb.StepChange(step=told, will_retry=is_waiting)


def _moment(micros: int | None) -> Timestamp | None:
    if micros is None:
        return None
    moment = Timestamp()
    moment.FromMicroseconds(micros)
    return moment


def _job_status(name: str | None) -> pb.JobStatus.ValueType:
    return pb.JobStatus.Value(f"JOB_STATUS_{name or 'UNSPECIFIED'}")


def _step_status(name: str | None) -> pb.StepStatus.ValueType:
    return pb.StepStatus.Value(f"STEP_STATUS_{name or 'UNSPECIFIED'}")


def _short(message: pb.WatchProgressResponse) -> str:
    return " ".join(str(message).split())[:2000]
