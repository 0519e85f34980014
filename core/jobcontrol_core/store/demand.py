"""Which tickets are wanted: where claimable steps wait, and who could run them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, select

from jobcontrol_core.store.pending import HANDS_OUT, IS_OPEN
from jobcontrol_core.store.sessions import ServedStage, live_stages
from jobcontrol_core.store.tables import IS_CLAIMABLE, PENDING_STEPS, job_stages, jobs, queues, steps

#: Stages of jobs looked at in one turn; the rest comes when these have been served.
MOST = 1_000


@dataclass(frozen=True, slots=True)
class Demand:
    """A stage of a job with claimable steps, and the number of tickets that its queue should hold for it."""

    job_id: str
    stage_no: int
    queue: str
    wanted: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The live processes that can run one stage, and their usual concurrency for it."""

    processes: int
    concurrency: int


_stage = job_stages.c
_is_claimable = (
    select(steps.c.id)
    .where(
        steps.c.job_id == _stage.job_id,
        steps.c.stage_no == _stage.stage_no,
        IS_CLAIMABLE,
    )
    .exists()
)
_CLAIMABLE_STAGES = (
    select(
        jobs.c.id,
        jobs.c.pipeline,
        _stage.stage_no,
        _stage.name,
        _stage.version,
        _stage.queue,
        PENDING_STEPS.label("pending"),
    )
    # The active jobs first, which are few, then their stages: an id that is a value has no index to be found by.
    .select_from(
        jobs.join(job_stages, _stage.job_id == jobs.c.id.concat("")).outerjoin(queues, queues.c.name == _stage.queue)
    )
    .where(
        HANDS_OUT,
        IS_OPEN,
        PENDING_STEPS > 0,
        _is_claimable,
    )
    .order_by(jobs.c.priority.desc(), jobs.c.served_at.asc().nulls_first(), jobs.c.id, _stage.stage_no)
    .limit(MOST)
)


def read_demand(tx: Connection) -> list[Demand]:
    """All demand, by priority, then by job least recently served. No worker for a stage = no ticket for it."""
    pools = _pools(live_stages(tx))
    demand = []
    for row in tx.execute(_CLAIMABLE_STAGES):
        pool = pools.get((row.pipeline, row.name, row.version))
        if pool is not None:
            wanted = min(-(-row.pending // pool.concurrency), pool.processes)
            demand.append(Demand(row.id, row.stage_no, row.queue, wanted))
    return demand


def _pools(served: Iterable[ServedStage]) -> dict[tuple[str, str, int], Pool]:
    processes: Counter[tuple[str, str, int]] = Counter()
    concurrency: dict[tuple[str, str, int], int] = {}
    for stage in served:
        processes[stage.kind] += 1
        concurrency[stage.kind] = max(1, stage.concurrency)
    return {kind: Pool(count, concurrency[kind]) for kind, count in processes.items()}
