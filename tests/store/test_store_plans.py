"""What is asked every second, or in every exchange, is found by an index of what is left, not of all there is."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import Connection, event

from jobcontrol_core.store.backoff import make_due
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.deadlines import read_overdue_jobs
from jobcontrol_core.store.demand import read_demand
from jobcontrol_core.store.stopping import cancel_job, read_stopping_jobs
from jobcontrol_core.store.suspects import find_suspect
from store.builds import Builds
from store.factories import SUB_CONCEPTS, served_stages


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone, which plans by the words of a statement; PostgreSQL plans by its statistics, too."""
    return sqlite_store_url


@pytest.fixture
def plan_of(builds: Builds) -> Callable[[Callable[[], object]], str]:
    """The plans of all statements that a call runs."""

    def plan_of(call: Callable[[], object]) -> str:
        plans: list[str] = []

        def explain(tx: Connection, cursor: Any, statement: str, parameters: Any, _context: Any, _many: bool) -> None:
            if statement.startswith(("SELECT", "WITH")):
                found = cursor.connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
                plans.extend(row[3] for row in found)

        event.listen(builds.store.engine, "before_cursor_execute", explain)
        try:
            call()
        finally:
            event.remove(builds.store.engine, "before_cursor_execute", explain)
        return "\n".join(plans)

    return plan_of


def test_a_claim_looks_at_claimable_steps_alone(builds: Builds, plan_of: Callable[[Callable[[], object]], str]) -> None:
    job_id = builds.start()
    plan = plan_of(lambda: builds.exchange([], ClaimWish(job_id, {SUB_CONCEPTS: 1})))
    assert "steps USING INDEX ix_steps_claimable (job_id=? AND stage_no=? AND status=?)" in plan


def test_suspects_are_looked_for_among_suspects_alone(
    builds: Builds, plan_of: Callable[[Callable[[], object]], str]
) -> None:
    job_id = builds.start()
    wish = ClaimWish(job_id, {SUB_CONCEPTS: 1}, is_for_suspects=True)
    assert "steps USING INDEX ix_steps_suspect (job_id=? AND stage_no=?" in plan_of(lambda: builds.exchange([], wish))
    kinds = [stage.kind for stage in served_stages()]
    assert "steps USING INDEX ix_steps_suspect" in plan_of(lambda: builds.store.read(find_suspect, kinds))


@pytest.mark.parametrize(
    ("asked", "found_by"),
    [
        (read_demand, "steps USING INDEX ix_steps_claimable"),
        (read_demand, "jobs USING INDEX ix_jobs_active"),
        (make_due, "steps USING INDEX ix_steps_backing_off"),
        (read_stopping_jobs, "jobs USING INDEX ix_jobs_active"),
        (read_overdue_jobs, "jobs USING INDEX ix_jobs_active"),
    ],
)
def test_the_dispatchers_turns_look_at_what_is_open_alone(
    builds: Builds,
    plan_of: Callable[[Callable[[], object]], str],
    asked: Callable[[Connection], object],
    found_by: str,
) -> None:
    plan = plan_of(lambda: builds.store.write(asked))
    assert found_by in plan
    assert "SCAN steps" not in plan
    assert "SCAN job_stages" not in plan


def test_what_a_cancel_ends_is_found_among_what_is_open(
    builds: Builds, plan_of: Callable[[Callable[[], object]], str]
) -> None:
    job_id = builds.start()
    plan = plan_of(lambda: builds.store.write(cancel_job, job_id, actor="ada", reason=""))
    assert "steps USING INDEX ix_steps_claimable (job_id=? AND stage_no=? AND status=?)" in plan
