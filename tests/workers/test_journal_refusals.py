"""What a database refuses: found in its group, on SQLite and on PostgreSQL, where a refusal ends the transaction."""

from jobcontrol_core.domain.lifecycle import FailureReason, StepStatus
from workers.floor import Floor
from workers.journals import claimed_letters, journal_of, said


async def test_an_outcome_that_cannot_be_written_is_a_bad_result_and_its_neighbours_are_recorded(floor: Floor) -> None:
    job_id, claimed = claimed_letters(floor)
    journal = journal_of(floor)
    for step in claimed:
        journal.record(said(step, '"\ud800"' if step.step.key == "c" else '"said"'))
    journal.start()
    assert journal.close(20)
    assert floor.count(job_id, StepStatus.COMPLETED, "spell") == 7
    culprit = floor.step(job_id, "c")
    assert (culprit.status, culprit.failure) == (StepStatus.FAILED, FailureReason.BAD_RESULT)
    assert culprit.error is not None
    assert "refused" in culprit.error.message
    assert "INSERT" not in culprit.error.message
