"""Room: slots in all, steps of each stage, and a little work ahead where steps are short."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from jobcontrol_workers.registry import Registry, Served
from jobcontrol_workers.room import Room
from unit.attempts import FIRST, MIDDLE, NAMES, registry

FIRST_QUEUE, MIDDLE_QUEUE, LAST_QUEUE, FINISH_QUEUE = (f"letters-{name}" for name in NAMES)


def served(serving: Registry, number: int) -> Served:
    found = serving.find(("letters", NAMES[number], 1))
    assert found is not None
    return found


SERVING = registry()
MIDDLE_STAGE = served(SERVING, MIDDLE)
FIRST_STAGE = served(SERVING, FIRST)


def hold(room: Room, stage: Served, count: int) -> None:
    for _ in range(count):
        room.hold(stage.key)


@pytest.fixture
def waiting_thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def test_a_stage_has_room_for_its_concurrency() -> None:
    assert Room(SERVING, 50).of_stage(MIDDLE_STAGE) == 3


def test_what_is_held_takes_room_until_it_is_released() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 3)
    assert (room.of_stage(MIDDLE_STAGE), room.of_stage(FIRST_STAGE), room.held) == (0, 3, 3)
    room.release(MIDDLE_STAGE.key)
    assert (room.of_stage(MIDDLE_STAGE), room.held) == (1, 2)


def test_all_stages_share_the_slots() -> None:
    room = Room(SERVING, 4)
    hold(room, MIDDLE_STAGE, 3)
    assert (room.free, room.of_stage(FIRST_STAGE)) == (1, 1)


def test_short_steps_are_taken_ahead_up_to_twenty_milliseconds_of_them() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 1)
    room.release(MIDDLE_STAGE.key, seconds=0.005)
    assert room.of_stage(MIDDLE_STAGE) == 3 + 4


def test_long_steps_are_never_taken_ahead() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 1)
    room.release(MIDDLE_STAGE.key, seconds=0.021)
    assert room.of_stage(MIDDLE_STAGE) == 3


def test_what_is_taken_ahead_never_exceeds_the_slots() -> None:
    room = Room(SERVING, 5)
    hold(room, MIDDLE_STAGE, 1)
    room.release(MIDDLE_STAGE.key, seconds=0.000_001)
    assert room.of_stage(MIDDLE_STAGE) == 5


def test_a_step_whose_handler_did_not_run_says_nothing_about_duration() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 1)
    room.release(MIDDLE_STAGE.key)
    assert room.of_stage(MIDDLE_STAGE) == 3


def test_one_long_step_ends_the_taking_ahead_after_many_short_ones() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 2)
    room.release(MIDDLE_STAGE.key, seconds=0.001)
    room.release(MIDDLE_STAGE.key, seconds=1.0)
    assert room.of_stage(MIDDLE_STAGE) == 3


def test_only_queues_of_stages_with_room_are_open() -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 3)
    assert room.queues() == [FIRST_QUEUE, LAST_QUEUE, FINISH_QUEUE]


def test_with_every_slot_held_no_queue_is_open() -> None:
    room = Room(SERVING, 3)
    hold(room, MIDDLE_STAGE, 3)
    assert room.queues() == []
    assert room.wait_for_queues(0.0) == []


def test_whoever_waits_for_room_is_woken_by_a_release(waiting_thread: ThreadPoolExecutor) -> None:
    room = Room(SERVING, 3)
    hold(room, MIDDLE_STAGE, 3)
    waiting = waiting_thread.submit(room.wait_for_queues, 30.0)
    room.release(MIDDLE_STAGE.key)
    assert MIDDLE_QUEUE in waiting.result(timeout=10)


def test_whoever_waits_for_a_queue_that_is_full_is_not_content_with_the_open_ones(
    waiting_thread: ThreadPoolExecutor,
) -> None:
    room = Room(SERVING, 50)
    hold(room, MIDDLE_STAGE, 3)
    waiting = waiting_thread.submit(room.wait_for_queues, 30.0, besides=room.queues())
    room.release(MIDDLE_STAGE.key)
    assert MIDDLE_QUEUE in waiting.result(timeout=10)


def test_room_that_does_not_come_is_waited_for_no_longer_than_asked() -> None:
    room = Room(SERVING, 50)
    assert room.wait_for_queues(0.0, besides=room.queues()) == room.queues()
