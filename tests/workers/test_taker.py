"""Tickets are taken while there is room, nothing that Redis names is run, and a lost Redis ends nobody."""

import asyncio
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
from rq import Queue
from rq.serializers import JSONSerializer

from jobcontrol_core.bus.tickets import Ticket
from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_workers import taker
from jobcontrol_workers.taker import Popped, Taker, TicketWorker
from services.valkey import ValkeyServer
from workers.floor import Floor
from workers.letters import Gate, letters

pytestmark = pytest.mark.on_redis_too

SPLIT_QUEUE, SPELL_QUEUE = "letters-split", "letters-spell"
NOBODYS_JOB = "0198f000-0000-7000-8000-00000000ffff"
RAW_IDS = [
    b"\xff\xfe",
    b"",
    b"no ticket",
    b"\0" * 36 + b"-1-1",
    f"{NOBODYS_JOB}-0-0".encode(),
    f"{NOBODYS_JOB}-0-{'9' * 5_000}".encode(),
    f"{NOBODYS_JOB}-9999-0".encode(),
]


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake is Redis."""
    return sqlite_store_url


@pytest.fixture
async def restless(store_url: str, own_valkey: ValkeyServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A floor on a Valkey of its own, which the test may kill, stop and flush."""
    monkeypatch.setattr(taker, "POP_SECONDS", 0.02)
    monkeypatch.setattr(taker, "POP_TIMEOUT", 0.3)
    monkeypatch.setattr(taker, "RETRY_SECONDS", 0.05)
    monkeypatch.setattr(taker, "REGISTER_SECONDS", 0.05)
    opened = Floor(store_url, own_valkey.url)
    yield opened
    await opened.close()


def push_raw(url: str, queue: str, ticket_id: bytes) -> None:
    with redis.Redis.from_url(url) as client:
        client.rpush(f"rq:queue:{queue}", ticket_id)


def registered(url: str) -> set[str]:
    """The workers that RQ's tools know."""
    with redis.Redis.from_url(url) as client:
        return {key.decode().removeprefix("rq:worker:") for key in client.smembers("rq:workers")}


@dataclass
class Turns:
    """Counts the turns of takers, so that a test sees them go by."""

    count: int = 0

    async def go_by(self, floor: Floor) -> None:
        """Until a pop that was under way has ended, and another turn has been taken since."""
        last = self.count + 2
        await floor.until(lambda: self.count >= last, "two turns have been taken")


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    counted, take_turn = Turns(), Taker._take_turn

    def count(own: Taker, *args: Any) -> None:
        take_turn(own, *args)
        counted.count += 1

    monkeypatch.setattr(Taker, "_take_turn", count)
    return counted


async def test_no_ticket_is_taken_while_every_slot_is_held(floor: Floor, turns: Turns) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="a", concurrency=1)
    floor.employ(pipeline, worker_slots=1)
    first = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the only slot is held")
    await turns.go_by(floor)
    second = floor.start(pipeline)
    await floor.until(lambda: floor.listed(SPLIT_QUEUE), "the second job's ticket is on its queue")
    await turns.go_by(floor)
    assert [ticket.job_id for ticket in floor.listed(SPLIT_QUEUE)] == [second]
    gate.open()
    await floor.completed(first)
    await floor.completed(second)


async def test_only_the_queues_of_stages_with_room_are_served(floor: Floor, turns: Turns) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="ab", concurrency=1)
    floor.employ(pipeline)
    first = floor.start(pipeline)
    await floor.until(lambda: gate.inside, "the stage is full")
    await turns.go_by(floor)
    push_raw(floor.settings.redis, SPELL_QUEUE, f"{first}-1-7".encode())
    second = floor.start(pipeline)
    await floor.until(lambda: floor.count(second, StepStatus.COMPLETED) == 1, "the other stage is served all the same")
    await turns.go_by(floor)
    assert Ticket(first, 1, 7) in floor.listed(SPELL_QUEUE)
    gate.open()
    await floor.completed(first)
    await floor.completed(second)


@pytest.mark.parametrize("id_of", ["foreign", "nobody's", "a build's own"])
async def test_what_a_forged_job_names_is_never_run(id_of: str, floor: Floor, tmp_path: Path) -> None:
    trap = tmp_path / "sprung"
    pipeline = letters()
    job_id = floor.start(pipeline)
    ids = {"foreign": "evil", "nobody's": f"{NOBODYS_JOB}-0-0", "a build's own": f"{job_id}-0-7"}
    with redis.Redis.from_url(floor.settings.redis) as client:
        queue = Queue(SPLIT_QUEUE, connection=client, serializer=JSONSerializer)
        forged = queue.enqueue("pathlib.Path.touch", args=(str(trap),), job_id=ids[id_of], on_success=None)
        floor.employ(pipeline)
        await floor.completed(job_id)
        await floor.until(lambda: not queue.get_job_ids(), "the forged job was taken off the queue")
        await floor.until(lambda: not client.exists(forged.key), "and forgotten")
    assert not trap.exists()


@pytest.mark.parametrize("raw", RAW_IDS, ids=range(len(RAW_IDS)))
async def test_whatever_stands_on_a_queue_the_next_ticket_is_served(raw: bytes, floor: Floor) -> None:
    pipeline = letters()
    push_raw(floor.settings.redis, SPLIT_QUEUE, raw)
    push_raw(floor.settings.redis, SPELL_QUEUE, raw)
    floor.employ(pipeline)
    with floor.dispatcher():
        await floor.completed(floor.start(pipeline))
        await floor.until(lambda: _is_empty(floor, SPLIT_QUEUE), "the queue is empty")


async def test_a_queue_that_is_no_list_holds_nobody_up_for_ever(floor: Floor) -> None:
    pipeline = letters()
    with redis.Redis.from_url(floor.settings.redis) as client:
        client.set(f"rq:queue:{SPELL_QUEUE}", "a string")
        floor.employ(pipeline)
        job_id = floor.start(pipeline)
        with floor.dispatcher():
            await asyncio.sleep(0)
            client.delete(f"rq:queue:{SPELL_QUEUE}")
            await floor.completed(job_id)


async def test_a_ticket_that_comes_twice_finds_nothing_to_claim(floor: Floor) -> None:
    pipeline = letters()
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    for number in range(5):
        push_raw(floor.settings.redis, SPLIT_QUEUE, f"{job_id}-0-{number}".encode())
    await floor.completed(job_id)
    await floor.until(lambda: _is_empty(floor, SPLIT_QUEUE), "the queue is empty")
    assert [step.attempt for step in floor.steps(job_id)] == [1] * 5


async def test_after_a_flush_a_process_registers_again_and_the_dispatcher_brings_the_tickets(
    restless: Floor, own_valkey: ValkeyServer
) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abc", concurrency=1)
    process = restless.employ(pipeline)
    first = restless.start(pipeline)
    await restless.until(lambda: gate.inside, "a letter is being spelled")
    await restless.until(lambda: process.session_id in registered(own_valkey.url), "the process is registered")
    second = restless.start(pipeline)
    own_valkey.flush()
    await restless.until(lambda: process.session_id in registered(own_valkey.url), "the process is registered again")
    gate.open()
    with restless.dispatcher():
        await restless.completed(first)
        await restless.completed(second)


async def test_a_process_that_drained_is_no_longer_registered(restless: Floor, own_valkey: ValkeyServer) -> None:
    process = restless.employ(letters())
    await restless.until(lambda: process.session_id in registered(own_valkey.url), "the process is registered")
    await process.drain()
    assert registered(own_valkey.url) == set()


async def test_a_killed_redis_ends_no_process_and_loses_no_work(restless: Floor, own_valkey: ValkeyServer) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdef", concurrency=2)
    restless.employ(pipeline)
    first = restless.start(pipeline)
    await restless.until(lambda: len(gate.inside) == 2, "two letters are being spelled")
    own_valkey.kill()
    gate.open()
    await restless.completed(first)
    second = restless.start(pipeline)
    own_valkey.start()
    with restless.dispatcher():
        await restless.completed(second)


async def test_a_redis_that_hangs_ends_no_process_and_holds_up_no_drain(
    restless: Floor, own_valkey: ValkeyServer
) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdef", concurrency=2)
    process = restless.employ(pipeline)
    job_id = restless.start(pipeline)
    await restless.until(lambda: len(gate.inside) == 2, "two letters are being spelled")
    own_valkey.process.send_signal(signal.SIGSTOP)  # type: ignore[union-attr]
    try:
        gate.open()
        await restless.completed(job_id)
        await asyncio.wait_for(process.drain(), 20)
    finally:
        own_valkey.process.send_signal(signal.SIGCONT)  # type: ignore[union-attr]


async def test_whoever_may_not_claim_leaves_tickets_to_others(floor: Floor) -> None:
    pipeline = letters()
    process = floor.employ(pipeline, lease=0.001)
    process.check_trust()
    job_id = floor.start(pipeline)
    await floor.until(lambda: process.session_id in registered(floor.settings.redis), "its taker is at work")
    floor.employ(pipeline)
    with floor.dispatcher():
        await floor.completed(job_id)


class SlowPop:
    """Pops of tickets numbered 7 end when the test lets them: meanwhile the process's state may change."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.has_popped, self.may_end = threading.Event(), threading.Event()
        pop = TicketWorker.pop

        def pop_slowly(own: TicketWorker, *args: Any, **kwargs: Any) -> Popped | None:
            popped = pop(own, *args, **kwargs)
            if popped is not None and popped.id.endswith("-7"):
                self.has_popped.set()
                self.may_end.wait(30)
            return popped

        monkeypatch.setattr(TicketWorker, "pop", pop_slowly)


async def test_a_ticket_whose_room_was_taken_during_the_pop_is_left_to_others_at_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, hold, gate = SlowPop(monkeypatch), asyncio.Event(), Gate()

    async def split(ctx: Any, _input: Any) -> Any:
        await hold.wait()
        return ctx.fan_out("spell", "a", key=str)

    pipeline = letters(gate.handler, split=split, concurrency=1)
    floor.employ(pipeline)
    first = floor.start(pipeline)
    await floor.until(lambda: floor.count(first, StepStatus.PROCESSING), "the first word is being split")
    second = floor.start(pipeline)
    push_raw(floor.settings.redis, SPELL_QUEUE, f"{second}-1-7".encode())
    await floor.until(slow.has_popped.is_set, "the ticket was taken while there was room")
    hold.set()
    await floor.until(lambda: gate.inside, "the room is taken without a ticket")
    slow.may_end.set()
    await floor.until(lambda: Ticket(second, 1, 0) in floor.listed(SPELL_QUEUE), "the ticket is on its queue again")
    gate.open()
    await floor.completed(first)


async def test_a_ticket_that_a_process_took_as_it_began_to_drain_is_left_to_others_at_once(
    floor: Floor, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow, pipeline = SlowPop(monkeypatch), letters()
    process = floor.employ(pipeline)
    push_raw(floor.settings.redis, SPELL_QUEUE, f"{NOBODYS_JOB}-1-7".encode())
    await floor.until(slow.has_popped.is_set, "the ticket was taken")
    draining = asyncio.ensure_future(process.drain())
    await floor.until(lambda: not process.may_claim, "the process drains")
    slow.may_end.set()
    await draining
    assert floor.listed(SPELL_QUEUE) == [Ticket(NOBODYS_JOB, 1, 0)]


def _is_empty(floor: Floor, queue: str) -> bool:
    with redis.Redis.from_url(floor.settings.redis) as client:
        return not client.exists(f"rq:queue:{queue}")
