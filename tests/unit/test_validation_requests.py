"""Requests: every violation is told at once, by field; what is not served yet is refused by name."""

from __future__ import annotations

import math

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2

from jobcontrol import v1 as pb
from jobcontrol_core.domain.errors import Violation
from jobcontrol_server.rpc.validation import not_yet, violations

JOB = "0199a2b4-7c1e-7def-8a01-23456789abcd"


def test_a_good_request_has_no_violation() -> None:
    request = pb.StartBuildRequest(
        path_id="rust-101",
        title="Rust — das Buch",
        pipeline="learning-path",
        parameters=Struct(fields={"depth": Value(number_value=3)}),
        document=pb.Document(content=b"# Title", media_type="text/markdown", file_name="rust.md"),
        labels={"team": "red", "a.b-c_d": ""},
        conflict_policy=pb.CONFLICT_POLICY_USE_EXISTING,
        request_id="9f1c:a.b_c-D",
    )
    assert violations(request) == []
    assert not_yet(request) is None


def test_an_empty_request_lacks_what_is_required() -> None:
    assert violations(pb.StartBuildRequest()) == [Violation("path_id", "is required")]
    assert violations(pb.GetStepRequest()) == [Violation("job_id", "is required"), Violation("step_id", "is required")]


def test_all_violations_are_told_at_once_in_the_order_of_the_contract() -> None:
    request = pb.StartBuildRequest(
        title="a\nb", pipeline="Learning Path", priority=10, request_id="a b", document=pb.Document()
    )
    assert fields(request) == ["path_id", "title", "pipeline", "priority", "request_id", "document.content"]


@pytest.mark.parametrize("path_id", ["x", "x" * 128, "学習/パス", "a b"])
def test_a_path_id_is_any_text_of_a_line(path_id: str) -> None:
    assert violations(pb.StartBuildRequest(path_id=path_id)) == []


@pytest.mark.parametrize("path_id", ["x" * 129, "a\x00b", "a\nb", "a\x85b", "  ", "\u3000"])
def test_a_path_id_that_is_long_or_blank_or_holds_controls_is_refused(path_id: str) -> None:
    assert fields(pb.StartBuildRequest(path_id=path_id)) == ["path_id"]


@pytest.mark.parametrize("job_id", [JOB, JOB[-8:], JOB[-4:], "zzzz"])
def test_an_id_may_be_an_ending_of_four_characters(job_id: str) -> None:
    assert violations(pb.GetJobRequest(job_id=job_id)) == []


@pytest.mark.parametrize("job_id", ["abc", "ABCD", "a/bc", "a" * 64, "abc ", "abcd\n"])
def test_an_id_of_another_shape_is_refused(job_id: str) -> None:
    assert violations(pb.GetJobRequest(job_id=job_id)) == [
        Violation("job_id", "must be 4 to 63 characters of [a-z0-9-]")
    ]


def test_a_reason_may_have_lines_but_no_other_controls() -> None:
    assert violations(pb.CancelRequest(job_id=JOB, reason="too slow:\r\n\t- again")) == []
    assert fields(pb.CancelRequest(job_id=JOB, reason="\x1b[31m")) == ["reason"]
    assert fields(pb.CancelRequest(job_id=JOB, reason="x" * 513)) == ["reason"]


@pytest.mark.parametrize(
    ("labels", "places"),
    [
        ({"Team": "red"}, ["labels[Team]"]),
        ({"": "red"}, ["labels[]"]),
        ({"team": "é" * 65}, ["labels[team]"]),
        ({"team": "a\tb"}, ["labels[team]"]),
        ({f"k{number}": "" for number in range(33)}, ["labels"]),
        ({"x" * 5_000: ""}, [f"labels[{'x' * 64}…]"]),
    ],
)
def test_labels_that_cannot_be_filtered_by_are_refused(labels: dict[str, str], places: list[str]) -> None:
    assert fields(pb.StartBuildRequest(path_id="x", labels=labels)) == places


def test_many_faults_of_one_field_are_counted_after_the_first_five() -> None:
    request = pb.StartBuildRequest(path_id="x", labels={f"K{number}": "" for number in range(30)})
    found = violations(request)
    assert len(found) == 6
    assert found[-1] == Violation("labels", "and 25 more like these")


def test_the_worst_request_has_violations_that_fit_into_the_trailers_of_an_answer() -> None:
    wide = "\N{GRINNING FACE}" * 200
    deep = Value(struct_value=Struct(fields={wide: Value()}))
    for _ in range(10):
        deep = Value(struct_value=Struct(fields={wide: deep}))
    request = pb.StartBuildRequest(
        path_id="\0" * 200,
        title="\0" * 300,
        pipeline="\0",
        parameters=Struct(fields={wide + str(number): deep for number in range(20)}),
        document=pb.Document(content=b"\xff", media_type="text/\0" * 200, file_name="\0" * 300, sample=True),
        labels={wide + str(number): wide + "\0" for number in range(40)},
        request_id="\0",
    )
    told = bad_request(violations(request))
    assert len(told.field_violations) > 15
    assert told.ByteSize() < 8 << 10


def test_statuses_to_look_for_are_known_and_not_unspecified() -> None:
    request = pb.ListJobsRequest(status=[pb.JOB_STATUS_FAILED, pb.JOB_STATUS_UNSPECIFIED, 99])  # type: ignore[list-item]
    assert violations(request) == [
        Violation("status[1]", "UNSPECIFIED is no JobStatus to look for"),
        Violation("status[2]", "99 is no JobStatus to look for"),
    ]
    assert fields(pb.ListStepsRequest(job_id=JOB, status=[pb.STEP_STATUS_FAILED] * 17)) == ["status"]


def test_an_enum_value_from_the_future_is_refused() -> None:
    request = pb.StartBuildRequest(path_id="x")
    request.conflict_policy = 9  # type: ignore[assignment]
    assert violations(request) == [Violation("conflict_policy", "9 is no ConflictPolicy")]


def test_a_limit_is_another_name_of_page_size() -> None:
    assert violations(pb.ListJobsRequest(limit=5)) == []
    assert violations(pb.ListJobsRequest(limit=5, page_size=5)) == []
    assert fields(pb.ListJobsRequest(limit=5, page_size=6)) == ["limit"]
    assert fields(pb.ListJobsRequest(limit=-1, page_size=-1)) == ["page_size", "limit"]


@pytest.mark.parametrize("position", [0, 1, 2**63 - 1])
def test_a_watch_may_start_at_any_position(position: int) -> None:
    assert violations(pb.WatchProgressRequest(job_id=JOB, after_sequence=position)) == []


def test_a_watch_does_not_start_before_the_first_commit() -> None:
    assert violations(pb.WatchProgressRequest(job_id=JOB, after_sequence=-1)) == [
        Violation("after_sequence", "must not be negative")
    ]


@pytest.mark.parametrize(
    ("interval", "is_fine"),
    [
        (Duration(seconds=0), True),
        (Duration(nanos=1), True),
        (Duration(seconds=3600), True),
        (Duration(seconds=-1), False),
        (Duration(nanos=-1), False),
        (Duration(seconds=1, nanos=-1), False),
        (Duration(nanos=1_000_000_000), False),
        (Duration(seconds=2**62), False),
    ],
)
def test_a_heartbeat_interval_is_a_duration_that_is_not_negative(interval: Duration, is_fine: bool) -> None:
    assert (violations(pb.WatchProgressRequest(job_id=JOB, heartbeat_interval=interval)) == []) is is_fine


@pytest.mark.parametrize(
    ("timeout", "is_fine"),
    [
        (Duration(seconds=1), True),
        (Duration(seconds=7 * 86_400), True),
        (Duration(nanos=999_999_999), False),
        (Duration(seconds=7 * 86_400, nanos=1), False),
    ],
)
def test_a_timeout_has_two_bounds_to_the_nanosecond(timeout: Duration, is_fine: bool) -> None:
    assert (violations(pb.StartBuildRequest(path_id="x", timeout=timeout)) == []) is is_fine


@pytest.mark.parametrize(
    ("policy", "places"),
    [
        (pb.RetryPolicy(), []),
        (pb.RetryPolicy(max_attempts=20, multiplier=1.0), []),
        (pb.RetryPolicy(max_attempts=21, multiplier=0.5), ["max_attempts", "multiplier"]),
        (pb.RetryPolicy(multiplier=math.nan), ["multiplier"]),
        (pb.RetryPolicy(multiplier=math.inf), ["multiplier"]),
        (pb.RetryPolicy(initial_backoff=Duration(seconds=9), max_backoff=Duration(seconds=8)), ["max_backoff"]),
        (pb.RetryPolicy(initial_backoff=Duration(seconds=3601)), ["initial_backoff"]),
    ],
)
def test_the_fields_of_a_message_within_are_checked_by_their_full_path(
    policy: pb.RetryPolicy, places: list[str]
) -> None:
    request = pb.StartBuildRequest(path_id="x", retry_policy=policy)
    assert fields(request) == [f"retry_policy.{place}" for place in places]


def test_a_span_of_time_does_not_end_before_it_starts() -> None:
    span = pb.TimeRange(start_time=Timestamp(seconds=10), end_time=Timestamp(seconds=9))
    assert fields(pb.ListJobsRequest(created=span)) == ["created.end_time"]


def test_a_result_is_asked_for_by_a_plain_media_type() -> None:
    assert violations(pb.GetResultRequest(job_id=JOB, media_type="text/markdown")) == []
    for media_type in ("markdown", "text/markdown; charset=utf-8", "Text/Markdown", "text/"):
        assert fields(pb.GetResultRequest(job_id=JOB, media_type=media_type)) == ["media_type"]


@pytest.mark.parametrize(
    ("request_", "named"),
    [
        (pb.GetJobRequest(job_id=JOB, read_mask=FieldMask(paths=["*"])), "read_mask"),
        (pb.ListJobsRequest(order_by="priority"), "order_by"),
        (pb.WatchProgressRequest(job_id=JOB, detail=pb.WATCH_DETAIL_JOB), "detail=WATCH_DETAIL_JOB"),
    ],
)
def test_a_field_or_value_whose_behaviour_comes_later_is_named(request_: Message, named: str) -> None:
    assert not_yet(request_) == named


@pytest.mark.parametrize(
    "request_",
    [
        pb.StartBuildRequest(path_id="x", timeout=Duration(seconds=5)),
        pb.StartBuildRequest(path_id="x", conflict_policy=pb.CONFLICT_POLICY_FAIL),
        pb.StartBuildRequest(path_id="x", conflict_policy=pb.CONFLICT_POLICY_CANCEL_EXISTING, validate_only=True),
        pb.CancelRequest(job_id=JOB, reason="r", request_id="i", etag='"a"'),
        pb.StartBuildRequest(path_id="x", priority=9, retry_policy=pb.RetryPolicy(max_attempts=5)),
        pb.RetryRequest(job_id=JOB, mode=pb.RETRY_MODE_FROM_SCRATCH, reason="r", request_id="i"),
        pb.RetryRequest(job_id=JOB, parameters=Struct(), document=pb.Document(content=b"x"), validate_only=True),
        pb.ListJobsRequest(
            page_size=5,
            page_token="t",
            status=[pb.JOB_STATUS_FAILED],
            path_id="x",
            pipeline="p",
            has_failed_steps=False,
            query="rust",
            filter="status = failed",
            labels={"team": "red"},
            created=pb.TimeRange(),
            min_priority=0,
            with_count=True,
        ),
        pb.ListStepsRequest(job_id=JOB, page_size=5, page_token="t", status=[pb.STEP_STATUS_FAILED], stage="concepts"),
        pb.WatchProgressRequest(job_id=JOB, after_sequence=0, detail=pb.WATCH_DETAIL_FULL),
    ],
)
def test_what_is_served_is_not_refused(request_: Message) -> None:
    assert violations(request_) == []
    assert not_yet(request_) is None


def bad_request(found: list[Violation]) -> error_details_pb2.BadRequest:
    """What an answer's trailers carry."""
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in found
        ]
    )


def fields(request: Message) -> list[str]:
    return [violation.field for violation in violations(request)]
