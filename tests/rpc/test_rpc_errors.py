"""Every refusal has its code, its reason and its details, and nothing of a fault of ours leaves the server."""

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2
from sqlalchemy import make_url
from structlog.testing import capture_logs

from jobcontrol import v1 as pb
from jobcontrol.v1 import service_pb2
from jobcontrol_core.domain import errors
from jobcontrol_core.domain.errors import FieldInvalid, TooManyWatchers, Violation
from jobcontrol_server.rpc.errors import RULES, rule_of, to_status
from jobcontrol_server.rpc.service import JobControl
from jobcontrol_server.rpc.validation import NOT_YET, SERVED
from rpc.serving import Serving, error_kinds, refused, serving
from services.postgres import PostgresServer

Code = grpc.StatusCode
CODE_OF_REASON = {
    "FIELD_INVALID": Code.INVALID_ARGUMENT,
    "FILTER_INVALID": Code.INVALID_ARGUMENT,
    "REQUEST_ID_REUSED": Code.INVALID_ARGUMENT,
    "JOB_ID_AMBIGUOUS": Code.INVALID_ARGUMENT,
    "PAGE_TOKEN_INVALID": Code.INVALID_ARGUMENT,
    "PAGE_TOKEN_MISMATCH": Code.INVALID_ARGUMENT,
    "JOB_NOT_FOUND": Code.NOT_FOUND,
    "STEP_NOT_FOUND": Code.NOT_FOUND,
    "PIPELINE_NOT_FOUND": Code.NOT_FOUND,
    "QUEUE_NOT_FOUND": Code.NOT_FOUND,
    "WORKER_NOT_FOUND": Code.NOT_FOUND,
    "DEAD_LETTER_NOT_FOUND": Code.NOT_FOUND,
    "PATH_BUILD_ACTIVE": Code.ALREADY_EXISTS,
    "JOB_TERMINAL": Code.FAILED_PRECONDITION,
    "JOB_NOT_TERMINAL": Code.FAILED_PRECONDITION,
    "JOB_NOT_PAUSABLE": Code.FAILED_PRECONDITION,
    "JOB_NOT_RETRYABLE": Code.FAILED_PRECONDITION,
    "RESULT_NOT_READY": Code.FAILED_PRECONDITION,
    "DEAD_LETTER_NOT_REQUEUEABLE": Code.FAILED_PRECONDITION,
    "ETAG_MISMATCH": Code.ABORTED,
    "NOT_IMPLEMENTED": Code.UNIMPLEMENTED,
    "BACKEND_UNAVAILABLE": Code.UNAVAILABLE,
    "STORAGE_FULL": Code.UNAVAILABLE,
    "SERVER_DRAINING": Code.UNAVAILABLE,
    "TOO_MANY_WATCHERS": Code.RESOURCE_EXHAUSTED,
    "TOKEN_MISSING": Code.UNAUTHENTICATED,
    "TOKEN_INVALID": Code.UNAUTHENTICATED,
}


def test_every_error_of_the_engine_has_its_code() -> None:
    told = {kind.reason: rule.code for kind in error_kinds() if (rule := rule_of(kind)) is not None}
    assert told == CODE_OF_REASON
    assert len(list(error_kinds())) == len(told), "an error has no rule, or two share a reason"


def test_no_rule_is_without_an_error() -> None:
    assert all(issubclass(kind, errors.DomainError) for kind in RULES)
    assert {rule_of(kind) for kind in error_kinds()} == set(RULES.values())


def test_an_error_fits_into_trailers_however_much_is_wrong() -> None:
    many = FieldInvalid([Violation(f"parameters.ключ{number}", "不能为空" * 20) for number in range(500)])
    status = to_status(many)
    assert status.ByteSize() < 6_000
    bad = error_details_pb2.BadRequest()
    assert status.details[1].Unpack(bad)
    assert bad.field_violations[0].field == "parameters.ключ0"


def test_a_full_server_says_which_quota_and_when_to_come_back() -> None:
    status = to_status(TooManyWatchers(3))
    quota, retry = error_details_pb2.QuotaFailure(), error_details_pb2.RetryInfo()
    assert status.details[1].Unpack(quota)
    assert status.details[2].Unpack(retry)
    assert "3 watchers" in quota.violations[0].description
    assert retry.retry_delay.seconds == 5


async def test_all_that_is_wrong_with_a_request_is_told_at_once(server: Serving) -> None:
    request = pb.StartBuildRequest(path_id="", pipeline="Not A Name", labels={"UPPER": "x"})
    refusal = await refused(server.stub.StartBuild(request))
    assert (refusal.code, refusal.reason) == (Code.INVALID_ARGUMENT, "FIELD_INVALID")
    assert sorted(refusal.fields) == ["labels[UPPER]", "path_id", "pipeline"]


@pytest.mark.parametrize("rpc", sorted(SERVED))
async def test_every_served_call_validates(server: Serving, rpc: str) -> None:
    request = getattr(pb, f"{rpc}Request")()
    if "page_size" in request.DESCRIPTOR.fields_by_name and rpc != "ListSteps":
        request.page_size = -1
    if "window" in request.DESCRIPTOR.fields_by_name:
        request.window.FromSeconds(-1)
    refusal = await refused(getattr(server.stub, rpc)(request))
    assert refusal.reason == "FIELD_INVALID"


@pytest.mark.parametrize(
    "rpc",
    sorted(method.name for method in service_pb2.DESCRIPTOR.services_by_name["JobControl"].methods
           if method.name not in SERVED),
)  # fmt: skip
async def test_a_call_that_is_not_served_yet_says_so(server: Serving, rpc: str) -> None:
    refusal = await refused(getattr(server.stub, rpc)(getattr(pb, f"{rpc}Request")()))
    assert (refusal.code, refusal.reason) == (Code.UNIMPLEMENTED, "NOT_IMPLEMENTED")
    assert refusal.metadata == {"rpc": rpc}


async def test_a_field_that_is_not_served_yet_is_refused_by_name(server: Serving) -> None:
    assert ("ListJobsRequest", "order_by") in NOT_YET
    refusal = await refused(server.stub.ListJobs(pb.ListJobsRequest(order_by="priority")))
    assert (refusal.code, refusal.metadata) == (Code.UNIMPLEMENTED, {"field": "order_by"})


async def test_nothing_of_a_fault_of_ours_leaks_and_the_log_has_it_all(
    server: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    def burst(*_: object) -> None:
        raise RuntimeError("secret of the database")

    monkeypatch.setattr("jobcontrol_server.rpc.service.to_job", burst)
    with capture_logs() as logs:
        refusal = await refused(server.stub.StartBuild(pb.StartBuildRequest(path_id="p")))
    assert (refusal.code, refusal.reason) == (Code.INTERNAL, "INTERNAL")
    assert "secret" not in refusal.text
    request_id = refusal.metadata["request_id"]
    assert refusal.details["RequestInfo"].request_id == request_id
    (failure,) = [line for line in logs if line["event"] == "rpc_failed"]
    assert (failure["request_id"], failure["method"]) == (request_id, "/jobcontrol.v1.JobControl/StartBuild")
    assert "secret of the database" in str(failure["exc_info"])


async def test_a_fault_in_a_stream_is_told_alike(server: Serving, monkeypatch: pytest.MonkeyPatch) -> None:
    async def burst(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("jobcontrol_server.watch.hub.Hub.watch", burst)
    refusal = await refused(server.stub.WatchProgress(pb.WatchProgressRequest(job_id="0123")))
    assert (refusal.code, refusal.reason) == (Code.INTERNAL, "INTERNAL")


async def test_a_database_that_goes_away_is_unavailable_and_says_when_to_come_back(
    postgres_server: PostgresServer, postgres_url: str
) -> None:
    async with serving(postgres_url) as server:
        await server.start()
        await server.work(postgres_server.drop_database, make_url(postgres_url).database)
        refusal = await refused(server.stub.ListJobs(pb.ListJobsRequest()))
        assert (refusal.code, refusal.reason) == (Code.UNAVAILABLE, "BACKEND_UNAVAILABLE")
        assert refusal.details["RetryInfo"].retry_delay.seconds == 1


def test_every_served_method_is_there() -> None:
    assert {name for name in dir(JobControl) if not name.startswith("_")} == SERVED
