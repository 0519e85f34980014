"""A job's log for people: read in pages, either way, of one step, or errors alone."""

import pytest

from jobcontrol_core.domain.loglines import Level, LogLine
from jobcontrol_core.domain.outcomes import Interrupted
from jobcontrol_core.domain.reports import Line
from jobcontrol_core.domain.values import ClaimedStep
from jobcontrol_core.store import eventlog
from jobcontrol_core.store.eventlog import LogFilter, read_log
from jobcontrol_core.store.exchange import exchange
from store.builds import Builds, outcome_of, tree
from store.factories import SUB_CONCEPTS, failed, report_of, succeeded


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


def _tell(builds: Builds, claimed: ClaimedStep, *texts: str, first: int = 1) -> None:
    lines = tuple(Line(number, text) for number, text in enumerate(texts, first))
    builds.store.write(exchange, builds.session, [], [], [report_of(claimed, lines=lines)])
    builds.audit(claimed.step.job_id)


@pytest.fixture
def talking(builds: Builds) -> str:
    """A job of which two steps log, in several commits and with their end."""
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    first, second = builds.claim(job_id, SUB_CONCEPTS)
    _tell(builds, first, "looking", "found")
    _tell(builds, second, "hm")
    last_words = report_of(first, lines=(Line(3, "done"),))
    builds.store.write(exchange, builds.session, [outcome_of(first, succeeded())], [], [last_words])
    builds.end((second, failed(is_final=True)))
    builds.run(job_id, tree(0))
    return job_id


def test_what_handlers_log_stands_where_it_was_said(builds: Builds, talking: str) -> None:
    lines = read_all(builds, talking)
    places = [(line.sequence, line.index) for line in lines]
    assert places == sorted(set(places))
    words = told(lines)
    of_first = [message for _, message in words if message in ("looking", "found", "done", "Child 0 completed")]
    assert of_first == ["looking", "found", "done", "Child 0 completed"]
    logged = [(line.level, line.stage, line.attempt) for line in lines if line.type == "step.log"]
    assert logged == [(Level.INFO, "sub-concepts", 1)] * 4


@pytest.mark.parametrize("newest_first", [False, True])
@pytest.mark.parametrize("page", [1, 2, 3])
def test_pages_with_logged_lines_make_the_same_list(
    builds: Builds, talking: str, page: int, newest_first: bool
) -> None:
    whole = read_all(builds, talking)
    assert read_all(builds, talking, page, newest_first=newest_first) == (whole[::-1] if newest_first else whole)


def test_logged_lines_are_found_by_their_step_and_are_no_errors(builds: Builds, talking: str) -> None:
    (hm,) = [line for line in read_all(builds, talking) if line.message == "hm"]
    of_second = read_all(builds, talking, step_id=hm.step_id)
    assert [line.message for line in of_second if line.type == "step.log"] == ["hm"]
    assert {line.type for line in read_all(builds, talking, errors_only=True)} == {"step.failed"}
    after = read_all(builds, talking, after_sequence=hm.sequence)
    assert [line.message for line in after if line.type == "step.log"] == ["done"]


def test_a_line_that_is_told_again_is_logged_once(builds: Builds) -> None:
    """As after a commit whose answer was lost."""
    root = builds.claim_one(builds.start())
    _tell(builds, root, "one", "two")
    _tell(builds, root, "one", "two")
    _tell(builds, root, "two", "three", first=2)
    logged = [line.message for line in read_all(builds, root.step.job_id) if line.type == "step.log"]
    assert logged == ["one", "two", "three"]


def test_what_is_logged_tells_watchers_that_there_is_something_to_read(builds: Builds) -> None:
    root = builds.claim_one(builds.start())
    before = builds.job(root.step.job_id).last_sequence
    _tell(builds, root, "one")
    assert builds.job(root.step.job_id).last_sequence == before + 1
    _tell(builds, root, "one")
    assert builds.job(root.step.job_id).last_sequence == before + 1
