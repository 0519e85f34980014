"""Dead letters and the groups of their errors, as they are listed."""

from datetime import timedelta
from typing import Any

import pytest

from jobcontrol_core.store.letters import (
    DeadLetter,
    ErrorGroup,
    GroupCursor,
    LetterCursor,
    LetterFilter,
    list_error_groups,
    list_letters,
)
from store.builds import Builds
from store.burying import bury, letters
from store.factories import SUB_CONCEPTS, TENANT, failed


def groups(builds: Builds, tenant: str = TENANT, **conditions: Any) -> list[ErrorGroup]:
    return builds.store.read(list_error_groups, tenant, LetterFilter(**conditions), after=None, limit=100)


def messages(found: list[DeadLetter]) -> list[str]:
    return [letter.step.error.message for letter in found if letter.step.error]


def test_letters_are_listed_newest_first_with_their_steps(builds: Builds) -> None:
    job_id = bury(builds, "a", "first", "second")
    found = letters(builds)
    assert messages(found) == ["second", "first"]
    assert {(letter.step.job_id, letter.step.stage, letter.queue) for letter in found} == {
        (job_id, "sub-concepts", "learning-path-sub-concepts")
    }


def test_letters_are_listed_page_by_page(builds: Builds) -> None:
    bury(builds, "a", *(f"no {word}" for word in ("fish", "meat", "milk")))
    whole, after, paged = letters(builds), None, list[DeadLetter]()
    while page := builds.store.read(list_letters, TENANT, LetterFilter(), after=after, limit=2):
        paged += page
        after = LetterCursor(page[-1].created_at, page[-1].id)
    assert paged == whole


def test_letters_are_listed_by_job_queue_fingerprint_and_span(builds: Builds) -> None:
    job_id = bury(builds, "a", "out of memory")
    bury(builds, "b", "no answer")
    newest, oldest = letters(builds)
    assert messages(letters(builds, job_id=job_id)) == ["out of memory"]
    assert messages(letters(builds, fingerprint=newest.fingerprint)) == ["no answer"]
    assert letters(builds, queue="other") == []
    assert letters(builds, since=oldest.created_at, until=newest.created_at) == [oldest]
    assert letters(builds, since=newest.created_at + timedelta(microseconds=1)) == []


def test_the_letters_of_another_tenant_are_not_seen(builds: Builds) -> None:
    bury(builds, "a", "first")
    assert letters(builds, tenant="somebody else") == []
    assert groups(builds, tenant="somebody else") == []


def test_errors_that_differ_in_numbers_are_one_group_told_by_its_newest(builds: Builds) -> None:
    bury(builds, "a", "quota of 10 used up", "no answer", "quota of 2500 used up")
    bury(builds, "b", "quota of 7 used up")
    quota, answer = groups(builds)
    assert (quota.type, quota.message, quota.steps, quota.jobs) == ("ValueError", "quota of 7 used up", 3, 2)
    assert (answer.message, answer.steps, answer.jobs) == ("no answer", 1, 1)
    assert quota.first_seen_at < quota.last_seen_at
    assert len(letters(builds, fingerprint=quota.fingerprint)) == quota.steps


def test_groups_of_one_size_are_paged_without_loss(builds: Builds) -> None:
    job_id = bury(builds, "a", "no fish", "no meat", "no milk", "no milk")
    whole, after, paged = groups(builds, job_id=job_id), None, list[ErrorGroup]()
    while page := builds.store.read(list_error_groups, TENANT, LetterFilter(job_id=job_id), after=after, limit=1):
        paged += page
        after = GroupCursor(page[-1].steps, page[-1].fingerprint)
    assert paged == whole
    assert [group.steps for group in paged] == [2, 1, 1]


@pytest.mark.parametrize("is_final", [True, False])
def test_a_step_that_is_tried_again_is_no_letter(builds: Builds, is_final: bool) -> None:
    job_id = builds.start()
    builds.fan_out(job_id, 2)
    builds.end((builds.claim_one(job_id, SUB_CONCEPTS), failed("once", is_final=is_final)))
    assert len(letters(builds)) == is_final
