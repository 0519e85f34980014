"""Processes that somebody asks to drain: they finish what they run, and nobody takes their place."""

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.sessions import ask_to_drain
from jobcontrol_core.store.tables import workers
from workers.site import Site


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake are processes."""
    return sqlite_store_url


def sessions(site: Site) -> dict[int, str]:
    """The processes that are alive, as the database has them, and their sessions."""
    alive = select(workers.c.pid, workers.c.session_id).where(workers.c.ended_at.is_(None))
    return {row.pid: row.session_id for row in site.floor.store.read(lambda tx: tx.execute(alive).all())}


async def test_a_process_that_is_asked_to_drain_finishes_what_it_runs_and_is_not_replaced(site: Site) -> None:
    site.supervise(processes=2)
    site.wait(lambda: len(sessions(site)) == 2, "two processes have a session")
    job_id = site.start("abcd")
    site.wait_for_letters(4)
    drained = site.begun()[0].pid
    (neighbour,) = set(sessions(site)) - {drained}
    site.floor.store.write(ask_to_drain, sessions(site)[drained])
    site.directory.let_go("a", "b", "c", "d")
    assert site.wait_for_end(job_id) is JobStatus.COMPLETED
    assert site.floor.count(job_id, StepStatus.COMPLETED, "spell") == 4
    assert all(site.floor.attempts(job_id, letter) == () for letter in "abcd")
    site.wait(lambda: set(sessions(site)) == {neighbour}, "it has ended")
    again = site.start("ab")
    site.directory.let_go("a", "b")
    assert site.wait_for_end(again) is JobStatus.COMPLETED
    assert site.children() == {neighbour}


async def test_a_supervisor_ends_with_the_last_of_its_processes(site: Site) -> None:
    site.supervise(processes=2)
    site.wait(lambda: len(sessions(site)) == 2, "two processes have a session")
    site.children()
    for session_id in sessions(site).values():
        site.floor.store.write(ask_to_drain, session_id)
    assert site.supervisor.wait(25) == 0
    assert not site.left()
    assert sessions(site) == {}
