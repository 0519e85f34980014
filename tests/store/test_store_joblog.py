"""A job's log for people: read in pages, either way, of one step, or errors alone."""

import pytest

from jobcontrol_core.domain.loglines import Level, LogLine
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.store import eventlog
from jobcontrol_core.store.eventlog import LogFilter, read_log
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, failed, succeeded


def read_all(builds: Builds, job_id: str, page: int = 1_000, **conditions: object) -> list[LogLine]:
    """All lines, page by page."""
    wanted, after, lines = LogFilter(**conditions), None, []  # type: ignore[arg-type]
    while True:
        found = builds.store.read(read_log, job_id, wanted, after=after, limit=page)
        assert len(found.lines) <= page
        lines += found.lines
        if (after := found.resume_after) is None:
            return lines


def told(lines: list[LogLine]) -> list[tuple[str, str]]:
    return [(line.type, line.message) for line in lines]


@pytest.fixture
def job_id(builds: Builds) -> str:
    """A job of which one step fails for good after it was tried again, and another one is interrupted once."""
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, failed("once")), (second, Interrupted("drain")))
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    builds.end((first, failed("again", is_final=True)), (second, succeeded()))
    builds.run(job_id, tree(0))
    return job_id


def test_a_log_tells_each_fact_once_in_order(builds: Builds, job_id: str) -> None:
    lines = read_all(builds, job_id)
    places = [(line.sequence, line.index) for line in lines]
    assert places == sorted(set(places))
    words = told(lines)
    assert words[0] == ("job.pending", "pending by ada")
    assert words[-1] == ("job.completed", "completed by system")
    assert ("step.retrying", "Child 0 retrying: ValueError: once") in words
    assert ("step.interrupted", "Child 1 interrupted") in words
    assert ("step.failed", "Child 0 failed: ValueError: again") in words


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("page", [1, 2, 5])
def test_pages_of_any_size_make_the_same_list(builds: Builds, job_id: str, page: int, newest_first: bool) -> None:
    whole = read_all(builds, job_id)
    assert read_all(builds, job_id, page, newest_first=newest_first) == (whole[::-1] if newest_first else whole)


def test_a_page_that_ends_with_the_log_says_so(builds: Builds, job_id: str) -> None:
    count = len(read_all(builds, job_id))
    assert builds.store.read(read_log, job_id, LogFilter(), after=None, limit=count).resume_after is None


def test_a_log_is_narrowed_to_one_step_to_errors_and_to_what_followed(builds: Builds, job_id: str) -> None:
    whole = read_all(builds, job_id)
    (error,) = read_all(builds, job_id, errors_only=True)
    assert (error.level, error.stage, error.attempt) == (Level.ERROR, "sub-concepts", 2)
    of_step = read_all(builds, job_id, 1, step_id=error.step_id)
    assert [line.type for line in of_step] == [
        "step.pending", "step.started", "step.retrying", "step.started", "step.failed",
    ]  # fmt: skip
    assert read_all(builds, job_id, after_sequence=error.sequence) == [
        line for line in whole if line.sequence > error.sequence
    ]


@pytest.mark.parametrize("newest_first", [False, True])
def test_a_page_looks_at_so_many_commits_only_and_the_next_one_goes_on(
    builds: Builds, job_id: str, newest_first: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(eventlog, "MOST_LOOKED_AT", 2)
    monkeypatch.setattr(eventlog, "PAGE", 3)
    wanted = LogFilter(errors_only=True, newest_first=newest_first)
    first = builds.store.read(read_log, job_id, wanted, after=None, limit=5)
    assert first.lines == []
    assert first.resume_after is not None
    assert len(read_all(builds, job_id, errors_only=True, newest_first=newest_first)) == 1
