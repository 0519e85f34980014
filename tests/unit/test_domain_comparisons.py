"""The language of job filters: what it reads, and what it says to whoever wrote something else."""

from datetime import UTC, datetime

import pytest

from jobcontrol_core.domain.comparisons import Comparison, parse_filter
from jobcontrol_core.domain.lifecycle import JobStatus

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ()),
        ("  \t", ()),
        ("status = failed", (Comparison("status", "=", JobStatus.FAILED),)),
        ("status!=JOB_STATUS_PAUSED", (Comparison("status", "!=", JobStatus.PAUSED),)),
        ("path_id=rust-101", (Comparison("path_id", "=", "rust-101"),)),
        (r'path_id = "a \"b\" \\ AND c"', (Comparison("path_id", "=", r'a "b" \ AND c'),)),
        ("error_count>=3", (Comparison("error_count", ">=", 3),)),
        ("priority < -1", (Comparison("priority", "<", -1),)),
        ("created_at >= 2026-05-01", (Comparison("created_at", ">=", datetime(2026, 5, 1, tzinfo=UTC)),)),
        ("created_at > 2026-05-01T12:00:00Z", (Comparison("created_at", ">", NOON),)),
        ("completed_at <= 2026-05-01T14:00:00+02:00", (Comparison("completed_at", "<=", NOON),)),
        ("labels.team.lead = red", (Comparison("labels", "=", "red", "team.lead"),)),
        ("labels.team != blue", (Comparison("labels", "!=", "blue", "team"),)),
        ("labels:team", (Comparison("labels", ":", None, "team"),)),
        (
            "status = failed  AND\tpath_id = x ",
            (Comparison("status", "=", JobStatus.FAILED), Comparison("path_id", "=", "x")),
        ),
        ("path_id = AND AND pipeline = p", (Comparison("path_id", "=", "AND"), Comparison("pipeline", "=", "p"))),
    ],
)
def test_a_filter_means_what_it_says(text: str, meant: tuple[Comparison, ...]) -> None:
    assert parse_filter(text) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("failed", "expected FIELD OPERATOR VALUE at failed"),
        ("NOT status = failed", "expected FIELD OPERATOR VALUE at NOT status"),
        ("(status = failed)", "expected FIELD OPERATOR VALUE at ("),
        ("status = failed OR status = paused", "expected AND at OR status"),
        ("status = failed status = paused", "expected AND at status"),
        ("status = failed AND", "expected AND at AND"),
        ("status = failed and path_id = x", "expected AND at and"),
        ("status =", "expected FIELD OPERATOR VALUE at status ="),
        ('path_id = "open', 'expected FIELD OPERATOR VALUE at path_id = "open'),
        ("colour = red", "colour is none of status, path_id"),
        ("status.x = failed", "status is none of"),
        ("status < failed", "not with <"),
        ("path_id : x", "not with :"),
        ("status = gone", "one of pending, processing"),
        ("priority = high", "a whole number, not with high"),
        ("priority = 99999999999", "a whole number"),
        ("error_count = 2147483648", "a whole number"),
        ("priority = ٣", "a whole number"),
        ("created_at > yesterday", "a date, or a time"),
        ("created_at > 2026-05-01T12:00:00", "a date, or a time"),
        ("created_at > 2026-02-30", "a date, or a time"),
        ("created_at > 0001-01-01T00:00:00+14:00", "a date, or a time"),
        ("labels = red", "labels.KEY = VALUE"),
        ("labels.team > red", "labels.KEY = VALUE"),
        ("labels.team:red", "labels.KEY = VALUE"),
        ("labels:Team", "labels.KEY = VALUE"),
        ("path_id = \0", "NUL"),
    ],
)
def test_whoever_writes_something_else_is_told_what_is_meant(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=r".") as refusal:
        parse_filter(text)
    assert told in str(refusal.value)
