"""The error table: what each refusal of the engine is in gRPC, as a google.rpc.Status."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from jobcontrol_core.domain.errors import (
    DomainError,
    EtagMismatch,
    FieldInvalid,
    JobIdAmbiguous,
    NotFound,
    NotServedYet,
    PageTokenInvalid,
    PageTokenMismatch,
    PathBuildActive,
    RequestIdReused,
    TooManyWatchers,
    Unauthenticated,
    Unavailable,
    WrongState,
)

DOMAIN = "jobcontrol.v1"
#: Clients take some kilobytes of trailers, in which the text stands twice: as it is, and percent-encoded.
MOST_TEXT, MOST_VIOLATIONS = 1_000, 3_000

Code = grpc.StatusCode
Details = Callable[[Any], Iterator[Message]]


@dataclass(frozen=True, slots=True)
class Rule:
    """The code of a kind of error, and what its status carries beside the ErrorInfo."""

    code: grpc.StatusCode
    details: Details


def _nothing(_: DomainError) -> Iterator[Message]:
    yield from ()


def _bad_request(error: FieldInvalid) -> Iterator[Message]:
    bad = error_details_pb2.BadRequest()
    for violation in error.violations:
        if bad.ByteSize() > MOST_VIOLATIONS:
            break
        bad.field_violations.add(field=violation.field, description=violation.description)
    yield bad


def _resource(error: NotFound) -> Iterator[Message]:
    yield error_details_pb2.ResourceInfo(
        resource_type=error.resource_type, resource_name=error.name, description=str(error)
    )


def _active_job(error: PathBuildActive) -> Iterator[Message]:
    yield error_details_pb2.ResourceInfo(resource_type="job", resource_name=error.active_job_id)


def _precondition(error: WrongState) -> Iterator[Message]:
    failure = error_details_pb2.PreconditionFailure()
    failure.violations.add(type=error.reason, subject=error.job_id, description=str(error))
    yield failure


def _retry(error: Unavailable | TooManyWatchers) -> Iterator[Message]:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromTimedelta(timedelta(seconds=error.retry_after))
    yield info


def _quota(error: TooManyWatchers) -> Iterator[Message]:
    failure = error_details_pb2.QuotaFailure()
    failure.violations.add(subject="watchers of this server", description=str(error))
    yield failure
    yield from _retry(error)


#: The nearest class of an error's own ancestry decides.
RULES: Mapping[type[DomainError], Rule] = {
    FieldInvalid: Rule(Code.INVALID_ARGUMENT, _bad_request),
    PageTokenInvalid: Rule(Code.INVALID_ARGUMENT, _nothing),
    PageTokenMismatch: Rule(Code.INVALID_ARGUMENT, _nothing),
    RequestIdReused: Rule(Code.INVALID_ARGUMENT, _nothing),
    JobIdAmbiguous: Rule(Code.INVALID_ARGUMENT, _nothing),
    NotFound: Rule(Code.NOT_FOUND, _resource),
    PathBuildActive: Rule(Code.ALREADY_EXISTS, _active_job),
    WrongState: Rule(Code.FAILED_PRECONDITION, _precondition),
    EtagMismatch: Rule(Code.ABORTED, _nothing),
    NotServedYet: Rule(Code.UNIMPLEMENTED, _nothing),
    Unavailable: Rule(Code.UNAVAILABLE, _retry),
    TooManyWatchers: Rule(Code.RESOURCE_EXHAUSTED, _quota),
    Unauthenticated: Rule(Code.UNAUTHENTICATED, _nothing),
}


def rule_of(kind: type[DomainError]) -> Rule | None:
    """The rule for errors of this class."""
    return next((RULES[ancestor] for ancestor in kind.__mro__ if ancestor in RULES), None)


def to_status(error: DomainError) -> status_pb2.Status:
    """The status that tells of `error`, small enough for trailers."""
    rule = rule_of(type(error))
    assert rule is not None, f"{type(error).__name__} has no rule"
    info = error_details_pb2.ErrorInfo(domain=DOMAIN, reason=error.reason, metadata=error.metadata)
    return _status(rule.code, str(error), [info, *rule.details(error)])


def internal_status(request_id: str) -> status_pb2.Status:
    """What a caller learns of a fault of ours: a number to ask about, and nothing else."""
    info = error_details_pb2.ErrorInfo(domain=DOMAIN, reason="INTERNAL", metadata={"request_id": request_id})
    text = f"internal error; the server's log tells more under request_id {request_id}"
    return _status(Code.INTERNAL, text, [info, error_details_pb2.RequestInfo(request_id=request_id)])


def _status(code: grpc.StatusCode, text: str, details: list[Message]) -> status_pb2.Status:
    number: int = code.value[0]
    status = status_pb2.Status(code=number, message=_shortened(text))
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _shortened(text: str) -> str:
    """The beginning of `text` that takes at most MOST_TEXT bytes in a trailer."""
    if len(quote(text)) <= MOST_TEXT:
        return text
    kept = text[:MOST_TEXT]
    while len(quote(kept)) > MOST_TEXT:
        kept = kept[: len(kept) * 3 // 4]
    return kept + "…"
