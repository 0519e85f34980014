"""Which tickets are pushed, so that each demand is listed as often as wanted and the list stays short."""

import pytest

from jobcontrol_core.bus.tickets import Ticket
from jobcontrol_core.store.demand import Demand
from jobcontrol_server.dispatch.ticketing import SHORTEST_LIST, missing_tickets

ADA, BOB = (f"018f0000-0000-7000-8000-00000000000{digit}" for digit in "ab")


def demand(job_id: str = ADA, wanted: int = 1, *, stage_no: int = 1) -> Demand:
    return Demand(job_id, stage_no, "letters-middle", wanted)


def test_what_is_wanted_and_not_listed_is_missing() -> None:
    assert missing_tickets([demand(wanted=2)], []) == [Ticket(ADA, 1, 0), Ticket(ADA, 1, 1)]


def test_what_is_listed_is_not_pushed_again() -> None:
    assert missing_tickets([demand(wanted=2)], [Ticket(ADA, 1, 0), Ticket(ADA, 1, 5)]) == []


def test_a_ticket_of_another_stage_or_job_does_not_count() -> None:
    listed = [Ticket(ADA, 2, 0), Ticket(BOB, 1, 0)]
    assert missing_tickets([demand()], listed) == [Ticket(ADA, 1, 0)]


def test_a_missing_ticket_takes_a_number_that_is_free() -> None:
    listed = [Ticket(ADA, 1, 1)]
    assert missing_tickets([demand(wanted=3)], listed) == [Ticket(ADA, 1, 0), Ticket(ADA, 1, 2)]


def test_more_listed_than_wanted_is_left_alone() -> None:
    assert missing_tickets([demand(wanted=1)], [Ticket(ADA, 1, number) for number in range(3)]) == []


def test_the_order_of_the_demand_is_the_order_of_the_tickets() -> None:
    missing = missing_tickets([demand(BOB), demand(ADA, wanted=2)], [])
    assert [ticket.job_id for ticket in missing] == [BOB, ADA, ADA]


def test_a_list_stays_short_however_many_jobs_wait() -> None:
    jobs = [f"018f0000-0000-7000-8000-{number:012d}" for number in range(1_000)]
    missing = missing_tickets([demand(job_id) for job_id in jobs], [])
    assert [ticket.job_id for ticket in missing] == jobs[:SHORTEST_LIST]


def test_a_list_that_is_full_is_not_topped_up() -> None:
    listed = [Ticket(BOB, 1, number) for number in range(SHORTEST_LIST)]
    assert missing_tickets([demand()], listed) == []


def test_many_processes_make_the_list_longer() -> None:
    assert len(missing_tickets([demand(ADA, 40), demand(BOB, 40)], [])) == 80


@pytest.mark.parametrize(
    "ticket_id",
    [
        "",
        "ticket",
        ADA,
        f"{ADA}-1",
        f"{ADA}-1-",
        f"{ADA}-1-x",
        f"{ADA}--1-1",
        f"{ADA}-1-1\n",
        f"{ADA}-1-\N{ARABIC-INDIC DIGIT ONE}",
        f"{ADA}-1-{'9' * 5_000}",
        f"{ADA[:-1]}\0-1-1",
        f"{'x' * 36}-1-1",
        f"{ADA.upper()}-1-1",
    ],
)
def test_what_is_no_ticket_of_ours_is_not_taken_for_one(ticket_id: str) -> None:
    assert Ticket.parse(ticket_id) is None


def test_a_ticket_is_read_from_its_id() -> None:
    assert Ticket.parse(Ticket(ADA, 12, 345).id) == Ticket(ADA, 12, 345)
