"""What running attempts tell of themselves: progress and log lines are events, checkpoints are none."""

from typing import Any

from sqlalchemy import func, select

from jobcontrol_core.domain.lifecycle import StepStatus
from jobcontrol_core.domain.outcomes import Crashed, Interrupted
from jobcontrol_core.domain.reports import Line, Progress
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.exchange import exchange
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.reaping import release_session
from jobcontrol_core.store.tables import step_checkpoints
from store.builds import Builds, outcome_of
from store.factories import failed, report_of, succeeded

HALF = Progress(0.5, "half of it")


def tell(builds: Builds, claimed: ClaimedStep, **told: Any) -> None:
    builds.store.write(exchange, builds.session, [], [], [report_of(claimed, **told)])
    builds.audit(claimed.step.job_id)


def test_progress_is_on_the_step_and_in_one_event(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    before = builds.job(root.step.job_id).last_sequence
    tell(builds, root, progress=HALF)
    step = builds.step(root)
    assert (step.progress_fraction, step.progress_note) == (0.5, "half of it")
    event = builds.events(root.step.job_id)[-1]
    assert (event.sequence, event.change, event.bulk) == (before + 1, None, ())
    assert event.steps == (step,)


def test_a_fraction_of_nothing_is_told_as_zero(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    tell(builds, root, progress=Progress(0.0, ""))
    assert builds.events(root.step.job_id)[-1].steps[0].progress_fraction == 0.0


def test_progress_and_the_end_of_the_same_attempt_are_one_event(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    before = builds.job(root.step.job_id).last_sequence
    outcomes = [outcome_of(root, succeeded())]
    builds.store.write(exchange, builds.session, outcomes, [], [report_of(root, progress=HALF)])
    job = builds.job(root.step.job_id)
    builds.audit(job.id)
    assert job.last_sequence == before + 1
    step = builds.step(root)
    assert (step.status, step.progress_note) == (StepStatus.COMPLETED, "half of it")


def test_the_next_attempt_starts_without_the_progress_of_the_one_before(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    tell(builds, root, progress=HALF)
    builds.end((root, Interrupted("LOST")))
    again = builds.claim_one(root.step.job_id)
    assert not again.step.has_told_progress
    assert not builds.step(root).has_told_progress


def test_lines_are_kept_in_order_and_each_report_of_them_is_an_event(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    before = builds.job(root.step.job_id).last_sequence
    tell(builds, root, lines=(Line(1, "first"), Line(2, "second")))
    tell(builds, root, lines=(Line(2, "second"), Line(3, "third")))
    detail = builds.store.read(get_step, root.step.job_id, root.step.id)
    assert [(log.attempt, log.line, log.message) for log in detail.logs] == [
        (1, 1, "first"),
        (1, 2, "second"),
        (1, 3, "third"),
    ]
    assert builds.job(root.step.job_id).last_sequence == before + 2


def test_a_checkpoint_is_there_for_the_next_attempt_whatever_ended_the_one_before(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    assert root.checkpoint is None
    tell(builds, root, checkpoint='{"page":1}')
    tell(builds, root, checkpoint='{"page":2}')
    builds.write(release_session, builds.session, "killed by SIGKILL", Crashed("killed by SIGKILL"))
    (again,) = builds.claim_suspects(root.step.job_id, session_id=builds.open_session().id)
    assert again.checkpoint == '{"page":2}'
    builds.end((again, failed()))


def test_a_checkpoint_that_comes_with_a_failure_is_kept(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    outcomes = [outcome_of(root, Interrupted("DRAINED"))]
    builds.store.write(exchange, builds.session, outcomes, [], [report_of(root, checkpoint="7")])
    assert builds.claim_one(root.step.job_id).checkpoint == "7"


def test_what_an_attempt_tells_after_the_next_one_was_claimed_is_not_kept(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    builds.end((root, Interrupted("LOST")))
    tell(builds, root, progress=HALF, checkpoint='"stale"', lines=(Line(1, "stale"),))
    again = builds.claim_one(root.step.job_id)
    assert again.checkpoint is None
    tell(builds, root, progress=HALF, checkpoint='"stale"', lines=(Line(1, "stale"),))
    step = builds.step(again)
    assert (step.attempt, step.has_told_progress) == (2, False)
    assert builds.store.read(get_step, step.job_id, step.id).logs == ()
    kept = builds.store.read(lambda tx: tx.execute(select(func.count()).select_from(step_checkpoints)).scalar_one())
    assert kept == 0
