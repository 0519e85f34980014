"""Fan-in: what follows when the last open step of a job has ended."""

from collections.abc import Sequence
from functools import partial

from jobcontrol_core.domain.lifecycle import JobStatus, StepStatus
from jobcontrol_core.domain.outcomes import Outcome, Skipped
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store.lookup import read_result_digests
from jobcontrol_core.store.tables import jobs
from store.builds import Builds, tree
from store.factories import CONCEPTS, FINALIZE_NO, SUB_CONCEPTS, UNITS, children, failed, succeeded
from store.threads import together


def test_finalize_is_born_by_the_commit_that_ends_the_last_step(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, succeeded()))
    assert builds.steps(job_id, "finalize") == []
    done = builds.end((second, succeeded()))
    (finalize,) = builds.steps(job_id, "finalize")
    assert finalize.status is StepStatus.PENDING
    assert [one.queue for one in done.waiting] == ["learning-path-finalize"]
    assert builds.job(job_id).percent == 99


def test_a_document_without_sections_goes_straight_to_finalize(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    assert builds.claim_one(job_id).step.stage == "finalize"


def test_finalize_alone_completes_a_build_whose_root_had_no_children(builds: Builds) -> None:
    job = builds.run(builds.start(), tree())
    assert (job.status, job.percent, job.error) == (JobStatus.COMPLETED, 100, None)


def test_the_output_of_finalize_is_the_result_of_the_job(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    builds.end((builds.claim_one(job_id), succeeded(output='{"path":[]}')))
    status, digests = builds.store.read(read_result_digests, job_id)
    assert status is JobStatus.COMPLETED
    assert list(digests) == ["application/json"]
    assert builds.job(job_id).result_types == ("application/json",)


def test_a_build_whose_every_sub_concept_failed_is_failed_with_the_first_error(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id)
    builds.end((second, failed("second", is_final=True)))
    assert builds.job(job_id).status is JobStatus.PROCESSING
    builds.end((first, failed("first", is_final=True)))
    job = builds.job(job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.type, job.error.message, job.error.step_id) == ("ValueError", "first", first.step.id)
    assert (job.error.stage, job.status_reason) == ("sub-concepts", "ValueError: first")
    assert builds.steps(job_id, "finalize") == []


def test_one_success_in_a_stage_is_enough_to_complete_with_errors(builds: Builds) -> None:
    job_id = builds.start()

    def handle(claimed: ClaimedStep) -> Outcome:
        if claimed.step.stage_no == SUB_CONCEPTS and claimed.step.ordinal:
            return failed(is_final=True)
        return tree(3, 2)(claimed)

    job = builds.run(job_id, handle)
    assert (job.status, job.error_count, job.error) == (JobStatus.COMPLETED, 2, None)


def test_a_root_out_of_tries_fails_the_job(builds: Builds) -> None:
    job_id = builds.start()
    for _ in range(3):
        builds.end((builds.claim_one(job_id), failed()))
    job = builds.job(job_id)
    assert (job.status, job.error_count) == (JobStatus.FAILED, 1)


def test_a_finalize_step_out_of_tries_fails_the_job(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 1)
    builds.end((builds.claim_one(job_id), succeeded()))
    builds.end((builds.claim_one(job_id, FINALIZE_NO), failed("no room", is_final=True)))
    job = builds.job(job_id)
    assert (job.status, job.percent) == (JobStatus.FAILED, 99)
    assert job.error is not None
    assert (job.error.stage, job.error.message) == ("finalize", "no room")


def test_a_finalize_step_that_skips_itself_fails_the_job_with_its_reason(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    builds.end((builds.claim_one(job_id), Skipped("nothing to assemble")))
    job = builds.job(job_id)
    assert job.status is JobStatus.FAILED
    assert job.error is not None
    assert (job.error.type, job.error.message) == ("SkipStep", "nothing to assemble")


def test_skipped_steps_do_not_keep_a_job_from_completing(builds: Builds) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    builds.end(*((one, Skipped("known already")) for one in builds.claim(job_id)))
    job = builds.run(job_id, tree())
    assert (job.status, job.stages[1].counts.skipped) == (JobStatus.COMPLETED, 2)


def test_a_paused_job_ends_when_its_running_steps_do(builds: Builds) -> None:
    job_id = builds.start()
    builds.end((builds.claim_one(job_id), succeeded()))
    finalize = builds.claim_one(job_id)
    builds.is_audited = False  # Pausing below goes past the ledger and so has no event.
    builds.store.write(lambda tx: tx.execute(jobs.update().values(status=JobStatus.PAUSED)))
    builds.end((finalize, succeeded()))
    assert builds.job(job_id).status is JobStatus.COMPLETED


def test_of_many_concurrent_committers_exactly_one_makes_the_finalize_step(builds: Builds) -> None:
    builds.is_audited = False
    for round_ in range(3):
        job_id = builds.start(path_id=f"path-{round_}")
        builds.fan_out(job_id, 8)
        claimed = builds.claim(job_id)
        together(8, partial(_end_one, builds, claimed))
        assert builds.audit(job_id).finalize_steps == 1
        assert builds.claim_one(job_id, FINALIZE_NO).step.attempt == 1


def test_concurrent_fan_outs_never_let_a_job_finalize_before_their_children(builds: Builds) -> None:
    builds.is_audited = False
    job_id = builds.start()
    builds.fan_out(job_id, 6)
    claimed = builds.claim(job_id)
    together(6, lambda number: builds.end((claimed[number], succeeded(born=children(UNITS, number)))))
    assert builds.steps(job_id, "finalize") == []
    assert len(builds.steps(job_id, "knowledge-units")) == 15
    assert builds.run(job_id, tree()).status is JobStatus.COMPLETED
    builds.audit(job_id)


def test_the_totals_are_final_only_when_no_earlier_step_is_open(builds: Builds) -> None:
    job_id = builds.start()
    assert [stage.is_total_final for stage in builds.job(job_id).stages] == [True, False, False]
    builds.fan_out(job_id, 2)
    assert [stage.is_total_final for stage in builds.job(job_id).stages] == [True, True, False]
    builds.end(*((one, succeeded()) for one in builds.claim(job_id, SUB_CONCEPTS)))
    assert [stage.is_total_final for stage in builds.job(job_id).stages] == [True, True, True]
    assert builds.job(job_id).current_stage == "finalize"


def test_a_running_job_names_its_earliest_open_stage(builds: Builds) -> None:
    job_id = builds.start()
    assert builds.job(job_id).current_stage == "concepts"
    builds.fan_out(job_id, 1)
    assert builds.job(job_id).current_stage == "sub-concepts"
    assert builds.claim_one(job_id, CONCEPTS + 1).step.stage == "sub-concepts"


def _end_one(builds: Builds, claimed: Sequence[ClaimedStep], number: int) -> None:
    builds.end((claimed[number], succeeded()))
