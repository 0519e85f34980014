"""Handlers that end their process or never let go of it, each beside fifty good ones in one build."""

import os
import signal
from pathlib import Path

import pytest

from jobcontrol_core.domain.lifecycle import FailureReason, JobStatus, StepStatus
from jobcontrol_core.domain.values import Step
from workers import misbehaving
from workers.misbehaving import BAD, GOOD, GREEDY_BYTES
from workers.site import Site

SQLITE, POSTGRES = "sqlite_store_url", "postgres_store_url"


@pytest.fixture
def store_url(request: pytest.FixtureRequest) -> str:
    """SQLite, unless a test says otherwise."""
    url: str = request.getfixturevalue(getattr(request, "param", SQLITE))
    return url


def failed_alone(site: Site, how: str) -> Step:
    """The bad step of a build that has ended with fifty good outputs, each of them the effect of one attempt."""
    site.supervise("workers.misbehaving:pipeline", processes=2)
    with site.floor.dispatcher():
        job_id = site.floor.start(misbehaving.pipeline, directory=str(site.directory.path), how=how)
        site.wait(lambda: has_ended(site, job_id), "the build has ended", timeout=60)
    job = site.floor.job(job_id)
    assert (job.status, job.error_count) == (JobStatus.COMPLETED, 1)
    good = [step for step in site.floor.steps(job_id, "work") if step.key != BAD]
    assert site.floor.result(job_id) == [step.key for step in good]
    assert [(step.status, step.tries) for step in good] == [(StepStatus.COMPLETED, 0)] * GOOD
    assert site.floor.dead_letters(job_id) == [BAD]
    return site.floor.step(job_id, BAD)


def has_ended(site: Site, job_id: str) -> bool:
    kill_the_greedy(site)
    return site.floor.job(job_id).status.has_ended


def kill_the_greedy(site: Site) -> None:
    """What the kernel does when memory runs out, before it does: the process that holds the most is killed."""
    for pid in site.children():
        held = Path(f"/proc/{pid}/statm").read_text().split()[1]
        if int(held) * os.sysconf("SC_PAGESIZE") > GREEDY_BYTES:
            os.kill(pid, signal.SIGKILL)


def assert_in_order(site: Site) -> None:
    """Two ordinary processes are there in the end, and none after it."""
    site.wait(lambda: len(site.children()) == 2, "the lone process has ended, the others have been replaced")
    assert site.end() == 0
    assert not site.left()


@pytest.mark.parametrize(
    ("store_url", "how", "end"),
    [
        (SQLITE, "segfaults", "killed by SIGSEGV"),
        (POSTGRES, "segfaults", "killed by SIGSEGV"),
        (SQLITE, "exits", "exit code 7"),
        (SQLITE, "exits as if all were well", "exit code 0"),
        (SQLITE, "allocates until it is killed", "killed by SIGKILL"),
    ],
    indirect=["store_url"],
)
async def test_a_step_that_ends_its_process_is_poisoned_in_three_runs_and_harms_no_other(
    site: Site, how: str, end: str
) -> None:
    bad = failed_alone(site, how)
    assert (bad.status, bad.failure, bad.tries) == (StepStatus.FAILED, FailureReason.POISONED, 0)
    attempts = site.floor.attempts(bad.job_id, BAD)
    told = [(one.number, one.outcome, one.error and one.error.message, one.used_a_try) for one in attempts]
    assert told[:2] == [(1, "CRASHED", end, False), (2, "CRASHED", end, False)]
    assert bad.error is not None
    assert end in bad.error.message
    runs = [one for one in site.begun() if one.key == BAD]
    assert len(runs) == 3
    assert_in_order(site)


async def test_a_step_that_hangs_and_cannot_be_interrupted_has_timed_out_and_its_neighbours_never_notice(
    site: Site,
) -> None:
    bad = failed_alone(site, "hangs in C and swallows every exception")
    assert (bad.status, bad.failure, bad.tries) == (StepStatus.FAILED, FailureReason.TIMED_OUT, 1)
    assert {one.attempt for one in site.begun()} == {1}
    assert_in_order(site)


async def test_a_step_that_spins_and_holds_the_interpreter_is_found_among_its_neighbours_and_has_timed_out(
    site: Site,
) -> None:
    """From outside they all look late; alone, the guilty one is the only one that does."""
    bad = failed_alone(site, "spins and holds the interpreter")
    assert (bad.status, bad.failure, bad.tries) == (StepStatus.FAILED, FailureReason.TIMED_OUT, 1)
    first, *_ = site.floor.attempts(bad.job_id, BAD)
    assert first.error is not None
    assert (first.outcome, first.error.message) == ("CRASHED", "killed by SIGKILL, because it hung")
    assert len([one for one in site.begun() if one.key == BAD]) == 2
    assert_in_order(site)
