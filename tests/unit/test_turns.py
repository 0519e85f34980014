"""Fair turns between jobs: a slice for whoever is served while others wait, then a rest."""

from dataclasses import dataclass

import pytest

from jobcontrol_workers.turns import REST_SECONDS, SLICE_SECONDS, Turns

ADA, BOB = "ada's job", "bob's job"


@dataclass
class Table:
    seconds: float = 100.0
    can_push: bool = True

    def __post_init__(self) -> None:
        self.turns = Turns(lambda: self.can_push, clock=lambda: self.seconds)

    def serve(self, job_id: str, seconds: float = 2 * SLICE_SECONDS) -> None:
        self.turns.begin(job_id)
        self.seconds += seconds


@pytest.fixture
def table() -> Table:
    return Table()


def test_a_turn_is_over_after_a_slice_if_others_wait(table: Table) -> None:
    table.turns.told_waiting([ADA, BOB])
    table.serve(ADA, SLICE_SECONDS / 2)
    assert not table.turns.is_over(ADA)
    table.serve(ADA, SLICE_SECONDS)
    assert table.turns.is_over(ADA)


def test_a_turn_has_no_end_while_nobody_else_waits(table: Table) -> None:
    table.turns.told_waiting([ADA])
    table.serve(ADA)
    assert not table.turns.is_over(ADA)


def test_whoever_was_not_served_has_no_turn_that_could_be_over(table: Table) -> None:
    table.turns.told_waiting([BOB])
    assert not table.turns.is_over(ADA)


def test_after_its_turn_a_job_rests_until_it_is_served_again(table: Table) -> None:
    table.turns.told_waiting([BOB])
    table.serve(ADA)
    table.turns.end(ADA)
    assert (table.turns.rests(ADA), table.turns.rests(BOB), table.turns.may_rest) == (True, False, True)
    table.turns.begin(ADA)
    assert not table.turns.rests(ADA)
    assert not table.turns.is_over(ADA)


def test_nobody_rests_for_others_who_no_longer_wait(table: Table) -> None:
    table.turns.told_waiting([BOB])
    table.turns.end(ADA)
    table.turns.told_waiting([ADA])
    assert not table.turns.rests(ADA)


def test_a_rest_does_not_last(table: Table) -> None:
    table.turns.told_waiting([BOB])
    table.turns.end(ADA)
    table.seconds += 2 * REST_SECONDS
    assert (table.turns.rests(ADA), table.turns.may_rest) == (False, False)


def test_without_redis_no_turn_ends_and_nobody_rests(table: Table) -> None:
    table.turns.told_waiting([BOB])
    table.serve(ADA)
    table.turns.end(BOB)
    table.turns.told_waiting([ADA, BOB])
    table.can_push = False
    assert not table.turns.is_over(ADA)
    assert not table.turns.rests(BOB)
