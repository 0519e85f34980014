"""What the server's table asks of fields, as JSON Schemas: the same values pass both."""

from typing import Any

import pytest
from jsonschema import Draft202012Validator

from jobcontrol import v1 as pb
from jobcontrol_server.rest.constraints import json_constraints, refused_names
from jobcontrol_server.rpc.validation import violations

JOB = "0123-abc"
#: Request, field, JSON value, whether it passes.
VALUES: list[tuple[type[Any], str, Any, bool]] = [
    (pb.GetJobRequest, "job_id", JOB, True),
    (pb.GetJobRequest, "job_id", "", False),
    (pb.GetJobRequest, "job_id", "abc", False),
    (pb.GetJobRequest, "job_id", "a" * 63, True),
    (pb.GetJobRequest, "job_id", "a" * 64, False),
    (pb.GetJobRequest, "job_id", "ABCD", False),
    (pb.StartBuildRequest, "path_id", "rust 101", True),
    (pb.StartBuildRequest, "path_id", "  ", False),
    (pb.StartBuildRequest, "path_id", "a\x00", False),
    (pb.StartBuildRequest, "path_id", "a" * 129, False),
    (pb.ListJobsRequest, "pipeline", "", True),
    (pb.ListJobsRequest, "pipeline", "learning-path", True),
    (pb.ListJobsRequest, "pipeline", "-path", False),
    (pb.ListJobsRequest, "page_size", 0, True),
    (pb.ListJobsRequest, "page_size", -1, False),
    (pb.ListAuditEventsRequest, "resource", "", True),
    (pb.ListAuditEventsRequest, "resource", "jobs/a", True),
    (pb.ListAuditEventsRequest, "resource", "/jobs", False),
    (pb.RequeueDeadLettersRequest, "per_second", 0, True),
    (pb.RequeueDeadLettersRequest, "per_second", 0.001, False),
    (pb.RequeueDeadLettersRequest, "per_second", 1000, True),
    (pb.RequeueDeadLettersRequest, "per_second", 1001, False),
    (pb.RequeueDeadLettersRequest, "dead_letter_ids", [JOB], True),
    (pb.RequeueDeadLettersRequest, "dead_letter_ids", ["x"], False),
]


@pytest.mark.parametrize(
    ("request_type", "field", "value", "passes"), VALUES, ids=lambda given: getattr(given, "__name__", repr(given)[:24])
)
def test_a_schema_takes_what_the_table_takes(request_type: Any, field: str, value: Any, passes: bool) -> None:
    descriptor = request_type.DESCRIPTOR.fields_by_name[field]
    assert Draft202012Validator(json_constraints()[descriptor.full_name]).is_valid(value) is passes
    faults = [found.field for found in violations(request_type(**{field: value}))]
    assert any(name.startswith(field) for name in faults) is not passes


def test_what_is_refused_has_the_full_names_of_the_contract() -> None:
    for name in refused_names():
        owner, _, last = name.rpartition(".")
        holder = getattr(pb, owner.rpartition(".")[2], None)
        assert last in holder.DESCRIPTOR.fields_by_name if holder is not None else isinstance(getattr(pb, last), int)
