"""How many failed steps a stage's job can bear."""

import pytest

from jobcontrol_core.domain.progress import StageCounts
from jobcontrol_core.domain.tolerance import CONTINUE, FAIL_FAST, exceeds_tolerance


@pytest.mark.parametrize(
    ("failed", "share", "is_exceeded"),
    [(0, FAIL_FAST, False), (1, FAIL_FAST, True), (10, 0.1, False), (11, 0.1, True), (29, 0.29, False),
     (30, 0.29, True), (99, 0.99, False), (100, 0.99, True), (100, CONTINUE, False)],
)  # fmt: skip
def test_more_than_the_share_of_a_hundred_is_too_many(failed: int, share: float, is_exceeded: bool) -> None:
    counts = StageCounts(total=100, completed=100 - failed, failed=failed)
    assert exceeds_tolerance(counts, share, is_total_final=True) is is_exceeded


def test_while_more_steps_may_be_born_a_share_is_not_yet_exceeded() -> None:
    counts = StageCounts(total=4, failed=3)
    assert not exceeds_tolerance(counts, 0.5, is_total_final=False)
    assert exceeds_tolerance(counts, 0.5, is_total_final=True)


def test_of_none_one_is_too_many_however_many_are_to_come() -> None:
    assert exceeds_tolerance(StageCounts(total=4, failed=1), FAIL_FAST, is_total_final=False)


def test_skipped_steps_have_not_failed() -> None:
    assert not exceeds_tolerance(StageCounts(total=4, skipped=3, failed=1), 0.25, is_total_final=True)
