"""Worker processes as operators see them."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from jobcontrol_core.domain.errors import WorkerNotFound
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store.clock import read_now
from jobcontrol_core.store.reaping import reap, release_session
from jobcontrol_core.store.roster import LOST_FOR, WorkerProcess, list_processes
from jobcontrol_core.store.sessions import ask_to_drain, live_stages, renew_sessions
from jobcontrol_core.store.tables import workers
from store.builds import Builds
from store.factories import CONCEPTS, LEASE, SUB_CONCEPTS, TENANT, served_stages

RUN_OUT = timedelta(seconds=-1)


def listed(builds: Builds, tenant: str = TENANT, **conditions: Any) -> list[WorkerProcess]:
    return builds.store.read(list_processes, tenant, **{"limit": 10, **conditions})


def test_a_process_tells_who_it_is_and_what_it_runs(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    first, second = builds.claim(job_id, SUB_CONCEPTS, 2)
    (process,) = listed(builds)
    assert (process.host, process.pid, process.release, process.slots) == ("host-1", 101, "0.1.0", 50)
    assert (process.active, process.is_lost, process.stages) == (2, False, served_stages())
    assert {step.step_id for step in process.running} == {first.step.id, second.step.id}
    assert {(step.job_id, step.stage, step.attempt) for step in process.running} == {(job_id, "sub-concepts", 1)}
    assert process.silence >= timedelta(0)


def test_steps_of_another_tenant_are_counted_and_not_told(builds: Builds) -> None:
    builds.claim_one(builds.start(), CONCEPTS)
    (process,) = listed(builds, tenant="somebody else")
    assert (process.active, process.running) == (1, ())


def test_a_process_whose_lease_ran_out_is_lost_before_and_after_it_is_reaped(builds: Builds) -> None:
    lost = builds.open_session(RUN_OUT).id
    assert {process.session_id: process.is_lost for process in listed(builds)} == {builds.session: False, lost: True}
    builds.write(reap)
    assert {process.session_id: process.is_lost for process in listed(builds)} == {builds.session: False, lost: True}


def test_a_process_that_was_lost_long_ago_or_ended_in_good_order_is_not_listed(builds: Builds) -> None:
    builds.open_session(RUN_OUT)
    builds.write(reap)
    builds.store.write(
        lambda tx: tx.execute(
            update(workers).where(workers.c.ended_at.is_not(None)).values(ended_at=read_now(tx) - 2 * LOST_FOR)
        )
    )
    builds.write(release_session, builds.open_session().id, "drained", Interrupted("DRAINED"))
    assert [process.session_id for process in listed(builds)] == [builds.session]


def test_processes_are_listed_by_queue_and_page_by_page(builds: Builds) -> None:
    other = builds.open_session(served=served_stages(queue="heavy")).id
    assert [process.session_id for process in listed(builds, queue="heavy")] == [other]
    assert listed(builds, queue="nobody") == []
    (first,) = listed(builds, limit=1)
    (second,) = listed(builds, limit=1, after=first.session_id)
    assert (first.session_id, second.session_id) == tuple(sorted([builds.session, other]))


def test_a_process_that_drains_says_so_and_wants_no_tickets(builds: Builds) -> None:
    builds.store.write(renew_sessions, [builds.session], LEASE, is_draining=True)
    (process,) = builds.store.read(list_processes, TENANT, limit=10)
    assert (process.is_draining, process.is_lost) == (True, False)
    assert builds.store.read(live_stages) == []


def test_a_process_that_is_asked_to_drain_gets_no_tickets_and_hears_of_it(builds: Builds) -> None:
    asked, other = builds.session, builds.open_session().id
    assert builds.store.write(ask_to_drain, asked[-12:].upper()) == asked
    assert len(builds.store.read(live_stages)) == len(served_stages())
    for _ in range(2):
        renewal = builds.store.write(renew_sessions, [asked, other], LEASE)
        assert (sorted(renewal.live), list(renewal.draining)) == (sorted([asked, other]), [asked])
    assert {process.session_id for process in listed(builds) if process.is_draining} == {asked}
    builds.store.write(ask_to_drain, asked)
    builds.store.write(renew_sessions, [asked, other], LEASE, is_draining=True)
    assert {process.session_id for process in listed(builds) if process.is_draining} == {asked, other}


def test_who_is_not_there_or_not_named_for_certain_is_not_asked(builds: Builds) -> None:
    gone, there = builds.session, builds.open_session().id
    builds.store.write(release_session, gone, "exit 0", Interrupted("DRAINED"))
    for given in (gone, "ffffffffffff"):
        with pytest.raises(WorkerNotFound):
            builds.store.write(ask_to_drain, given)
    assert builds.store.write(ask_to_drain, there) == there
    builds.open_session(id="twin-a-0000"), builds.open_session(id="twin-b-0000")
    with pytest.raises(WorkerNotFound, match="several"):
        builds.store.write(ask_to_drain, "-0000")
