"""What one commit tells of a job: its event, put together when everything is decided."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from jobcontrol_core.domain.events import BulkChange, JobEvent, encode_steps
from jobcontrol_core.domain.progress import next_percent, project_stages

if TYPE_CHECKING:
    from jobcontrol_core.store.ledger import Entry


def event_of(entry: Entry, now: datetime) -> tuple[JobEvent, list[str]]:
    """What is told of a job, and the JSON of the steps that it tells one by one."""
    weighted = entry.stages[:-1]
    stages = project_stages(
        [(spec.name, spec.weight, counts) for spec, counts in zip(weighted, entry.counts, strict=False)],
        entry.times[: len(weighted)],
    )
    percent = next_percent(entry.row["percent"], stages, status=entry.status, is_stopping=entry.stopping is not None)
    moves = sorted(entry.steps.values(), key=lambda move: move[1].position)
    steps = [step for _, step in moves]
    texts = encode_steps(steps)
    for previous, step in moves[len(texts) :]:
        if previous is not step.status:
            entry.add_bulk(step.stage, previous, step.status, 1)
    event = JobEvent(
        job_id=entry.job_id,
        sequence=entry.row["last_sequence"] + 1,
        created_at=now,
        percent=percent,
        stages=stages,
        status=entry.status,
        change=entry.change,
        steps=tuple(steps[: len(texts)]),
        bulk=tuple(BulkChange(*kind, count) for kind, count in entry.bulk.items()),
        logged=tuple(entry.logged),
        requeue=entry.requeue,
    )
    return event, texts
