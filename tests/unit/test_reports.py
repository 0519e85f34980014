"""When what handlers tell is due: at most once a second for each step, a checkpoint at once."""

from typing import Any

import pytest

from jobcontrol_core.domain.outcomes import BadResult
from jobcontrol_core.domain.reports import MAX_LINES, Line, Progress, StepReport
from jobcontrol_workers.context import StepContext
from jobcontrol_workers.reports import INTERVAL, LINGER, Reports
from unit.attempts import MIDDLE, build, claimed, registry


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports(clock: Clock) -> Reports:
    return Reports(clock)


def told(step_id: str = "a", attempt: int = 1, **what: Any) -> StepReport:
    return StepReport("job", step_id, attempt, **what)


def noted(note: str, step_id: str = "a") -> StepReport:
    return told(step_id, progress=Progress(None, note))


def test_nothing_held_is_never_due(reports: Reports) -> None:
    assert reports.seconds_to_due() is None
    assert reports.take(()) == []


def test_the_first_note_of_a_step_waits_a_moment(reports: Reports, clock: Clock) -> None:
    reports.add(noted("one"))
    assert reports.take(()) == []
    assert reports.seconds_to_due() == pytest.approx(LINGER)
    clock.now += LINGER
    assert reports.seconds_to_due() == 0.0
    assert reports.take(()) == [noted("one")]


def test_of_the_notes_of_one_second_the_last_is_taken(reports: Reports, clock: Clock) -> None:
    reports.add(noted("one"))
    clock.now += LINGER
    reports.take(())
    for note in ("two", "three"):
        clock.now += INTERVAL / 4
        reports.add(noted(note))
        assert reports.take(()) == []
    clock.now += INTERVAL / 2
    assert reports.take(()) == [noted("three")]


def test_steps_do_not_wait_for_each_other(reports: Reports, clock: Clock) -> None:
    reports.add(noted("one"))
    clock.now += LINGER
    reports.take(())
    reports.add(noted("two"))
    reports.add(noted("other", "b"))
    clock.now += LINGER
    assert reports.take(()) == [noted("other", "b")]


def test_an_ending_attempt_tells_the_rest_at_once(reports: Reports) -> None:
    reports.add(noted("one"))
    reports.add(noted("other", "b"))
    assert reports.take({("a", 1)}) == [noted("one")]


def test_a_checkpoint_is_due_at_once_and_takes_along_what_waits(reports: Reports) -> None:
    reports.add(noted("one"))
    reports.add(told(checkpoint="1"))
    assert reports.seconds_to_due() == 0.0
    assert reports.take(()) == [told(progress=Progress(None, "one"), checkpoint="1")]


def test_what_could_not_be_written_comes_before_what_was_told_since(reports: Reports) -> None:
    reports.add(told(lines=(Line(1, "first"),), checkpoint="1"))
    taken = reports.take(())
    reports.add(told(lines=(Line(2, "second"),)))
    reports.put_back(taken)
    assert reports.take(()) == [told(lines=(Line(1, "first"), Line(2, "second")), checkpoint="1")]


@pytest.fixture
def heard() -> list[StepReport]:
    return []


@pytest.fixture
def context(heard: list[StepReport]) -> StepContext:
    return StepContext(build(registry()), claimed(MIDDLE), None, heard.append)


@pytest.mark.parametrize(("given", "kept"), [(0.4, 0.4), (-1, 0.0), (7, 1.0), (None, None)])
def test_a_fraction_is_kept_from_0_to_1(
    context: StepContext, heard: list[StepReport], given: float | None, kept: float | None
) -> None:
    context.progress(given, "so far")
    assert heard[0].progress == Progress(kept, "so far")


def test_a_fraction_that_is_no_number_is_the_handlers_mistake(context: StepContext) -> None:
    with pytest.raises(ValueError, match="0 to 1"):
        context.progress(float("nan"))


def test_texts_are_cut_to_what_is_kept(context: StepContext, heard: list[StepReport]) -> None:
    context.progress(None, "n" * 5_000 + "\x00end")
    context.log("l" * 5_000 + "end")
    progress, (line,) = heard[0].progress, heard[1].lines
    assert progress is not None
    assert progress.note.endswith("\N{REPLACEMENT CHARACTER}end")
    assert (len(progress.note.encode()), len(line.message.encode())) <= (512, 2_048)


def test_an_attempt_that_logs_without_end_keeps_so_many_lines(context: StepContext, heard: list[StepReport]) -> None:
    for number in range(MAX_LINES + 50):
        context.log(f"line {number}")
    assert [report.lines[0].number for report in heard] == list(range(1, MAX_LINES + 1))
    assert "1,000 lines" in heard[-1].lines[0].message


def test_a_checkpoint_is_read_as_it_was_made(context: StepContext) -> None:
    assert context.last_checkpoint is None
    context.checkpoint({"page": 3})
    assert context.last_checkpoint == {"page": 3}


@pytest.mark.parametrize("value", [object(), "x" * (300 << 10)], ids=["no JSON", "too large"])
def test_a_checkpoint_that_cannot_be_kept_is_refused(context: StepContext, value: Any) -> None:
    with pytest.raises(BadResult, match="the checkpoint"):
        context.checkpoint(value)
