"""What the dispatcher repairs, and what it must not touch."""

from datetime import timedelta
from typing import Any

import pytest
import redis
from sqlalchemy import text

from jobcontrol_core.bus.tickets import TicketQueues
from jobcontrol_core.domain.errors import BackendUnavailable, Unavailable
from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.store.engine import Store
from jobcontrol_core.store.sessions import renew_sessions
from jobcontrol_server.dispatch.reaper import Reaper
from jobcontrol_server.dispatch.ticketing import Ticketing
from jobcontrol_server.dispatch.vigil import Vigil
from workers.floor import Floor
from workers.letters import Gate, letters

pytestmark = pytest.mark.on_redis_too

LEASE = 10.0


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: the store's own tests reap on both."""
    return sqlite_store_url


class Watchman:
    """A reaper with a clock to turn and a database to take away."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor
        self._store = _Absent(floor.store)
        self.seconds = 1_000.0
        vigil = Vigil(required=LEASE, longest_gap=3.0, clock=lambda: self.seconds)
        store: Any = self._store
        self._reaper = Reaper(store, floor.postman, vigil)

    def watch(self, seconds: int, *, is_leader: bool = True, is_away: bool = False) -> None:
        """A turn a second."""
        self._store.is_away = is_away
        for _ in range(seconds):
            self.seconds += 1.0
            try:
                self._reaper.keep_watch(is_leader=is_leader)
            except Unavailable:
                assert is_away


class _Absent:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.is_away = False

    def read(self, *args: Any) -> Any:
        return self._call(self._store.read, *args)

    def write(self, *args: Any) -> Any:
        return self._call(self._store.write, *args)

    def _call(self, fn: Any, *args: Any) -> Any:
        if self.is_away:
            raise BackendUnavailable
        return fn(*args)


async def expired(floor: Floor) -> str:
    """A build whose only letter is run by a process whose lease has run out."""
    pipeline = letters(Gate().handler, word="a")
    process = floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.count(job_id, StepStatus.PROCESSING, "spell") == 1, "the letter is being spelled")
    floor.store.write(renew_sessions, [process.session_id], timedelta(seconds=-1))
    return job_id


def outcomes(floor: Floor, job_id: str) -> list[str]:
    return [attempt.outcome for attempt in floor.attempts(job_id, "a")]


async def test_steps_of_an_expired_lease_are_taken_back_after_a_full_vigil(floor: Floor) -> None:
    job_id = await expired(floor)
    watchman = Watchman(floor)
    watchman.watch(int(LEASE) - 1)
    assert outcomes(floor, job_id) == []
    watchman.watch(2)
    assert outcomes(floor, job_id) == ["LOST"]


async def test_whoever_does_not_lead_takes_nothing_back(floor: Floor) -> None:
    job_id = await expired(floor)
    Watchman(floor).watch(100, is_leader=False)
    assert outcomes(floor, job_id) == []


@pytest.mark.parametrize("is_leader", [True, False])
async def test_an_outage_of_the_database_is_nobodys_fault(is_leader: bool, floor: Floor) -> None:
    """Who could not renew because the database was away gets a full lease to do so, whoever leads afterwards."""
    job_id = await expired(floor)
    watchman = Watchman(floor)
    watchman.watch(100, is_leader=False)
    watchman.watch(30, is_leader=is_leader, is_away=True)
    watchman.watch(int(LEASE) - 1, is_leader=True)
    assert outcomes(floor, job_id) == []
    watchman.watch(2)
    assert outcomes(floor, job_id) == ["LOST"]


async def test_a_machine_that_slept_judges_nobody_by_its_sleep(floor: Floor) -> None:
    job_id = await expired(floor)
    watchman = Watchman(floor)
    watchman.watch(int(LEASE) - 1)
    watchman.seconds += 3_600
    watchman.watch(int(LEASE) - 1)
    assert outcomes(floor, job_id) == []


async def test_two_dispatchers_do_no_harm(floor: Floor) -> None:
    async def spell(ctx: Any, letter: str) -> str:
        if ctx.attempt == 1:
            raise ValueError("once")
        return letter

    word = [str(number) for number in range(30)]
    pipeline = letters(spell, word=word)
    floor.employ(pipeline)
    with floor.dispatcher(), floor.dispatcher():
        _make_both_lead(floor)
        jobs = [floor.start(pipeline) for _ in range(3)]
        for job_id in jobs:
            await floor.completed(job_id)
    for job_id in jobs:
        assert [step.attempt for step in floor.steps(job_id, "spell")] == [2] * len(word)


async def test_a_build_needs_no_dispatcher_as_long_as_nothing_is_lost(floor: Floor) -> None:
    pipeline = letters()
    floor.employ(pipeline)
    await floor.completed(floor.start(pipeline))


async def test_a_job_whose_ticket_was_lost_gets_another(floor: Floor) -> None:
    pipeline = letters()
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.listed("letters-split"), "its ticket is on the queue")
    with redis.Redis.from_url(floor.settings.redis) as client:
        client.flushall()
    floor.employ(pipeline)
    with floor.dispatcher():
        await floor.completed(job_id)


async def test_without_a_process_for_its_stage_a_job_waits_without_a_ticket(floor: Floor) -> None:
    pipeline = letters()
    job_id = floor.start(pipeline)
    await floor.until(lambda: floor.listed("letters-split"), "its first ticket is on the queue")
    with redis.Redis.from_url(floor.settings.redis) as client:
        client.flushall()
        Ticketing(floor.store, client).top_up()
        assert TicketQueues(client).listed("letters-split") == []
    assert floor.job(job_id).status is JobStatus.PENDING


async def test_stopping_a_dispatcher_lets_another_lead_at_once(floor: Floor) -> None:
    with floor.dispatcher():
        await floor.until(lambda: _leaders(floor) == 1, "one leads")
    assert _leaders(floor) == 0


def _leaders(floor: Floor) -> int:
    count: int = floor.store.read(lambda tx: tx.execute(text("SELECT count(*) FROM leases")).scalar_one())
    return count


def _make_both_lead(floor: Floor) -> None:
    """The lease is gone again and again, so that each takes itself for the leader."""
    for _ in range(20):
        floor.store.write(lambda tx: tx.execute(text("DELETE FROM leases")))
