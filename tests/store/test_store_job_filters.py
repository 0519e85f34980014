"""Which jobs a filter finds, on either database."""

from datetime import timedelta

import pytest

from jobcontrol_core.domain.comparisons import parse_filter
from jobcontrol_core.domain.lifecycle import JobStatus
from jobcontrol_core.store.jobfilters import JobFilter
from jobcontrol_core.store.lookup import count_jobs, list_jobs
from store.builds import Builds, tree
from store.factories import SUB_CONCEPTS, TENANT, failed


def found(builds: Builds, wanted: JobFilter) -> set[str]:
    """The paths of what a filter finds, as it is listed and as it is counted."""
    listed = builds.store.read(list_jobs, TENANT, wanted, after=None, limit=100)
    assert builds.store.read(count_jobs, TENANT, wanted, most=100) == len(listed)
    return {job.path_id for job in listed}


@pytest.fixture
def jobs(builds: Builds) -> dict[str, str]:
    """A completed job, a failed one, a partial one and one that waits, by path."""
    ids = {
        "done": builds.start(path_id="done", title="All of 100% Rust", labels={"team": "red", "a.b-c_d": "x"}),
        "broken": builds.start(path_id="broken", title="", labels={"team": "blue"}, priority=3),
        "partial": builds.start(path_id="partial", title=""),
        "waiting": builds.start(path_id="waiting", title="", priority=9, triggered_by="bob"),
    }
    builds.run(ids["done"], tree())
    builds.end((builds.claim_one(ids["broken"]), failed("quota of 3 used up", is_final=True)))
    builds.fan_out(ids["partial"], 2)
    builds.end((builds.claim_one(ids["partial"], SUB_CONCEPTS), failed("no_words at 50%", is_final=True)))
    builds.run(ids["partial"], tree())
    return ids


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ("status = failed", {"broken"}),
        ("status != failed AND status != completed", {"waiting"}),
        ("path_id = done", {"done"}),
        ("pipeline = other", set()),
        ("triggered_by = bob", {"waiting"}),
        ("priority >= 3 AND priority < 9", {"broken"}),
        ("error_count > 0", {"broken", "partial"}),
        ("labels.team = red", {"done"}),
        ("labels.team != red", {"broken", "partial", "waiting"}),
        ("labels:team", {"done", "broken"}),
        ("labels.a.b-c_d = x", {"done"}),
        ("created_at < 2020-01-01", set()),
        ("created_at > 2020-01-01T00:00:00Z AND completed_at > 2020-01-01", {"done", "broken", "partial"}),
        ("completed_at != 2020-01-01", {"done", "broken", "partial", "waiting"}),
    ],
)
def test_comparisons_hold_together(builds: Builds, jobs: dict[str, str], text: str, paths: set[str]) -> None:
    assert found(builds, JobFilter(comparisons=parse_filter(text))) == paths


@pytest.mark.parametrize(
    ("words", "paths"),
    [
        ("RUST", {"done"}),
        ("rust 100%", {"done"}),
        ("rust broken", set()),
        ("quota", {"broken"}),
        ("valueerror", {"broken", "partial"}),
        ("no_words", {"partial"}),
        ("no%words", set()),
        ("noxwords", set()),
    ],
)
def test_all_words_occur_somewhere(builds: Builds, jobs: dict[str, str], words: str, paths: set[str]) -> None:
    assert found(builds, JobFilter(words=tuple(words.split()))) == paths


def test_a_word_may_be_an_id_or_a_part_of_one(builds: Builds, jobs: dict[str, str]) -> None:
    assert found(builds, JobFilter(words=(jobs["done"][-8:].upper(),))) == {"done"}


def test_labels_times_and_priority_hold_together(builds: Builds, jobs: dict[str, str]) -> None:
    created = builds.job(jobs["broken"]).created_at
    assert found(builds, JobFilter(labels={"team": "red", "a.b-c_d": "x"})) == {"done"}
    assert found(builds, JobFilter(labels={"team": "red", "gone": ""})) == set()
    assert found(builds, JobFilter(since=created, until=created + timedelta(microseconds=1))) >= {"broken"}
    assert "broken" not in found(builds, JobFilter(until=created))
    assert found(builds, JobFilter(min_priority=4)) == {"waiting"}
    assert found(builds, JobFilter(statuses=(JobStatus.COMPLETED,), has_failed_steps=True)) == {"partial"}


def test_a_count_ends_where_it_is_told_to(builds: Builds, jobs: dict[str, str]) -> None:
    assert builds.store.read(count_jobs, TENANT, JobFilter(), most=3) == 3
    assert builds.store.read(count_jobs, "other", JobFilter(), most=3) == 0
