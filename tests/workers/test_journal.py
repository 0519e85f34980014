"""The journal: nothing that ended is lost, no claim is forgotten, and a bad outcome harms itself alone."""

from typing import Any

import pytest

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.outcomes import StepOutcome, Succeeded
from workers.floor import Floor
from workers.journals import SESSION, claimed_letters, journal_of, said
from workers.letters import Gate, letters


@pytest.fixture
def store_url(sqlite_store_url: str) -> str:
    """SQLite alone: what is at stake is the journal's own memory."""
    return sqlite_store_url


async def test_outcomes_that_wait_together_are_committed_together(floor: Floor) -> None:
    job_id, claimed = claimed_letters(floor)
    before = floor.job(job_id).last_sequence
    journal = journal_of(floor)
    for step in claimed:
        journal.record(said(step))
    journal.start()
    assert journal.close(20)
    assert floor.count(job_id, StepStatus.COMPLETED, "spell") == 8
    assert floor.job(job_id).last_sequence == before + 1


async def test_outcomes_wait_for_a_database_that_is_away(floor: Floor) -> None:
    job_id, claimed = claimed_letters(floor)
    journal = journal_of(floor)
    journal.start()
    floor.store.is_away = True
    for step in claimed[:4]:
        journal.record(said(step))
    await floor.until(lambda: floor.store.refusals, "the journal has met the outage")
    for step in claimed[4:]:
        journal.record(said(step))
    assert floor.count(job_id, StepStatus.PROCESSING, "spell") == 8
    floor.store.is_away = False
    assert journal.close(20)
    assert floor.count(job_id, StepStatus.COMPLETED, "spell") == 8


async def test_an_outage_that_outlasts_closing_is_told(floor: Floor) -> None:
    _, claimed = claimed_letters(floor)
    journal = journal_of(floor)
    journal.start()
    floor.store.is_away = True
    journal.record(said(claimed[0]))
    assert not journal.close(0.1)
    floor.store.is_away = False
    assert journal.close(20)


async def test_an_outcome_whose_answer_was_lost_counts_once(floor: Floor) -> None:
    job_id, claimed = claimed_letters(floor)
    journal = journal_of(floor)
    for step in claimed:
        journal.record(said(step))
    floor.store.loses_answers = True
    journal.start()
    await floor.until(lambda: floor.count(job_id, StepStatus.COMPLETED, "spell") == 8, "all are recorded")
    assert journal.close(20)
    job = floor.job(job_id)
    assert [stage.counts.completed for stage in job.stages] == [1, 8]
    assert floor.attempts(job_id, "a") == ()


async def test_claims_whose_answer_was_lost_are_given_back_and_run(floor: Floor) -> None:
    pipeline = letters()
    floor.store.loses_answers = True
    process = floor.employ(pipeline)
    with floor.dispatcher():
        job_id = floor.start(pipeline)
        await floor.completed(job_id)
    lost = floor.attempts(job_id, floor.steps(job_id, "split")[0].key)
    assert [(one.outcome, one.used_a_try, one.session_id) for one in lost] == [("LOST", False, process.session_id)]


async def test_a_database_that_is_away_in_mid_build_costs_nothing_but_time(floor: Floor) -> None:
    gate = Gate()
    pipeline = letters(gate.handler, word="abcdefgh", concurrency=3)
    floor.employ(pipeline)
    job_id = floor.start(pipeline)
    await floor.until(lambda: len(gate.inside) == 3, "three letters are being spelled")
    floor.store.is_away = True
    gate.open()
    await floor.until(lambda: gate.ends["returned"] == 3, "their handlers have returned")
    assert floor.count(job_id, StepStatus.PROCESSING, "spell") == 3
    floor.store.is_away = False
    await floor.completed(job_id)
    assert sorted(gate.inside) == list("abcdefgh")


async def test_an_overtaken_attempt_does_not_stand_for_its_step(floor: Floor) -> None:
    job_id, claimed = claimed_letters(floor)
    first = claimed[0]
    newer = StepOutcome(job_id, first.step.id, first.step.attempt, Succeeded('"newer"'))
    older = StepOutcome(job_id, first.step.id, first.step.attempt - 1, Succeeded('"older"'))
    journal = journal_of(floor)
    journal.record(newer)
    journal.record(older)
    journal.start()
    assert journal.close(20)
    assert floor.output(job_id, first.step.key) == '"newer"'


async def test_what_is_claimed_by_a_ticket_is_delivered_with_its_build_and_session(floor: Floor) -> None:
    delivered: list[tuple[list[str], str, str]] = []

    def deliver(claimed: Any, build: Any, session_id: str) -> None:
        delivered.append(([one.step.key for one in claimed], build.job_id, session_id))

    job_id = floor.start(letters())
    journal = journal_of(floor, deliver)
    journal.start()
    journal.order(job_id, 0).result(timeout=20)
    assert delivered == [([floor.steps(job_id)[0].key], job_id, SESSION)]
    assert journal.close(20)


@pytest.mark.parametrize("is_closed", [True, False])
async def test_a_journal_that_does_not_claim_uses_a_ticket_up_without_a_claim(is_closed: bool, floor: Floor) -> None:
    job_id = floor.start(letters())
    journal = journal_of(floor)
    journal.start()
    if is_closed:
        assert journal.close(20)
    else:
        journal.set_claiming(False)
    journal.order(job_id, 0).result(timeout=20)
    assert not journal.is_claiming
    assert floor.count(job_id, StepStatus.PENDING) == 1
    assert journal.close(20)


async def test_a_ticket_that_names_no_job_is_used_up(floor: Floor) -> None:
    journal = journal_of(floor)
    journal.start()
    journal.order("0198f000-0000-7000-8000-00000000ffff", 0).result(timeout=20)
    assert journal.close(20)


async def test_a_closed_journal_claims_no_more_however_it_is_asked(floor: Floor) -> None:
    journal = journal_of(floor)
    journal.start()
    assert journal.close(20)
    journal.set_claiming(True)
    assert not journal.is_claiming
