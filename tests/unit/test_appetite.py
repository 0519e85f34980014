"""What a process wishes to claim: by tickets, from jobs known to have more, and never more than it has room for."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from jobcontrol_core.domain.values import Build, ClaimedStep
from jobcontrol_core.store.claims import ClaimWish
from jobcontrol_core.store.exchange import Exchanged, Waiting
from jobcontrol_workers import appetite
from jobcontrol_workers.appetite import Appetite, Errand
from jobcontrol_workers.room import Room
from jobcontrol_workers.turns import SLICE_SECONDS, Turns
from unit.attempts import FIRST, LAST, MIDDLE, NAMES, build, claimed, pipeline, registry

SERVING = registry()
ADA, BOB, EVE = "ada's job", "bob's job", "eve's job"


@dataclass
class Desk:
    """An appetite over builds that are there from the start, with the hands of a clock to turn."""

    slots: int = 50
    reads: list[str] = field(default_factory=list)
    can_push: bool = True
    seconds: float = 100.0

    def __post_init__(self) -> None:
        self.builds = {job_id: build(SERVING, job_id=job_id) for job_id in (ADA, BOB, EVE)}
        self.room = Room(SERVING, self.slots)
        self.turns = Turns(lambda: self.can_push, clock=lambda: self.seconds)
        self.appetite = Appetite(SERVING, self.room, self._read, self.turns)

    def _read(self, job_id: str) -> Build | None:
        self.reads.append(job_id)
        return self.builds.get(job_id)

    def run(self, errand: Errand, *waiting: Waiting, gives: int = 100) -> Sequence[Waiting]:
        """An exchange that gives up to `gives` steps of each wish, which then hold their room."""
        given = [
            _step(wish.job_id, stage_no)
            for wish in errand.wishes
            for stage_no, wanted in wish.room.items()
            for _ in range(min(gives, wanted))
        ]
        for one in given:
            self.room.hold(("letters", one.step.stage, 1))
        return self.appetite.digest(errand, Exchanged(frozenset(), tuple(given), (), waiting))

    def end_one(self, stage_no: int = MIDDLE) -> None:
        self.room.release(("letters", NAMES[stage_no], 1))


@pytest.fixture
def desk() -> Desk:
    return Desk()


def more(job_id: str, stage_no: int = MIDDLE) -> Waiting:
    return Waiting(job_id, stage_no, f"letters-{NAMES[stage_no]}")


def _step(job_id: str, stage_no: int) -> ClaimedStep:
    return claimed(stage_no, job_id=job_id)


def test_a_ticket_is_a_wish_for_as_much_as_can_start_at_once(desk: Desk) -> None:
    errand = desk.appetite.choose([(ADA, MIDDLE)])
    assert errand.wishes == (ClaimWish(ADA, {MIDDLE: 3}),)
    assert errand.builds == {ADA: desk.builds[ADA]}


def test_two_jobs_that_ask_for_one_stage_share_its_room(desk: Desk) -> None:
    desk.room.hold(("letters", "middle", 1))
    errand = desk.appetite.choose([(ADA, MIDDLE), (BOB, MIDDLE)])
    assert sum(wish.room[MIDDLE] for wish in errand.wishes) == 2


def test_all_stages_share_the_slots(desk: Desk) -> None:
    small = Desk(slots=4)
    errand = small.appetite.choose([(ADA, FIRST), (ADA, MIDDLE), (BOB, LAST)])
    assert errand.wishes == (ClaimWish(ADA, {FIRST: 3, MIDDLE: 1}),)


@pytest.mark.parametrize("ticket", [("nobody's job", MIDDLE), (ADA, 4), (ADA, 9_999)])
def test_a_ticket_that_names_nothing_there_is_is_no_wish(ticket: tuple[str, int], desk: Desk) -> None:
    assert desk.appetite.choose([ticket]) == Errand()


def test_a_ticket_for_a_stage_that_this_process_does_not_run_is_no_wish(desk: Desk) -> None:
    elsewhere = registry(pipeline())
    stages = tuple(elsewhere.specs()[0].stages)
    desk.builds[ADA] = build(elsewhere, job_id=ADA, pipeline="numbers", stages=stages)
    assert desk.appetite.choose([(ADA, MIDDLE)]) == Errand()


def test_a_place_with_more_steps_is_claimed_from_again_without_a_ticket(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.end_one()
    assert desk.appetite.is_hungry
    assert desk.appetite.choose([]).wishes == (ClaimWish(ADA, {MIDDLE: 1}),)


def test_a_place_that_gave_all_it_had_is_forgotten(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]))
    desk.end_one()
    assert not desk.appetite.is_hungry


def test_a_place_that_gave_less_than_wished_is_forgotten(desk: Desk) -> None:
    """Its other PENDING steps back off; nobody may ask for them over and over until then."""
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.end_one()
    desk.run(desk.appetite.choose([]), gives=0)
    assert not desk.appetite.is_hungry


def test_a_stage_that_an_outcome_filled_is_claimed_from_without_a_ticket(desk: Desk) -> None:
    assert desk.run(Errand(), more(BOB, LAST)) == ()
    assert desk.appetite.choose([]).wishes == (ClaimWish(BOB, {LAST: 3}),)


def test_what_does_not_fit_here_gets_a_ticket_for_others(desk: Desk) -> None:
    assert desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA)) == (more(ADA),)


def test_a_stage_that_this_process_does_not_run_gets_a_ticket(desk: Desk) -> None:
    assert desk.run(Errand(), more("nobody's job")) == (more("nobody's job"),)


def test_a_slice_has_no_end_while_nobody_else_waits(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([ADA])
    desk.seconds += 1_000
    desk.end_one()
    assert desk.appetite.choose([]).wishes == (ClaimWish(ADA, {MIDDLE: 1}),)


def test_the_ticket_of_another_job_ends_the_slice(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.seconds += 2 * SLICE_SECONDS
    desk.end_one()
    assert desk.appetite.choose([]) == Errand()
    assert desk.run(Errand()) == (more(ADA),)
    assert not desk.appetite.is_hungry


def test_a_slice_that_is_over_wakes_the_journal_to_push_its_ticket(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    hunger = [desk.appetite.is_hungry]
    desk.seconds += 2 * SLICE_SECONDS
    hunger.append(desk.appetite.is_hungry)
    assert hunger == [False, True]


def test_within_its_slice_a_job_is_served_though_others_wait(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.seconds += SLICE_SECONDS / 2
    desk.end_one()
    assert desk.appetite.choose([]).wishes == (ClaimWish(ADA, {MIDDLE: 1}),)


def test_without_redis_no_slice_ends_because_no_ticket_could_be_pushed(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.can_push = False
    desk.seconds += 2 * SLICE_SECONDS
    desk.end_one()
    assert desk.appetite.choose([]).wishes == (ClaimWish(ADA, {MIDDLE: 1}),)


def test_a_new_ticket_begins_a_new_slice(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.seconds += 2 * SLICE_SECONDS
    desk.run(Errand())
    desk.end_one()
    assert desk.appetite.choose([(ADA, MIDDLE)]).wishes == (ClaimWish(ADA, {MIDDLE: 1}),)


def test_a_job_that_rests_is_not_served_again_by_its_own_outcomes(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.seconds += 2 * SLICE_SECONDS
    desk.run(Errand())
    desk.end_one()
    assert desk.run(Errand(), more(ADA)) == (more(ADA),)
    assert desk.appetite.choose([]) == Errand()


def test_all_stages_of_a_job_share_its_turn(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA))
    desk.turns.told_waiting([BOB])
    desk.seconds += 2 * SLICE_SECONDS
    assert desk.run(Errand(), more(ADA, LAST)) == (more(ADA, MIDDLE), more(ADA, LAST))


def test_a_job_that_was_not_served_yet_does_not_lose_its_turn(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]))
    desk.run(desk.appetite.choose([(BOB, MIDDLE)]))
    desk.turns.told_waiting([ADA])
    desk.seconds += 2 * SLICE_SECONDS
    assert desk.run(Errand()) == ()
    desk.end_one()
    assert desk.appetite.choose([]).wishes == (ClaimWish(BOB, {MIDDLE: 1}),)


def test_known_places_take_turns_at_the_room_that_falls_free(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]), more(ADA), more(BOB), more(EVE))
    served = []
    for _ in range(6):
        desk.end_one()
        errand = desk.appetite.choose([])
        served += [wish.job_id for wish in errand.wishes]
        desk.run(errand, more(ADA), more(BOB), more(EVE))
    assert served == [ADA, BOB, EVE, ADA, BOB, EVE]


def test_a_ticket_that_found_no_room_is_served_when_there_is_some(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]))
    assert desk.appetite.choose([(BOB, MIDDLE)]).wishes == ()
    desk.end_one()
    assert desk.appetite.choose([]).wishes == (ClaimWish(BOB, {MIDDLE: 1}),)


def test_a_ticket_that_found_no_room_is_left_to_others_at_once(desk: Desk) -> None:
    desk.run(desk.appetite.choose([(ADA, MIDDLE)]))
    assert desk.run(desk.appetite.choose([(BOB, MIDDLE), (BOB, LAST)])) == (more(BOB),)


def test_a_build_is_read_once_as_long_as_it_is_in_use(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appetite, "BUILDS_KEPT", 2)
    for job_id in (ADA, BOB, ADA, EVE, ADA):
        desk.run(desk.appetite.choose([(job_id, FIRST)]), gives=0)
    assert desk.reads == [ADA, BOB, EVE]


def test_looking_for_hunger_asks_no_database(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(appetite, "BUILDS_KEPT", 1)
    desk.run(Errand(), more(ADA), more(BOB))
    before = list(desk.reads)
    assert desk.appetite.is_hungry
    assert desk.reads == before
