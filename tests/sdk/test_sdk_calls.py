"""The client over grpcio's fake channel: what goes onto the wire, and what comes back as values and errors."""

import pickle
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, cast

import grpc
import grpc_testing  # type: ignore[import-untyped]
import pytest
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RequestInfo, RetryInfo
from google.rpc.status_pb2 import Status

from jobcontrol import SAMPLE, Client, JobStatus
from jobcontrol import v1 as pb
from jobcontrol._decoding import to_job_state
from jobcontrol._grpc_transport import GrpcTransport
from jobcontrol._settings import Target
from jobcontrol.errors import (
    AlreadyRunning,
    ApiError,
    ConnectionFailed,
    InvalidInput,
    InvalidState,
    JobControlError,
    NotFound,
    NotServed,
    RateLimited,
    RequestTimeout,
    ServerError,
)
from sdk.recording import DONE, JOB_ID, SHORT_ID, finished, job, snapshot
from services.waiting import wait_until

SERVICE = pb.service_pb2.DESCRIPTOR.services_by_name["JobControl"]
STARTED = pb.StartBuildResponse(job=job("PENDING"), job_id=JOB_ID)


class Recorded:
    """Passes calls on to a fake channel, which forgets their deadlines, and keeps those."""

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self.timeouts: list[float | None] = []

    def unary_unary(self, path: str, **codecs: Any) -> Callable[..., Any]:
        method = self._channel.unary_unary(path, **codecs)

        def call(request: Message, timeout: float | None = None, **options: Any) -> Any:
            self.timeouts.append(timeout)
            return method(request, timeout=timeout, **options)

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


class Wire:
    """A client on a fake channel, its calls made on a thread, so that the test can be the server."""

    def __init__(self, token: str = "", **options: Any) -> None:
        self.channel = Recorded(grpc_testing.channel([SERVICE], grpc_testing.strict_real_time()))
        transport = GrpcTransport(
            Target("server:50051", token), channel_factory=lambda *_: cast(grpc.Channel, self.channel)
        )
        self.client = Client(transport=transport, **options)

    def begin(self, call: Callable[[Client], Any]) -> "Future[Any]":
        """Make a call on a thread of its own, which ends with the test run at the latest."""
        future: Future[Any] = Future()

        def run() -> None:
            try:
                future.set_result(call(self.client))
            except JobControlError as error:
                future.set_exception(error)

        threading.Thread(target=run, daemon=True).start()
        return future

    def take(self, method: str) -> Any:
        """(metadata, request, call) of the next unary call."""
        return self.channel.take_unary_unary(SERVICE.methods_by_name[method])

    def serve(self, call: Callable[[Client], Any], method: str, answer: Message) -> tuple[Any, Any]:
        """Make a call, answer it well; what was sent, and what the caller got."""
        pending = self.begin(call)
        _, request, served = self.take(method)
        served.terminate(answer, (), grpc.StatusCode.OK, "")
        return request, pending.result(timeout=10)

    def refuse(
        self, code: grpc.StatusCode, words: str, *details: Message, call: Callable[[Client], Any] | None = None
    ) -> JobControlError:
        """Refuse a GetJob; the error that the caller got."""
        pending = self.begin(call or (lambda client: client.job(JOB_ID)))
        _, _, served = self.take("GetJob")
        served.terminate(None, _trailers(code, words, details), code, words)
        error = pending.exception(timeout=10)
        assert isinstance(error, JobControlError)
        return error


@pytest.fixture
def wire() -> Wire:
    return Wire()


def _trailers(code: grpc.StatusCode, words: str, details: tuple[Message, ...]) -> tuple[tuple[str, bytes], ...]:
    status = Status(code=code.value[0], message=words)
    for detail in details:
        packed = AnyMessage()
        packed.Pack(detail)
        status.details.append(packed)
    return (("grpc-status-details-bin", status.SerializeToString()),)


def reason(name: str, **metadata: str) -> ErrorInfo:
    return ErrorInfo(reason=name, domain="jobcontrol.v1", metadata=metadata)


def test_every_unary_call_has_a_deadline(wire: Wire) -> None:
    wire.serve(lambda client: client.job(JOB_ID), "GetJob", pb.GetJobResponse(job=job()))
    wire.serve(lambda client: client.start("p", "x"), "StartBuild", STARTED)
    wire.serve(lambda client: client.pipelines(), "ListPipelines", pb.ListPipelinesResponse())
    assert wire.channel.timeouts == [20.0, 20.0, 20.0]


def test_the_deadline_is_the_clients_choice_and_its_passing_is_told_as_that() -> None:
    wire = Wire(timeout=3.0)
    error = wire.refuse(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded")
    assert wire.channel.timeouts == [3.0]
    assert isinstance(error, RequestTimeout)
    assert isinstance(error, TimeoutError)
    assert "server:50051 did not answer in time" in str(error)


def test_a_token_is_sent_with_unary_and_streaming_calls() -> None:
    wire = Wire(token="secret")
    pending = wire.begin(lambda client: list(client.job(JOB_ID).watch()))
    metadata, _, served = wire.take("GetJob")
    assert ("authorization", "Bearer secret") in metadata
    served.terminate(pb.GetJobResponse(job=job()), (), grpc.StatusCode.OK, "")
    metadata, _, stream = wire.channel.take_unary_stream(SERVICE.methods_by_name["WatchProgress"])
    assert ("authorization", "Bearer secret") in metadata
    stream.send_response(finished(3, job("COMPLETED", percent=100, at=3)))
    assert [event.is_last for event in pending.result(timeout=10)] == [True]


def test_without_a_token_no_authorization_is_sent(wire: Wire) -> None:
    wire.begin(lambda client: client.job(JOB_ID))
    metadata, _, served = wire.take("GetJob")
    assert [key for key, _ in metadata or () if key == "authorization"] == []
    served.terminate(pb.GetJobResponse(job=job()), (), grpc.StatusCode.OK, "")


@pytest.mark.parametrize(
    ("method", "call", "answer"),
    [
        ("StartBuild", lambda client: client.start("learning-path", "rust-101"), STARTED),
        ("Cancel", lambda client: started(client).cancel("too slow"), pb.CancelResponse(job=job("CANCELLED"))),
        ("Retry", lambda client: started(client).retry(), pb.RetryResponse(job=job("PENDING"))),
    ],
)
def test_each_change_carries_a_request_id_of_its_own(
    wire: Wire, method: str, call: Callable[[Client], Any], answer: Message
) -> None:
    first, _ = wire.serve(call, method, answer)
    second, _ = wire.serve(call, method, answer)
    assert len(first.request_id) == len(second.request_id) == 36
    assert first.request_id != second.request_id


def started(client: Client) -> Any:
    return client._to_job(to_job_state(job()))


def test_a_request_id_of_the_caller_is_kept(wire: Wire) -> None:
    request, _ = wire.serve(lambda client: client.start("p", "x", request_id="nightly-7"), "StartBuild", STARTED)
    assert request.request_id == "nightly-7"


def test_start_sends_everything_that_it_was_given(wire: Wire, tmp_path: Path) -> None:
    (tmp_path / "rust.md").write_bytes(b"# Rust\n")

    def start(client: Client) -> Any:
        return client.start(
            "learning-path",
            "rust-101",
            document=tmp_path / "rust.md",
            title="Rust",
            parameters={"depth": 2, "tags": ["a", None]},
            labels={"team": "red"},
            if_running="attach",
            time_limit=90.5,
        )

    request, made = wire.serve(start, "StartBuild", STARTED)
    assert (request.pipeline, request.path_id, request.title) == ("learning-path", "rust-101", "Rust")
    assert request.document == pb.Document(content=b"# Rust\n", media_type="text/markdown", file_name="rust.md")
    assert dict(request.parameters) == {"depth": 2.0, "tags": request.parameters["tags"]}
    assert dict(request.labels) == {"team": "red"}
    assert request.conflict_policy == pb.CONFLICT_POLICY_USE_EXISTING
    assert request.timeout.ToTimedelta().total_seconds() == 90.5
    assert (made.id, made.short_id, made.status, made.was_running) == (JOB_ID, SHORT_ID, JobStatus.PENDING, False)


def test_the_sample_is_asked_for_by_name_and_not_sent(wire: Wire) -> None:
    request, _ = wire.serve(lambda client: client.start("p", "x", document=SAMPLE), "StartBuild", STARTED)
    assert request.document == pb.Document(sample=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"document": Path("not/there.md")}, "cannot be read"),
        ({"document": b"x" * (4 * 1024 * 1024 + 1)}, "more than 4,194,304"),
        ({"parameters": {"when": object()}}, "not JSON"),
        ({"if_running": "wait"}, "none of fail, attach, replace"),
    ],
)
def test_what_can_be_told_without_the_server_is(wire: Wire, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        wire.client.start("p", "x", **arguments)


def test_jobs_are_paged_with_the_same_conditions_until_the_last_page(wire: Wire) -> None:
    pending = wire.begin(lambda client: list(client.jobs(status=["failed", "cancelled"], has_failed_steps=True)))
    _, first, served = wire.take("ListJobs")
    served.terminate(pb.ListJobsResponse(jobs=[job(), job()], next_page_token="t"), (), grpc.StatusCode.OK, "")
    _, second, served = wire.take("ListJobs")
    served.terminate(pb.ListJobsResponse(jobs=[job()]), (), grpc.StatusCode.OK, "")
    assert len(pending.result(timeout=10)) == 3
    assert list(first.status) == [pb.JOB_STATUS_FAILED, pb.JOB_STATUS_CANCELLED]
    assert (first.page_token, second.page_token) == ("", "t")
    second.page_token = ""
    assert first == second


def test_a_limit_asks_for_no_more_than_it_needs(wire: Wire) -> None:
    answer = pb.ListJobsResponse(jobs=[job()] * 3, next_page_token="more")
    request, found = wire.serve(lambda client: list(client.jobs(limit=3)), "ListJobs", answer)
    assert request.page_size == 3
    assert len(found) == 3


def test_a_result_is_joined_and_decoded_by_its_media_type(wire: Wire) -> None:
    pending = wire.begin(lambda client: (started(client).result(), started(client).result("text/markdown")))
    for media_type, chunks in (("application/json", [b'{"units"', b": 3}"]), ("text/markdown", [b"# R\xc3", b"\xbc"])):
        _, request, stream = wire.channel.take_unary_stream(SERVICE.methods_by_name["GetResult"])
        assert request.media_type == media_type
        for chunk in chunks:
            stream.send_response(pb.GetResultResponse(media_type=media_type, chunk=chunk))
        stream.terminate((), grpc.StatusCode.OK, "")
    assert pending.result(timeout=10) == ({"units": 3}, "# Rü")


def test_a_result_that_breaks_on_the_way_is_read_anew(wire: Wire) -> None:
    pending = wire.begin(lambda client: started(client).result_bytes())
    for code, end in ((grpc.StatusCode.UNAVAILABLE, "gone"), (grpc.StatusCode.OK, "")):
        _, _, stream = wire.channel.take_unary_stream(SERVICE.methods_by_name["GetResult"])
        stream.send_response(pb.GetResultResponse(media_type="application/json", chunk=b"[1]"))
        stream.terminate((), code, end)
    assert pending.result(timeout=10) == b"[1]"


def test_a_watch_resumes_over_grpc_after_the_last_commit(wire: Wire) -> None:
    seen: list[int] = []
    pending = wire.begin(lambda client: seen.extend(event.sequence for event in started(client).watch()))
    method = SERVICE.methods_by_name["WatchProgress"]
    _, request, stream = wire.channel.take_unary_stream(method)
    assert not request.HasField("after_sequence")
    stream.send_response(snapshot(2, job(at=2)))
    wait_until(lambda: seen == [2], "the snapshot has arrived")
    stream.terminate((), grpc.StatusCode.INTERNAL, "Received RST_STREAM with error code 2")
    _, request, stream = wire.channel.take_unary_stream(method)
    assert request.after_sequence == 2
    stream.send_response(finished(3, job("COMPLETED", percent=100, at=3, stages=DONE)))
    pending.result(timeout=10)
    assert seen == [2, 3]


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        ("NOT_FOUND", reason("JOB_NOT_FOUND"), NotFound),
        ("INVALID_ARGUMENT", reason("JOB_ID_AMBIGUOUS", candidates="a, b"), InvalidInput),
        ("FAILED_PRECONDITION", reason("JOB_TERMINAL", status="COMPLETED"), InvalidState),
        ("UNIMPLEMENTED", reason("NOT_IMPLEMENTED", field="priority"), NotServed),
        ("UNAVAILABLE", reason("STORAGE_FULL"), ServerError),
        ("INTERNAL", reason("A_REASON_OF_TOMORROW"), ServerError),
    ],
)
def test_a_reason_becomes_its_class_with_its_facts(wire: Wire, code: str, details: ErrorInfo, kind: type) -> None:
    error = wire.refuse(grpc.StatusCode[code], "the server's words", details)
    assert type(error) is kind
    assert isinstance(error, ApiError)
    assert (error.code, error.reason, error.metadata) == (code, details.reason, dict(details.metadata))
    assert error.message == "the server's words"
    assert isinstance(error.__cause__, grpc.RpcError)


def test_wrong_fields_and_the_request_of_the_server_are_told(wire: Wire) -> None:
    violation = BadRequest.FieldViolation(field="path_id", description="required")
    bad = BadRequest(field_violations=[violation])
    error = wire.refuse(
        grpc.StatusCode.INVALID_ARGUMENT,
        "path_id: required",
        reason("FIELD_INVALID"),
        bad,
        RequestInfo(request_id="r-1"),
    )
    assert isinstance(error, InvalidInput)
    assert error.fields == {"path_id": "required"}
    assert error.request_id == "r-1"


def test_the_time_after_which_to_try_again_is_told() -> None:
    wire = Wire(retries=0)
    retry = RetryInfo()
    retry.retry_delay.FromMilliseconds(2500)
    error = wire.refuse(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", reason("TOO_MANY_WATCHERS"), retry)
    assert isinstance(error, RateLimited)
    assert error.retry_after == 2.5
    assert error.retryable


@pytest.mark.parametrize(
    ("code", "words", "why"),
    [
        (
            "UNAVAILABLE",
            "failed to connect to all addresses; last error: ipv4:127.0.0.1:1: Connection refused",
            "refused",
        ),
        (
            "UNAVAILABLE",
            "errors resolving nohost:50051: [address lookup failed: Domain name not found]",
            "unknown host",
        ),
        ("UNAVAILABLE", "Failed parsing HTTP/2 (Expected SETTINGS frame as the first frame)", "it does not speak gRPC"),
        ("UNAVAILABLE", "Cancelling all calls", "the connection broke"),
        ("CANCELLED", "CANCELLED", "the connection broke"),
        ("INTERNAL", "Received RST_STREAM with error code 2", "the connection broke"),
        ("UNKNOWN", "Stream removed", "the connection broke"),
    ],
)
def test_a_broken_link_is_told_with_its_cause(wire: Wire, code: str, words: str, why: str) -> None:
    error = wire.refuse(grpc.StatusCode[code], words)
    assert isinstance(error, ConnectionFailed)
    assert error.message == f"no server at server:50051 ({why})"


def test_an_internal_error_of_the_server_is_no_broken_link(wire: Wire) -> None:
    error = wire.refuse(grpc.StatusCode.INTERNAL, "something went wrong")
    assert type(error) is ServerError
    assert not error.retryable


def test_a_path_that_is_being_built_leads_to_its_job(wire: Wire) -> None:
    pending = wire.begin(lambda client: client.start("learning-path", "rust-101"))
    _, _, served = wire.take("StartBuild")
    info = reason("PATH_BUILD_ACTIVE", path_id="rust-101", active_job_id=JOB_ID, percent="62")
    code = grpc.StatusCode.ALREADY_EXISTS
    served.terminate(
        None, _trailers(code, "rust-101 is already being built", (info,)), code, "rust-101 is already being built"
    )
    _, asked, served = wire.take("GetJob")
    served.terminate(pb.GetJobResponse(job=job(percent=63)), (), grpc.StatusCode.OK, "")
    error = pending.exception(timeout=10)
    assert isinstance(error, AlreadyRunning)
    assert (asked.job_id, error.existing_job_id, error.percent) == (JOB_ID, JOB_ID, 62)
    assert error.existing_job.percent == 63


def test_a_pickled_client_holds_no_token_and_connects_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client("server:1", token="secret", timeout=3.0)
    assert "secret" not in repr(client)
    written = pickle.dumps(client)
    assert b"secret" not in written
    monkeypatch.setenv("JOBCONTROL_TOKEN", "of-the-reader")
    read = pickle.loads(written)
    target = read._connection.transport._target
    assert (read.server, target.token, read._limits.timeout) == ("server:1", "of-the-reader", 3.0)


def test_a_forked_process_opens_a_channel_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []

    def open_channel(target: Target, retries: int) -> grpc.Channel:
        opened.append(target.address)
        return cast(grpc.Channel, grpc_testing.channel([SERVICE], grpc_testing.strict_real_time()))

    transport = GrpcTransport(Target("server:1"), channel_factory=open_channel)
    assert transport._channel(3) is transport._channel(3)
    monkeypatch.setattr("jobcontrol._grpc_transport.os.getpid", lambda: -1)
    transport._channel(3)
    assert len(opened) == 2


def test_the_address_of_a_page_is_turned_down_before_anything_is_sent() -> None:
    with pytest.raises(ConnectionFailed, match="address of a web page; give host and port"):
        Client("http://localhost:8080/ui").job(JOB_ID)
