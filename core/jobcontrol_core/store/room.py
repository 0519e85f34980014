"""Who of the live worker processes could start a step of a stage now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, not_, select

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.stored import from_stored
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.sessions import ServedStage
from jobcontrol_core.store.tables import jobs, steps, workers


@dataclass(frozen=True, slots=True)
class Running:
    """A step that a process runs."""

    tenant: str
    pipeline: str
    stage: str
    name: str


@dataclass(frozen=True, slots=True)
class Process:
    """A live process: what it can run, and what it runs."""

    slots: int
    stages: Sequence[ServedStage]
    running: Sequence[Running]

    def has_room(self, pipeline: str, stage: str) -> bool:
        """Whether it may start a step of this stage: a slot is free, and its concurrency is not used up."""
        most = max(one.concurrency for one in self.stages if (one.pipeline, one.stage) == (pipeline, stage))
        here = sum((one.pipeline, one.stage) == (pipeline, stage) for one in self.running)
        return len(self.running) < self.slots and here < most


@dataclass(frozen=True, slots=True)
class Crew:
    """All live processes, but those that run suspects alone."""

    processes: Sequence[Process]

    def able(self, pipeline: str, stage: str, version: int) -> list[Process]:
        """Those that run this stage in this version."""
        wanted = (pipeline, stage, version)
        return [
            process
            for process in self.processes
            if any((one.pipeline, one.stage, one.version) == wanted for one in process.stages)
        ]

    def versions(self, pipeline: str, stage: str) -> list[int]:
        """The versions of this stage that are alive."""
        served = (one for process in self.processes for one in process.stages)
        return sorted({one.version for one in served if (one.pipeline, one.stage) == (pipeline, stage)})


def read_crew(tx: Connection) -> Crew:
    """The live processes with what they run."""
    alive = tx.execute(
        select(workers.c.session_id, workers.c.slots, workers.c.stages).where(
            workers.c.ended_at.is_(None), workers.c.lease_until >= read_now(tx), not_(workers.c.is_lone)
        )
    ).all()
    running = _read_running(tx, [row.session_id for row in alive])
    return Crew(
        [
            Process(row.slots, [from_stored(ServedStage, stage) for stage in row.stages], running[row.session_id])
            for row in alive
        ]
    )


def _read_running(tx: Connection, session_ids: Sequence[str]) -> dict[str, list[Running]]:
    found = tx.execute(
        select(steps.c.session_id, jobs.c.tenant, jobs.c.pipeline, steps.c.stage, steps.c.label, steps.c.key)
        .select_from(steps.join(jobs, steps.c.job_id == jobs.c.id))
        .where(steps.c.status == StepStatus.PROCESSING, steps.c.session_id.in_(session_ids))
        .order_by(steps.c.started_at, steps.c.job_id, steps.c.position)
    )
    running: dict[str, list[Running]] = defaultdict(list)
    for row in found:
        running[row.session_id].append(Running(row.tenant, row.pipeline, row.stage, row.label or row.key))
    return running
