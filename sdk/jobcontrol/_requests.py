"""From the caller's arguments to the contract's requests, with what can be told without the server."""

from __future__ import annotations

import mimetypes
import uuid
from collections.abc import Mapping
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.struct_pb2 import Struct

from jobcontrol import v1 as pb
from jobcontrol.errors import InvalidInput, NotFound
from jobcontrol.pipeline.definition import Rate, Retry

SAMPLE: Literal["sample"] = "sample"
"""As `document`: the sample that comes with the pipeline."""


class Keep(Enum):
    """As an argument: what is there stays."""

    KEEP = "keep"


KEEP = Keep.KEEP

IfRunning = Literal["fail", "attach", "replace"]
DocumentSource = Path | bytes | str

MAX_DOCUMENT_BYTES = 4 * 1024 * 1024
#: Seconds of silence after which the server is to send a heartbeat; see `_watching.SILENCE`.
HEARTBEAT_SECONDS = 10
_POLICIES = {
    "fail": pb.CONFLICT_POLICY_FAIL,
    "attach": pb.CONFLICT_POLICY_USE_EXISTING,
    "replace": pb.CONFLICT_POLICY_CANCEL_EXISTING,
}


def start_request(
    pipeline: str,
    path_id: str,
    *,
    document: DocumentSource | None,
    title: str,
    parameters: Mapping[str, Any] | None,
    labels: Mapping[str, str] | None,
    if_running: IfRunning,
    time_limit: float | None,
    priority: int,
    retry: Retry | int | None,
    request_id: str | None,
) -> pb.StartBuildRequest:
    """StartBuild under `request_id`, or under a fresh one, so that it may be sent twice."""
    if if_running not in _POLICIES:
        raise invalid("if_running", f"{if_running!r} is none of {', '.join(_POLICIES)}")
    request = pb.StartBuildRequest(
        path_id=path_id,
        title=title,
        pipeline=pipeline,
        parameters=_to_struct(parameters) if parameters else None,
        document=_to_document(document) if document is not None else None,
        labels=labels,
        conflict_policy=_POLICIES[if_running],
        priority=priority,
        retry_policy=_to_retry_policy(retry) if retry is not None else None,
        request_id=request_id or new_request_id(),
    )
    if time_limit is not None:
        request.timeout.FromTimedelta(timedelta(seconds=time_limit))
    return request


def _to_retry_policy(retry: Retry | int) -> pb.RetryPolicy:
    if isinstance(retry, int):
        # Held against the same bounds; of the rest, the stages' own is kept.
        return pb.RetryPolicy(max_attempts=Retry(max_attempts=retry).max_attempts)
    policy = pb.RetryPolicy(max_attempts=retry.max_attempts, multiplier=retry.factor)
    policy.initial_backoff.FromTimedelta(timedelta(seconds=retry.base))
    policy.max_backoff.FromTimedelta(timedelta(seconds=retry.max_delay))
    return policy


def cancel_request(job_id: str, *, reason: str, force: bool, etag: str, request_id: str | None) -> pb.CancelRequest:
    return pb.CancelRequest(
        job_id=job_id, reason=reason, force=force, etag=etag, request_id=request_id or new_request_id()
    )


def retry_request(
    job_id: str,
    *,
    all_steps: bool,
    parameters: Mapping[str, Any] | None,
    document: DocumentSource | None,
    reason: str = "",
    etag: str = "",
    request_id: str | None = None,
) -> pb.RetryRequest:
    return pb.RetryRequest(
        job_id=job_id,
        mode=pb.RETRY_MODE_FROM_SCRATCH if all_steps else pb.RETRY_MODE_FAILED_STEPS,
        parameters=_to_struct(parameters) if parameters is not None else None,
        document=_to_document(document) if document is not None else None,
        reason=reason,
        etag=etag,
        request_id=request_id or new_request_id(),
    )


def watch_request(job_id: str, after: int | None) -> pb.WatchProgressRequest:
    request = pb.WatchProgressRequest(job_id=job_id, after_sequence=after)
    request.heartbeat_interval.FromSeconds(HEARTBEAT_SECONDS)
    return request


def limit_queue_request(
    queue: str, *, max_running: int | Keep | None, rate: Rate | Keep | None, reason: str
) -> pb.UpdateQueueRequest:
    limits = pb.QueueLimits()
    changed = []
    if not isinstance(max_running, Keep):
        changed.append("max_running")
        if max_running is not None:
            limits.max_running = max_running
    if not isinstance(rate, Keep):
        changed += ["rate", "rate_window"]
        if rate is not None:
            limits.rate = rate.count
            limits.rate_window.FromTimedelta(timedelta(seconds=rate.per))
    if not changed:
        raise invalid("max_running", "give max_running, rate or both; to forget what was set, reset_queue_limits")
    return pb.UpdateQueueRequest(queue=queue, limits=limits, update_mask=FieldMask(paths=changed), reason=reason)


def letter_filter(*, queue: str, job_id: str, fingerprint: str) -> pb.DeadLetterFilter | None:
    """The conditions given; None if there are none."""
    wanted = pb.DeadLetterFilter(queue=queue, job_id=job_id, fingerprint=fingerprint)
    return wanted if wanted.ListFields() else None


def new_request_id() -> str:
    return str(uuid.uuid4())


def invalid(field: str, description: str) -> InvalidInput:
    """What the server would say of a wrong field, said without asking it."""
    error = InvalidInput(f"{field}: {description}", code="INVALID_ARGUMENT", reason="FIELD_INVALID")
    error.fields = {field: description}
    return error


def no_such_letter(given: str, *, is_ambiguous: bool) -> NotFound:
    """What the server would say of a dead letter that a list was asked for and did not hold."""
    why = "is the ending of several dead letters" if is_ambiguous else "is no dead letter"
    return NotFound(f"{given} {why}", code="NOT_FOUND", reason="DEAD_LETTER_NOT_FOUND")


def _to_struct(parameters: Mapping[str, Any]) -> Struct:
    try:
        return ParseDict(dict(parameters), Struct())
    except (ParseError, TypeError, ValueError) as problem:
        raise invalid("parameters", f"not JSON: {problem}") from problem


def _to_document(source: DocumentSource) -> pb.Document:
    if source == SAMPLE:
        return pb.Document(sample=True)
    document = _read(source) if isinstance(source, Path) else pb.Document(content=_bytes_of(source))
    if len(document.content) > MAX_DOCUMENT_BYTES:
        raise invalid("document.content", f"{len(document.content):,} bytes are more than {MAX_DOCUMENT_BYTES:,}")
    return document


def _read(path: Path) -> pb.Document:
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise invalid("document", f"{path} cannot be read: {problem.strerror}") from problem
    return pb.Document(content=content, media_type=_media_type_of(path), file_name=path.name)


def _media_type_of(path: Path) -> str:
    """Empty where the name says nothing, so that the server takes what the pipeline prefers."""
    if path.suffix.lower() in (".md", ".markdown"):
        # Not every system's table knows it.
        return "text/markdown"
    return mimetypes.guess_type(path.name)[0] or ""


def _bytes_of(source: bytes | str) -> bytes:
    return source.encode() if isinstance(source, str) else source
