"""How far a job is: honest totals, and a percentage that may be trusted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobcontrol_core.domain.progress import (
    StageCounts,
    StageProgress,
    current_stage_of,
    percent_of,
    project_stages,
)

WEIGHTS = (("concepts", 0.2), ("sub-concepts", 0.3), ("knowledge-units", 0.5))
NOTHING = StageCounts()
DONE_ROOT = StageCounts(total=1, completed=1, items=4)


def project(*counts: StageCounts) -> tuple[StageProgress, ...]:
    return project_stages([(name, weight, of) for (name, weight), of in zip(WEIGHTS, counts, strict=True)])


def test_a_new_job_is_at_0_and_only_its_first_total_is_final() -> None:
    stages = project(StageCounts(total=1), NOTHING, NOTHING)
    assert percent_of(stages) == 0
    assert [stage.is_total_final for stage in stages] == [True, False, False]
    assert current_stage_of(stages) == "concepts"


def test_the_open_steps_of_a_stage_are_what_has_not_ended() -> None:
    counts = StageCounts(total=10, active=2, completed=3, failed=1, skipped=1)
    assert (counts.ended, counts.open, counts.pending) == (5, 5, 3)


def test_a_stage_expects_from_each_parent_to_come_what_it_got_from_each_before() -> None:
    stages = project(DONE_ROOT, StageCounts(total=4, completed=2), StageCounts(total=7))
    assert (stages[2].steps_expected, stages[2].is_total_final) == (14, False)
    assert (stages[1].steps_expected, stages[1].is_total_final) == (4, True)


def test_a_stage_whose_parents_have_all_ended_has_a_final_total() -> None:
    stages = project(DONE_ROOT, StageCounts(total=4, completed=3, failed=1), StageCounts(total=9))
    assert (stages[2].steps_expected, stages[2].is_total_final) == (9, True)


def test_items_are_final_when_no_step_is_to_come() -> None:
    stages = project(DONE_ROOT, StageCounts(total=4, completed=4, items=9), NOTHING)
    assert [(stage.items_expected, stage.are_items_final) for stage in stages] == [(4, True), (9, True), (0, True)]


def test_items_to_come_are_estimated_by_those_that_came() -> None:
    stages = project(DONE_ROOT, StageCounts(total=4, completed=2, items=6), StageCounts(total=6))
    assert (stages[1].items_expected, stages[1].are_items_final) == (12, False)


def test_a_final_stage_without_steps_is_done() -> None:
    stages = project(DONE_ROOT, NOTHING, NOTHING)
    assert [stage.fraction for stage in stages] == [1.0, 1.0, 1.0]
    assert (percent_of(stages), current_stage_of(stages)) == (99, "")


def test_failed_and_skipped_steps_are_over_like_completed_ones() -> None:
    over = StageCounts(total=4, completed=2, failed=1, skipped=1)
    assert percent_of(project(DONE_ROOT, over, StageCounts(total=4, failed=2))) == 20 + 30 + 25


@pytest.mark.parametrize(("completed", "percent"), [(0, 20), (1, 27), (2, 35), (3, 42), (4, 50)])
def test_the_percentage_is_weighted_and_rounded_down(completed: int, percent: int) -> None:
    stages = project(DONE_ROOT, StageCounts(total=4, completed=completed), StageCounts(total=1_000_000))
    assert percent_of(stages) == percent


counts = st.builds(
    lambda completed, failed, skipped, active, pending, items: StageCounts(
        completed + failed + skipped + active + pending, active, completed, failed, skipped, items
    ),
    *([st.integers(0, 1_000)] * 6),
)


@given(st.tuples(counts, counts, counts))
def test_the_percentage_of_an_unfinished_job_is_between_0_and_99(of: tuple[StageCounts, ...]) -> None:
    assert 0 <= percent_of(project(*of)) <= 99


@given(st.tuples(counts, counts, counts))
def test_an_expectation_never_falls_short_of_what_is_there(of: tuple[StageCounts, ...]) -> None:
    stages = project(*of)
    for stage in stages:
        assert stage.steps_expected >= stage.counts.total
        assert stage.items_expected >= stage.counts.items
        assert 0 <= stage.fraction <= 1
        assert stage.is_total_final is (sum(one.counts.open for one in stages[: stages.index(stage)]) == 0)


@given(st.tuples(counts, counts, counts))
def test_totals_once_final_equal_what_is_there(of: tuple[StageCounts, ...]) -> None:
    for stage in project(*of):
        assert not stage.is_total_final or stage.steps_expected == stage.counts.total


@given(counts)
def test_a_lone_stage_never_falls_while_its_steps_end(start: StageCounts) -> None:
    percents = [
        percent_of(project_stages([("only", 1.0, StageCounts(start.total, completed=ended))]))
        for ended in range(start.total + 1)
    ]
    assert percents == sorted(percents)
    assert percents[-1] == 99
