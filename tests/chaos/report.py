"""What a run of chaos was, in figures."""

from __future__ import annotations

import resource
from collections import Counter
from collections.abc import Iterable, Iterator

from sqlalchemy import ColumnElement, Connection, FromClause, func, select, text

from chaos.arena import Arena
from chaos.judge import Judge
from chaos.traffic import Caller
from jobcontrol_core.store.tables import job_events, jobs, step_attempts, steps


def report_lines(arena: Arena, judge: Judge, faults: Counter[str], callers: Iterable[Caller]) -> Iterator[str]:
    """Faults by kind, calls by kind, and what came of it all."""
    calls = sum((caller.calls for caller in callers), Counter[str]())
    for name, count in sorted(faults.items()):
        yield f"  {count:4} {name}"
    yield f"faults: {faults.total()}"
    yield f"calls: {calls.total()} ({_listed(calls)})"
    tell = arena.truth.read
    yield f"builds: {_listed(tell(_count_by, jobs, jobs.c.status))}"
    yield f"steps: {_listed(tell(_count_by, steps, steps.c.status))}"
    yield f"attempts that did not succeed: {_listed(tell(_count_by, step_attempts, step_attempts.c.outcome))}"
    yield f"events: {tell(_count_by, job_events, None).total()}, database: {tell(_megabytes):.1f} MB"
    figures = judge.figures
    yield f"watchers: {figures['watchers']}, messages: {figures['messages']}, breaks: {figures['breaks']}"
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield f"worker processes: {len(arena.pids)}, memory of the arena itself: {memory:.0f} MB"


def _count_by(tx: Connection, table: FromClause, column: ColumnElement[str] | None) -> Counter[str]:
    if column is None:
        return Counter(all=tx.execute(select(func.count()).select_from(table)).scalar_one())
    found = tx.execute(select(column.label("kind"), func.count().label("many")).group_by(column)).all()
    return Counter({row.kind: row.many for row in found})


def _megabytes(tx: Connection) -> float:
    if tx.dialect.name == "postgresql":
        size = tx.execute(text("SELECT pg_database_size(current_database())")).scalar_one()
    else:
        pages = tx.execute(text("PRAGMA page_count")).scalar_one()
        size = pages * tx.execute(text("PRAGMA page_size")).scalar_one()
    return float(size) / (1 << 20)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
