"""How large what is told of a step may be, and how many steps a job may have."""

import json

import pytest
from sqlalchemy import select

from jobcontrol_core.domain.events import MAX_ERROR
from jobcontrol_core.domain.lifecycle import FailureReason, StepStatus
from jobcontrol_core.domain.outcomes import MAX_ERROR_TEXT, Skipped
from jobcontrol_core.domain.values import ErrorInfo
from jobcontrol_core.store import outcomes
from jobcontrol_core.store.lookup import get_step
from jobcontrol_core.store.tables import job_events
from jobcontrol_server.rpc.encoding.steps import to_step
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, UNITS, children, failed, succeeded

LONG = "ü" * MAX_ERROR_TEXT


def test_a_job_has_no_more_steps_than_allowed_and_goes_on_with_those_it_has(
    builds: Builds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outcomes, "MAX_JOB_STEPS", 5)
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    exact, too_many = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((exact, succeeded(born=children(UNITS, 2))))
    builds.end((too_many, succeeded(born=children(UNITS, 1))))
    step = builds.step(too_many)
    assert (step.status, step.failure, step.tries) == (StepStatus.FAILED, FailureReason.BAD_RESULT, 1)
    assert step.error is not None
    assert step.error.message == "with its children the job would have 6 steps; at most 5 are allowed"
    ended = builds.run(job_id, tree())
    assert (ended.status.value, ended.error_count, len(builds.steps(job_id, "knowledge-units"))) == ("COMPLETED", 1, 2)


def test_the_steps_of_one_transaction_count_together(builds: Builds, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outcomes, "MAX_JOB_STEPS", 6)
    job_id = builds.start()
    builds.fan_out(job_id, 3)
    running = builds.claim(job_id, SUB_CONCEPTS)
    builds.end(*((one, succeeded(born=children(UNITS, 1))) for one in running))
    statuses = sorted(builds.step(one).status.value for one in running)
    assert statuses == ["COMPLETED", "COMPLETED", "FAILED"]


def test_an_error_is_kept_to_its_limit_and_told_in_short(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    builds.end((root, failed(error=ErrorInfo("ValueError", LONG, LONG), is_final=True)))
    detail = builds.store.read(get_step, root.step.job_id, root.step.id)
    (attempt,) = detail.attempts
    assert attempt.error is not None
    assert detail.step.error is not None
    for kept in (attempt.error.message, attempt.error.traceback, detail.step.error.message):
        assert MAX_ERROR_TEXT - 8 <= len(kept.encode()) <= MAX_ERROR_TEXT
    payloads = builds.store.read(lambda tx: tx.execute(select(job_events.c.payload)).scalars().all())
    told = [
        step["error"][1] for payload in payloads for step in json.loads(payload).get("steps", ()) if "error" in step
    ]
    assert told
    assert max(len(message.encode()) for message in told) <= MAX_ERROR


@pytest.mark.parametrize("status", ["FAILED", "SKIPPED"])
def test_lists_of_steps_tell_errors_and_reasons_in_short(builds: Builds, status: str) -> None:
    root = builds.claim_one(builds.start())
    builds.end((root, Skipped(LONG) if status == "SKIPPED" else failed(LONG, is_final=True)))
    told = to_step(builds.step(root))
    assert len(told.skip_reason.encode() or told.error.message.encode()) in range(MAX_ERROR - 8, MAX_ERROR + 1)
    whole = to_step(builds.step(root), error_bytes=1 << 20)
    assert len(whole.skip_reason.encode() or whole.error.message.encode()) > MAX_ERROR
